//! Setters that a program does not use are no warning.
#![deny(warnings, dead_code)]
use keras_serial::prelude::*;
#[derive(KerasSerializable)]
#[keras(new, setters)]
struct Own {
    #[keras(default)]
    rate: f64,
}
pub(super) fn main() {
    println!("{}", Own::new().rate);
}
