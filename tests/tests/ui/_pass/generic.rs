//! Generic structs.

use keras_serial::prelude::*;

use std::marker::PhantomData;

/// Bounds come from the fields: `T` is in the configuration, `M` marks alone, `S` is serde's.
#[derive(KerasSerializable)]
pub struct Generic<T, M, S, const N: usize> {
    values: [T; N],
    #[keras(serde)]
    extra: S,
    #[keras(skip)]
    _marker: PhantomData<M>,
}

pub struct Mark;

keras_serial::register_type!(Generic<f64, Mark, std::collections::BTreeSet<u8>, 3>, package = "MyLayers", name = "Generic3");

pub(super) fn main() {
    assert!(keras_serial::registry::get_registered_object("MyLayers>Generic3").is_ok());
}
