//! Markers for plain data, which sorted maps may hold, and for maps that keep insertion order.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use super::{ConfigField, Entries, FieldVisitor, Number, StateField};
use crate::error::Result;
use crate::json::Value;

/// A field of plain data: without layers, weights or metrics, so the order of a map of such fields does
/// not matter.
///
/// Files identify layers by the order in which Keras visits them; a map that sorts its keys could
/// exchange the weights of two layers with equal shapes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` may hold layers or weights, which a `BTreeMap` would bring into another order than Keras's",
    label = "a map that sorts its keys can't hold this",
    note = "use `IndexMap` (`keras_serial::IndexMap`), which keeps the order of insertion as Keras does; for plain data of your own, implement `PlainField`"
)]
pub trait PlainField {}

/// That a map keeps the insertion order of its entries; a trait of [`Entries`], so that its text is the one shown.
#[diagnostic::on_unimplemented(
    message = "`{Map}` does not keep the order of insertion, in which Keras writes and finds a dict's entries",
    label = "a map that sorts or mixes its keys",
    note = "use `IndexMap` (`keras_serial::IndexMap`), which keeps that order; plain data may stand in a `BTreeMap` too"
)]
pub trait KeepsOrder<Map> {}

impl<K, T> KeepsOrder<IndexMap<K, T>> for Entries {}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl PlainField for $type {}
    )*};
}

plain!(Value, bool, String, Number, f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<T: PlainField> PlainField for Option<T> {}
impl<T: PlainField> PlainField for Box<T> {}
impl<T: PlainField> PlainField for Vec<T> {}
impl<T: PlainField, const N: usize> PlainField for [T; N] {}
impl<T: PlainField> PlainField for IndexMap<String, T> {}
impl<T: PlainField> PlainField for BTreeMap<String, T> {}

macro_rules! tuples {
    ($(($($item:ident),*);)*) => {$(
        impl<$($item: PlainField),*> PlainField for ($($item,)*) {}
    )*};
}

tuples! { (A); (A, B); (A, B, C); (A, B, C, D); (A, B, C, D, E); (A, B, C, D, E, F); }

/// Never applies: it exists for its error, which names a map that keeps the order.
#[doc(hidden)]
impl<T: ConfigField, S> ConfigField for HashMap<String, T, S>
where
    Entries: KeepsOrder<Self>,
{
    fn to_value(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn from_value(value: &Value) -> Result<Self> {
        Err(super::wrong_type("a map that keeps its order", value))
    }
}

macro_rules! no_order {
    ($($map:ty, $($param:ident),*;)*) => {$(
        /// Never applies: it exists for its error, which names a map that keeps the order.
        #[doc(hidden)]
        impl<$($param),*> StateField for $map
        where
            T: StateField,
            Entries: KeepsOrder<Self>,
        {
            fn visit_state(&self, _: &str, _: &mut dyn FieldVisitor) {}
        }
    )*};
}

no_order! {
    BTreeMap<String, T>, T;
    HashMap<String, T, S>, T, S;
}
