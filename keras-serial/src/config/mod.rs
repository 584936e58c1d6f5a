//! Configurations: the ordered names and values from which objects are deserialized.
//!
//! A field of a struct that derives [`KerasSerializable`] goes into the configuration through
//! [`ConfigField`], which this module implements for plain data; other modules implement it for their
//! objects (initializers, layers, …).

mod argument;
mod base;
mod collections;
pub mod default_value;
mod description;
pub mod field;
mod field_type;
mod kind;
mod marks;
mod number;
mod placeholder;
mod plain;
mod scalars;
pub mod walk;

pub use argument::{Argument, Start};
pub use base::{Base, HasBase};
#[cfg(feature = "engine")]
pub(crate) use description::described_by_hand;
pub use description::{BaseDescription, FieldDescription, FieldRole, TypeDescription, Version};
pub use field_type::FieldType;
pub use kind::Kind;
pub(crate) use marks::unmarked;
pub use marks::{Entries, MarkedBase, MarkedSeedGenerator, MarkedSublayer, MarkedWeight};
pub use number::Number;
pub use placeholder::Placeholder;
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
/// serde's traits use `#[keras(serde)]` on the field; for anything else implement this trait or
/// use `#[keras(with = "module")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a field of a configuration",
    note = "a layer or model of whatever type is a `LayerRef` in fields, and a map of layers an `IndexMap`; `#[keras(weight)]` marks a `Weight`, `#[keras(sublayer)]` a `LayerRef` or `Metric` that the type makes itself, `#[keras(base)]` a base",
    note = "`#[keras(serde)]` and `#[keras(with = \"module\")]` convert an argument of another type; `#[keras(skip)]` leaves out what is no argument and needs no saving"
)]
pub trait ConfigField: Sized {
    /// Whether null is one of its values, so that an option around it can't use null.
    #[doc(hidden)]
    const IS_OPTION: bool = false;

    /// Returns true if the value is written by omitting the entry.
    #[doc(hidden)]
    fn is_absent(&self) -> bool {
        false
    }

    /// Returns the value that an omitted entry stands for, if any.
    #[doc(hidden)]
    fn absent() -> Option<Self> {
        None
    }

    /// Describes the JSON values that stand for the field; [`FieldType::Any`] by default.
    fn field_type() -> FieldType {
        FieldType::Any
    }

    /// Returns the field, to be written.
    #[doc(hidden)]
    fn written(&self) -> &dyn field::Written {
        self
    }

    /// Returns a place for the field, to be filled.
    #[doc(hidden)]
    fn slot(place: &mut Option<Self>) -> &mut dyn field::Slot {
        place
    }

    /// Converts the field to its value in the configuration.
    fn to_value(&self) -> Result<Value>;

    /// Converts the configuration's value to the field.
    fn from_value(value: &Value) -> Result<Self>;

    /// Checks the object that this field holds, beyond its type: an unknown name, arguments out of range.
    ///
    /// # Errors
    /// Those of [`KerasSerializable::validate`].
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Visits the weights, layers and metrics that this field holds, under the field's name.
    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        let _ = (name, visitor);
    }
}

/// A type whose fields can be marked `#[keras(weight)]` or `#[keras(sublayer)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a weight, a layer nor a metric",
    note = "`#[keras(weight)]` is for a `Weight`, `#[keras(sublayer)]` for a `LayerRef` (a layer or model of whatever type) or a `Metric`, `#[keras(seed_generator)]` for a `SeedGenerator`; each also in `Option`, `OnceLock`, lists and tuples; a map of such is an `IndexMap`, which keeps its order"
)]
pub trait StateField {
    /// The attribute with which a field of this type is marked.
    const KIND: StateKind = StateKind::Sublayer;

    /// Visits the weights, layers and metrics that this field holds, under the field's name.
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

/// The attribute of a field that holds state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// A weight: `#[keras(weight)]`.
    Weight,
    /// A layer, a metric or another object with weights: `#[keras(sublayer)]`.
    Sublayer,
    /// A random number generator whose state advances: `#[keras(seed_generator)]`.
    SeedGenerator,
}

/// A visitor of the fields that hold an object's state: weights, metrics, and nested layers.
///
/// Values are type-erased because later modules define them; `layers::StateVisitor` visits each by its type. A
/// type that implements [`KerasSerializable::visit_fields`] by hand passes the visitor on to
/// [`StateField::visit_state`] of its fields.
pub trait FieldVisitor {
    /// Visits a weight, layer, metric or seed generator in the field `name`.
    fn field(&mut self, name: &str, value: &dyn Any);
    /// Enters a list or map of fields.
    fn enter(&mut self, name: &str) {
        let _ = name;
    }
    /// Leaves a list or map of fields.
    fn leave(&mut self) {}
}

/// A type that can be serialized to, and deserialized from, a configuration.
///
/// Derive it (see [`derive@crate::KerasSerializable`]); implement it by hand only for types whose
/// configuration is not their fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Keras configuration",
    note = "consider annotating it with `#[derive(KerasSerializable)]`"
)]
pub trait KerasSerializable: Any + Send + Sync {
    /// Returns the class name in configurations: the type's own name, without generic arguments.
    fn class_name() -> &'static str
    where
        Self: Sized,
    {
        short_type_name::<Self>()
    }

    /// Returns [`KerasSerializable::class_name`] of an object whose type is unknown.
    fn class(&self) -> &str {
        short_type_name::<Self>()
    }

    /// Returns the serialized form that the object stands for, if its class is not registered; `None` for all other
    /// objects.
    fn placeholder(&self) -> Option<&Placeholder> {
        None
    }

    /// Describes the type's fields: names, types, defaults, documentation. The derive implements it; `None` by
    /// default.
    fn description() -> Option<&'static TypeDescription>
    where
        Self: Sized,
    {
        None
    }

    /// Serializes the configuration, from which [`KerasSerializable::from_config`] creates an equal
    /// object.
    fn get_config(&self) -> Result<Config>;

    /// Deserializes an object from its configuration.
    ///
    /// # Errors
    /// When an entry is missing, unknown, of the wrong type, or fails the type's own validation.
    fn from_config(config: &Config) -> Result<Self>
    where
        Self: Sized;

    /// Checks the arguments beyond their types, with those of the objects in fields: before the first use of what a
    /// program makes, for a constructor can't fail. The derive calls the function of `#[keras(validate = …)]`.
    ///
    /// # Errors
    /// When an argument is out of range, or the name of an object is unknown.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Visits the object's weights and layers, in the order of its fields. A hand-written layer that
    /// holds others must implement it: a layer that it calls but does not visit is an error on saving.
    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        let _ = visitor;
    }
}

/// Returns a type's name without path and generics: `MyDense` for `my_crate::layers::MyDense<f32>`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    last_segment(std::any::type_name::<T>())
}

/// Returns the last segment of a type's path, without generic arguments; const, for registry entries.
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
