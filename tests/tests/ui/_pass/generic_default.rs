//! Serde's derive adds `T: Default` for a field with `default`; here?
use keras_serial::prelude::*;
#[derive(KerasSerializable)]
pub struct Own<T> {
    #[keras(default)]
    value: T,
}
pub(super) fn main() {
    let _ = Own { value: 1i64 }.value;
}
