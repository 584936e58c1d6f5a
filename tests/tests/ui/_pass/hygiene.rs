//! Expressions of attributes see the user's names, and none of the expansion's variables.
#![allow(clippy::unnecessary_wraps, reason = "the signatures are what the attributes ask for")]

use keras_serial::prelude::*;

fn config() -> f64 {
    0.25
}

fn units() -> usize {
    7
}

fn this() -> i64 {
    -1
}

fn field_units() -> i64 {
    -2
}

fn visitor() -> bool {
    true
}

fn upgraded(_: &mut Config) -> Result<()> {
    Ok(())
}

/// Fields, arguments of `new` and functions of one name.
#[derive(KerasSerializable)]
#[keras(new, setters, from_config = upgraded)]
pub struct Own {
    base: LayerBase,
    units: usize,
    #[keras(default = units())]
    other: usize,
    #[keras(default = config())]
    rate: f64,
    #[keras(default = this() + field_units())]
    number: i64,
    #[keras(default = visitor())]
    flag: bool,
    #[keras(sublayer(init = vec![Dense::new(units).shared(), Dense::new(other).name(format!("d{number}")).shared()]))]
    layers: Vec<LayerRef>,
}

pub(super) fn main() {
    let own = Own::from_config(&Own::new(2).get_config().unwrap()).unwrap();
    assert_eq!((own.units, own.other, own.number, own.flag), (2, 7, -3, true));
    assert!((own.rate - 0.25).abs() < 1e-9);
    assert_eq!(Own::new(2).number(5).layers[1].name(), "d5");
    assert_eq!(own.base().name("Own"), "own");
}
