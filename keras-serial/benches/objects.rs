//! The registry and configurations in numbers: `cargo bench -p keras-serial --no-default-features --bench objects`.
//!
//! Prints the time of the first look-up, for which the master list of 1,000 registered classes is built; that of a
//! look-up among them; and those of `get_config` and `from_config` beside `serde_json::to_value` and `from_value`.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at errors")]

use std::hint::black_box;
use std::time::Instant;

use keras_serial::{KerasSerializable, registry};
use serde::{Deserialize, Serialize};

/// One of many classes.
#[derive(KerasSerializable)]
struct Many<const N: usize> {
    units: usize,
}

macro_rules! thousand {
    ($($hundreds:literal)*) => { $(thousand!(@tens $hundreds 0 1 2 3 4 5 6 7 8 9);)* };
    (@tens $hundreds:literal $($tens:literal)*) => { $(thousand!(@ones $hundreds $tens 0 1 2 3 4 5 6 7 8 9);)* };
    (@ones $hundreds:literal $tens:literal $($ones:literal)*) => {
        $(keras_serial::__private_0_1_0::inventory::submit! {
            keras_serial::entry!(Many<{ $hundreds * 100 + $tens * 10 + $ones }>)
                .in_package("Many")
                .named(concat!("Many", $hundreds, $tens, $ones))
        })*
    };
}
thousand!(0 1 2 3 4 5 6 7 8 9);

#[derive(KerasSerializable, Serialize, Deserialize)]
struct Six {
    units: usize,
    #[keras(default = 0.5)]
    rate: f64,
    #[keras(default = true)]
    flag: bool,
    #[keras(default)]
    name: Option<String>,
    sizes: Vec<usize>,
    pair: (i64, f32),
}

/// Returns the nanoseconds of a call, the best of several rounds.
fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    const ROUNDS: usize = 30;
    const CALLS: usize = 20_000;
    let mut round = || {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        start.elapsed().as_secs_f64() * 1e9 / CALLS as f64
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let start = Instant::now();
    registry::get_registered_object("Many>Many123").unwrap();
    println!("first look-up among 1,000: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("look-up: {:.1} ns", nanoseconds(|| registry::get_registered_object(black_box("Many>Many777")).unwrap()));

    let six = Six { units: 3, rate: 0.1, flag: false, name: Some("a".into()), sizes: vec![1, 2, 3], pair: (1, 2.0) };
    let (config, value) = (six.get_config().unwrap(), serde_json::to_value(&six).unwrap());
    let ours = nanoseconds(|| black_box(&six).get_config().unwrap());
    let theirs = nanoseconds(|| serde_json::to_value(black_box(&six)).unwrap());
    println!("get_config: {ours:.0} ns, serde_json::to_value: {theirs:.0} ns, ratio {:.2}", ours / theirs);
    let ours = nanoseconds(|| Six::from_config(black_box(&config)).unwrap());
    let theirs = nanoseconds(|| Six::deserialize(black_box(&value)).unwrap());
    println!("from_config: {ours:.0} ns, serde_json::from_value: {theirs:.0} ns, ratio {:.2}", ours / theirs);
}
