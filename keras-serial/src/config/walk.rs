//! Compile-time queries of field types for the expansion of `#[derive(KerasSerializable)]`: whether they
//! hold layers or weights, and how to visit those.
//!
//! As in [`crate::registry::Probe`], inherent items shadow those of a trait that every type has.

use std::marker::PhantomData;

use super::{ConfigField, FieldVisitor, StateField, StateKind};

/// Asks whether a type holds state.
pub struct StateProbe<T: ?Sized>(PhantomData<T>);

impl<T: StateField> StateProbe<T> {
    /// Whether the type holds state.
    pub const IS_STATE: bool = true;
    /// Whether the type holds weights.
    pub const IS_WEIGHT: bool = matches!(T::KIND, StateKind::Weight);
    /// Whether the type holds layers or metrics.
    pub const IS_SUBLAYER: bool = matches!(T::KIND, StateKind::Sublayer);
    /// Whether the type holds random number generators.
    pub const IS_SEED_GENERATOR: bool = matches!(T::KIND, StateKind::SeedGenerator);
}

/// The answer for types that hold no state.
pub trait NoState {
    /// Whether the type holds state.
    const IS_STATE: bool = false;
    /// Whether the type holds weights.
    const IS_WEIGHT: bool = false;
    /// Whether the type holds layers or metrics.
    const IS_SUBLAYER: bool = false;
    /// Whether the type holds random number generators.
    const IS_SEED_GENERATOR: bool = false;
}

impl<T: ?Sized> NoState for StateProbe<T> {}

/// Asks whether a type can be a configuration field, through which its contents are visited.
pub struct ConfigProbe<T: ?Sized>(PhantomData<T>);

impl<T: ConfigField> ConfigProbe<T> {
    /// Whether the type can be a configuration field.
    pub const IS_FIELD: bool = true;
}

/// The answer for types that can't be configuration fields.
pub trait NoField {
    /// Whether the type can be a configuration field.
    const IS_FIELD: bool = false;
}

impl<T: ?Sized> NoField for ConfigProbe<T> {}

/// A field with a custom conversion; it is visited as far as its type allows.
pub struct Walk<'a, T>(pub &'a T);

/// Visits a type that can be a configuration field.
pub trait WalkConfigField {
    /// Visits the contents of the field.
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

impl<T: ConfigField> WalkConfigField for &&Walk<'_, T> {
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}

/// Visits a type that holds state.
pub trait WalkStateField {
    /// Visits the contents of the field.
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

impl<T: StateField> WalkStateField for &Walk<'_, T> {
    fn walk(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit_state(name, visitor);
    }
}

/// Skips a type without visitable contents.
pub trait WalkNothing {
    /// Visits nothing.
    fn walk(&self, _: &str, _: &mut dyn FieldVisitor) {}
}

impl<T> WalkNothing for Walk<'_, T> {}
