//! A skipped field of a parameter's type.
use keras_serial::prelude::*;
#[derive(KerasSerializable)]
pub struct Own<T> {
    units: usize,
    #[keras(skip)]
    value: Option<T>,
}
pub(super) fn main() {
    let own = Own { units: 1, value: Some(1i64) };
    let _ = (own.value, own.units);
}
