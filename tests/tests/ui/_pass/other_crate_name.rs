//! The crate under another name, as a renamed dependency or a re-export has it.

mod facade {
    pub use keras_serial as ks;
}

use facade::ks::prelude::*;

/// A layer.
#[register(package = "Renamed", crate = "facade::ks")]
#[derive(KerasSerializable)]
#[keras(new, setters, crate = "facade::ks")]
pub struct Own {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    mode: Mode,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense: LayerRef,
}

impl Layer for Own {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.tensor()?, cx)
    }
}

/// `#[register]` finds the name in the type's attributes too.
#[register(package = "Renamed")]
#[derive(KerasSerializable)]
#[keras(crate = facade::ks)]
pub struct Plain {
    units: usize,
}

/// Strings.
#[derive(KerasEnum, Default)]
#[keras(crate = facade::ks)]
pub enum Mode {
    /// The only one.
    #[default]
    Only,
}

/// A function.
#[register(package = "Renamed", crate = facade::ks)]
pub fn renamed(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}

pub(super) fn main() {
    let own = Own::new(2).mode(Mode::Only);
    assert_eq!(own.units, 2);
    assert!(facade::ks::registry::get_registered_object("Renamed>Plain").is_ok());
    let _ = Plain { units: 1 }.units;
}
