//! Bases: the entries that all objects of a kind have, in addition to their own fields.

use super::{Config, FieldDescription};
use crate::error::Result;

/// A struct's `base`, which reads and writes the entries that all objects of a kind have.
///
/// An entry that is not reserved can be a field of the struct instead; the base then neither reads nor
/// writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the base of an object",
    note = "the base is a `LayerBase` (of layers and models), an `OptimizerBase`, a `LossBase` or a `MetricBase`"
)]
pub trait Base: Default {
    /// The configuration entries that the base reads.
    const KEYS: &'static [&'static str];

    /// The entries whose names no field of the struct can have.
    const RESERVED: &'static [&'static str];

    /// Describes the base's entries, in the order in which they are written.
    const ENTRIES: &'static [FieldDescription];

    /// Returns the entries' values, as the defaults of a type; null for a name that is yet to be generated.
    ///
    /// # Errors
    /// When an entry can't be serialized.
    fn defaults(&self) -> Result<Config>;

    /// Writes the base's entries.
    ///
    /// # Errors
    /// When an entry can't be serialized.
    fn write(&self, class_name: &'static str, config: &mut Config) -> Result<()>;

    /// Reads the base's entries; omitted ones keep their values from `self`.
    ///
    /// # Errors
    /// When an entry is of the wrong type, or entries exclude one another.
    fn read_over(self, config: &Config) -> Result<Self>;

    /// Returns true if the entry was set to another value than its default.
    fn is_given(&self, key: &str) -> bool;

    /// Checks the entries beyond their types, as [`KerasSerializable::validate`](super::KerasSerializable::validate).
    ///
    /// # Errors
    /// When an entry is out of range, or the name of an object is unknown.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

/// An object with a base; the derive implements it for structs with a field `base`.
#[diagnostic::on_unimplemented(
    message = "the base of `{Self}` is not known",
    label = "needs `#[derive(KerasSerializable)]` and a field `base: {B}`, or one that is marked `#[keras(base)]`",
    note = "`#[derive(KerasSerializable)]` finds it by the type of the field, or by the mark"
)]
pub trait HasBase<B> {
    /// Returns the base.
    fn base(&self) -> &B;

    /// Returns the base, mutably.
    fn base_mut(&mut self) -> &mut B;

    /// Returns true if the object is a model: its Python class is then a subclass of `keras.Model`, whose layers
    /// have other paths in files. `#[keras(model)]` says so in the derive; false by default.
    fn is_model(&self) -> bool {
        false
    }
}
