//! What the expansion of `#[derive(KerasSerializable)]` asks of field types: do they hold layers or
//! weights, and how are those walked?
//!
//! As with [`crate::registry::Probe`], inherent items shadow those of a trait that every type has.

use std::marker::PhantomData;

use super::{ConfigField, FieldVisitor, StateField, StateKind};

/// Asks whether a type holds state.
pub struct StateProbe<T: ?Sized>(PhantomData<T>);

impl<T: StateField> StateProbe<T> {
    /// Does it hold state?
    pub const IS_STATE: bool = true;
    /// Does it hold weights?
    pub const IS_WEIGHT: bool = matches!(T::KIND, StateKind::Weight);
    /// Does it hold random numbers?
    pub const IS_SEED_GENERATOR: bool = matches!(T::KIND, StateKind::SeedGenerator);
}

/// The answer for types that hold no state.
pub trait NoState {
    /// It holds none.
    const IS_STATE: bool = false;
    /// It is no weight.
    const IS_WEIGHT: bool = false;
    /// It is no seed generator.
    const IS_SEED_GENERATOR: bool = false;
}

impl<T: ?Sized> NoState for StateProbe<T> {}

/// Asks whether a type is a field of a configuration, and so shows what it holds.
pub struct ConfigProbe<T: ?Sized>(PhantomData<T>);

impl<T: ConfigField> ConfigProbe<T> {
    /// Is it a field of a configuration?
    pub const IS_FIELD: bool = true;
}

/// The answer for types that are no fields.
pub trait NoField {
    /// It is none.
    const IS_FIELD: bool = false;
}

impl<T: ?Sized> NoField for ConfigProbe<T> {}

/// A field that is converted by hand; it is walked as far as its type shows what it holds.
pub struct Walk<'a, T>(pub &'a T);

/// Walks a type that is a field of a configuration.
pub trait WalkConfigField {
    /// Shows what the field holds to the visitor.
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

impl<T: ConfigField> WalkConfigField for &&Walk<'_, T> {
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}

/// Walks a type that holds state.
pub trait WalkStateField {
    /// Shows what the field holds to the visitor.
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

impl<T: StateField> WalkStateField for &Walk<'_, T> {
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit_state(name, visitor);
    }
}

/// Passes by a type that shows nothing.
pub trait WalkNothing {
    /// Shows nothing.
    fn walk(&self, _: &str, _: &mut dyn FieldVisitor) {}
}

impl<T> WalkNothing for Walk<'_, T> {}
