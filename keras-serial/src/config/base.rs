//! Bases: entries that all objects of a kind have, beside those of their own fields.

use super::Config;
use crate::error::Result;

/// What a struct's `base` is: it reads and writes the entries that all objects of a kind have.
///
/// An entry that is not reserved can be a field of the struct: then it is the struct's own, and the base
/// neither reads nor writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the base of an object",
    note = "the base is a `LayerBase` (of layers and models) or an `OptimizerBase`"
)]
pub trait Base: Default {
    /// The entries of the configuration that the base reads.
    const KEYS: &'static [&'static str];

    /// Those of them that no field of the struct can have the name of.
    const RESERVED: &'static [&'static str];

    /// Writes its entries.
    ///
    /// # Errors
    /// When one of them can't be serialized.
    fn write(&self, class_name: &'static str, config: &mut Config) -> Result<()>;

    /// Reads its entries; what is left out stays as it is in `self`.
    ///
    /// # Errors
    /// When an entry is of the wrong type, or entries exclude one another.
    fn read_over(self, config: &Config) -> Result<Self>;

    /// Was the entry given another value than its default?
    fn is_given(&self, key: &str) -> bool;
}
