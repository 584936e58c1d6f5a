//! Configurations: what an object is made from, as ordered names and values.
//!
//! A field of a struct that derives [`KerasSerializable`] goes into the
//! configuration through [`ConfigField`], which this room implements for plain data; the rooms
//! below add their own objects (initializers, layers, …).

mod base;
mod collections;
pub mod field;
mod marks;
mod number;
mod plain;
mod scalars;
pub mod walk;

pub use base::Base;
pub(crate) use marks::unmarked;
pub use marks::{MarkedBase, MarkedSeedGenerator, MarkedSublayer, MarkedWeight};
pub use number::Number;
pub use plain::{KeepsOrder, PlainField};

pub use crate::json::wrong_type;

use std::any::Any;

use crate::error::Result;
use crate::json::{Dict, Value};

/// An object's configuration: names and values, in the order in which Keras writes them.
pub type Config = Dict;

/// A type that can be a field of a configuration.
///
/// Implemented for integers, floats (NaN and infinities too), `bool`, strings, `Option`, `Vec`,
/// arrays, tuples, ordered maps, [`Value`] itself and handles to Keras objects. For a type with
/// serde's traits use `#[config(serde)]` on the field; for anything else implement this trait or
/// use `#[config(with = "module")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a field of a configuration",
    note = "use `#[config(serde)]` if it has serde's traits, `#[config(with = \"module\")]` to convert it, or `#[config(skip)]` if it is neither an argument nor saved"
)]
pub trait ConfigField: Sized {
    /// Is null one of its values, which an option around it can't use for itself?
    #[doc(hidden)]
    const IS_OPTION: bool = false;

    /// Is it a value that is told by leaving the entry out?
    #[doc(hidden)]
    fn is_absent(&self) -> bool {
        false
    }

    /// The value that is told by leaving the entry out, if there is one.
    #[doc(hidden)]
    fn absent() -> Option<Self> {
        None
    }

    /// The value that goes into the configuration.
    fn to_value(&self) -> Result<Value>;

    /// The field from the configuration's value.
    fn from_value(value: &Value) -> Result<Self>;

    /// Shows the weights, layers and metrics that this field holds to a visitor, under the field's name.
    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        let _ = (name, visitor);
    }
}

/// A type that a field marked `#[weight]` or `#[sublayer]` can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a weight, a layer nor a metric",
    note = "`#[weight]` is for a `Weight`, `#[sublayer]` for a `LayerRef` or a `Metric`, `#[seed_generator]` for a `SeedGenerator`; each also in `Option`, `OnceLock`, lists, tuples and `IndexMap`s of such; other state is marked `#[config(skip)]`"
)]
pub trait StateField {
    /// How a field of the type is marked.
    const KIND: StateKind = StateKind::Sublayer;

    /// Shows the weights, layers and metrics that this field holds to a visitor, under the field's name.
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

/// How a field that holds state is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// A weight: `#[weight]`.
    Weight,
    /// A layer, a metric or another object with weights: `#[sublayer]`.
    Sublayer,
    /// Random numbers that go on: `#[seed_generator]`.
    SeedGenerator,
}

/// Sees the fields of an object that hold state: weights and metrics, and layers below it.
///
/// Values arrive type-erased because the rooms that define them lie below this one.
pub trait FieldVisitor {
    /// A weight, a layer, a metric or a seed generator in the field `name`.
    fn field(&mut self, name: &str, value: &dyn Any);
    /// Begins a list or map of fields.
    fn enter(&mut self, name: &str) {
        let _ = name;
    }
    /// Ends a list or map of fields.
    fn leave(&mut self) {}
}

/// What a type needs to be made from, and turned into, a configuration.
///
/// Derive it (see [`derive@crate::KerasSerializable`]); implement it by hand only for types whose
/// configuration is not their fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Keras configuration",
    note = "consider annotating it with `#[derive(KerasSerializable)]`"
)]
pub trait KerasSerializable: Any + Send + Sync {
    /// The name of the class in configurations: the type's own name, without generic arguments.
    fn class_name() -> &'static str
    where
        Self: Sized,
    {
        short_type_name::<Self>()
    }

    /// [`KerasSerializable::class_name`] of an object whose type is not known.
    fn class(&self) -> &'static str {
        short_type_name::<Self>()
    }

    /// The configuration from which [`KerasSerializable::from_config`] makes an equal object.
    fn get_config(&self) -> Result<Config>;

    /// An object from its configuration.
    ///
    /// # Errors
    /// When an entry is missing, of the wrong type, refused by the type's own check, or not known.
    fn from_config(config: &Config) -> Result<Self>
    where
        Self: Sized;

    /// Shows the object's weights and layers to a visitor, in the order of its fields. A layer by hand that
    /// holds others has to: one that it calls, and does not show, is an error when the model is saved.
    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        let _ = visitor;
    }
}

/// `my_crate::layers::MyDense<f32>` is `MyDense`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    last_segment(std::any::type_name::<T>())
}

/// The last segment of a type's path, without generic arguments; const, for registry entries.
pub(crate) const fn last_segment(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut rest = bytes;
    let mut end = 0;
    let mut start = 0;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'<' | b' ' => break,
            b':' => start = end + 1,
            _ => {}
        }
        end += 1;
        rest = tail;
    }
    let (head, _) = bytes.split_at(end);
    let (_, name) = head.split_at(start);
    match std::str::from_utf8(name) {
        Ok(name) => name,
        Err(_) => path,
    }
}
