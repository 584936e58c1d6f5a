//! Keras's object model and saving, in Rust.

#![cfg_attr(
    not(feature = "engine"),
    allow(dead_code, unused_imports, unused_macros, reason = "the rooms that use them come with the engine")
)]

extern crate self as keras_serial;

pub mod config;
mod error;
pub mod json;
pub mod object;
pub mod registry;

#[cfg(feature = "engine")]
pub mod activations;
#[cfg(feature = "engine")]
pub mod constraints;
#[cfg(feature = "engine")]
pub mod dtype_policies;
#[cfg(feature = "engine")]
pub mod functions;
#[cfg(feature = "engine")]
pub mod initializers;
#[cfg(feature = "engine")]
pub mod layers;
#[cfg(feature = "engine")]
pub mod losses;
#[cfg(feature = "engine")]
pub mod metrics;
#[cfg(feature = "engine")]
pub mod models;
#[cfg(feature = "engine")]
pub mod ops;
#[cfg(feature = "engine")]
pub mod optimizers;
#[cfg(feature = "engine")]
pub mod random;
#[cfg(feature = "engine")]
pub mod regularizers;
#[cfg(feature = "archive")]
pub mod saving;
#[cfg(feature = "engine")]
pub mod tensor;
#[cfg(feature = "engine")]
pub mod training;
pub mod utils;
#[cfg(feature = "engine")]
pub mod variable;

/// All callbacks in one place, as in `keras.callbacks`.
#[cfg(feature = "engine")]
pub mod callbacks {
    #[cfg(feature = "archive")]
    pub use crate::saving::callbacks::*;
    pub use crate::training::callbacks::*;
}

pub use config::{Config, ConfigField, KerasSerializable};
pub use error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
/// The map whose entries keep the order of insertion, for fields that hold layers by name.
pub use indexmap::IndexMap;
pub use keras_serial_derive::{KerasEnum, KerasSerializable, register};

/// Everything that a program with models needs.
#[cfg(feature = "engine")]
pub mod prelude {
    pub use crate::activations::Activation;
    pub use crate::config::{Config, ConfigField, KerasSerializable};
    pub use crate::constraints::Constraint;
    pub use crate::error::{Error, ErrorKind, Result};
    pub use crate::initializers::Initializer;
    pub use crate::layers::*;
    pub use crate::losses::{ComputeLoss, Loss, Reduction};
    pub use crate::metrics::{Measure, Metric};
    pub use crate::models::{Functional, Model, Sequential, clone_model, model_from_json};
    pub use crate::ops::{self, DataFormat, Padding};
    pub use crate::optimizers::{Optimizer, OptimizerExt};
    pub use crate::registry::{CustomObjectScope, CustomObjects};
    pub use crate::regularizers::Regularizer;
    #[cfg(feature = "archive")]
    pub use crate::saving::{LoadOptions, SaveOptions, load_model};
    pub use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
    pub use crate::training::{Callback, Compile, Evaluate, Fit, History, Losses, Metrics, Predict};
    pub use keras_serial_derive::{KerasEnum, KerasSerializable, register};
}

/// What the macros' expansions name; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::config::{
        Base, Config, ConfigField, FieldVisitor, KerasSerializable, PlainField, StateField, field, walk,
    };
    pub use crate::error::{Error, ErrorKind, Result, ResultExt};
    #[cfg(feature = "engine")]
    pub use crate::functions::{function_handle, type_id_of_fn};
    pub use crate::json::Value;
    #[cfg(feature = "engine")]
    pub use crate::layers::{HasBase, LayerBase, remake};
    pub use crate::registry::{Cast, Entry, NoCast, Place, Probe, Registrable};
    pub use serde;

    /// The type's own name in the text of its path: `MyDense` in `crate::MyDense<f32>`.
    pub const fn class_name_of(path: &'static str) -> &'static str {
        crate::config::last_segment(path)
    }

    /// The kinds of a concrete type, as a constant list of casts.
    #[macro_export]
    #[doc(hidden)]
    macro_rules! __casts {
        ($type:ty) => {{
            use $crate::__private::NoCast as _;
            const CASTS: &[::core::option::Option<$crate::__private::Cast>] = &[
                $crate::__private::Probe::<$type>::LAYER,
                $crate::__private::Probe::<$type>::INITIALIZER,
                $crate::__private::Probe::<$type>::REGULARIZER,
                $crate::__private::Probe::<$type>::CONSTRAINT,
                $crate::__private::Probe::<$type>::LOSS,
                $crate::__private::Probe::<$type>::METRIC,
                $crate::__private::Probe::<$type>::OPTIMIZER,
                $crate::__private::Probe::<$type>::SCHEDULE,
                $crate::__private::Probe::<$type>::OPERATION,
                $crate::__private::Probe::<$type>::DTYPE_POLICY,
                $crate::__private::Probe::<$type>::QUANTIZER,
                $crate::__private::Probe::<$type>::ACTIVATION,
            ];
            CASTS
        }};
    }
    pub use crate::__casts as casts;
}

/// The registry entry of a type, for [`registry::CustomObjects::with_entry`] and
/// [`registry::register`]; works for generic instances and for types that derive nothing.
#[macro_export]
macro_rules! entry {
    ($type:ty) => {
        $crate::registry::Entry::class::<$type>(
            $crate::__private::class_name_of(stringify!($type)),
            $crate::__private::casts!($type),
            $crate::registry::Place { file: file!(), line: line!() },
        )
    };
}

/// Registers a generic instance or a foreign type at link time, as `#[register]` does other types.
///
/// It is not called `register!`: an attribute and a function-like macro can't share a name.
///
/// ```
/// use keras_serial::prelude::*;
///
/// #[derive(KerasSerializable)]
/// struct Range<T> {
///     low: T,
///     high: T,
/// }
///
/// keras_serial::register_type!(Range<f64>, package = "MyLayers", name = "FloatRange");
/// # fn main() {
/// use keras_serial::registry::get_registered_name;
/// assert_eq!(get_registered_name::<Range<f64>>(), "MyLayers>FloatRange");
/// # }
/// ```
#[macro_export]
macro_rules! register_type {
    ($type:ty $(, package = $package:literal)? $(, name = $name:literal)? $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::entry!($type)$(.in_package($package))?$(.named($name))?
        }
    };
}
