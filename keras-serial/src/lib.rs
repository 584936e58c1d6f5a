//! Keras's object model and saving, in Rust: what serde is to data, this is to [Keras](https://keras.io)
//! models.
//!
//! A layer is a struct that derives its configuration and registers itself at link time. Models with it are
//! saved to and loaded from the `.keras` files that Keras itself reads and writes: load what Keras saved,
//! predict the same numbers, train on, save, and load it in Keras again. No Python is needed, and no code
//! from a file is ever run.
//!
//! # In two minutes
//! ```
//! use keras_serial::prelude::*;
//!
//! /// A dense layer without bias.
//! #[register(package = "MyLayers", name = "KernelMult")]
//! #[derive(KerasSerializable)]
//! #[keras(new, setters)]
//! pub struct MyDense {
//!     base: LayerBase, // name, trainable, dtype
//!     units: usize,    // a hyper-parameter: every plain field is in the configuration
//!     #[keras(default)]
//!     kernel_initializer: Option<Initializer>,
//!     #[keras(weight)]
//!     kernel: Weight, // state, which goes into the file of weights
//! }
//!
//! impl Layer for MyDense {
//!     fn build(&self, input: &Shape, cx: &mut BuildContext) -> Result<()> {
//!         self.kernel.create(cx, [input.last()?, self.units], self.kernel_initializer.as_ref(), None)
//!     }
//!     fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
//!         ops::matmul(inputs.tensor()?, &self.kernel.value()?).map(Into::into)
//!     }
//! }
//!
//! let inputs = Input::new([8]).tensor()?;
//! let hidden = MyDense::new(16).kernel_initializer("he_normal").apply(&inputs)?;
//! let model = Functional::new(inputs, Dense::new(3).activation("softmax").apply(&hidden)?)?;
//! model.compile(Compile::new("adam", "sparse_categorical_crossentropy"))?;
//! let (x, y) = (Tensor::from_vec(vec![0.5f32; 80], [10, 8])?, Tensor::from_vec(vec![1i32; 10], [10])?);
//! model.fit((&x, &y), Fit::new().epochs(2).verbose(0))?;
//!
//! let bytes = SaveOptions::new().save_model_to_bytes(&model)?; // or `model.save("model.keras")`
//! let loaded = LoadOptions::new().load_model_from_bytes(bytes)?; // or `load_model("model.keras")`
//! assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);
//! # Ok::<(), Error>(())
//! ```
//! A Python class of the same name, under
//! `@keras.saving.register_keras_serializable("MyLayers", "KernelMult")`, reads and writes the same files.
//!
//! # Modules
//! | module | contents |
//! |---|---|
//! | [`json`] | Python's JSON as values: NaN, infinities, integers of any size, ordered keys |
//! | [`config`](mod@config) | the traits by which types and their fields are serialized to configurations |
//! | [`object`], [`registry`] | serialized objects of all kinds; the registry, scopes, look-up by name |
//! | [`tensor`], [`ops`], [`variable`], [`random`] | tensors, `keras.ops`, weights and gradients, random numbers |
//! | [`initializers`], [`regularizers`], [`constraints`], [`activations`], [`dtype_policies`] | the objects that configure layers |
//! | [`program`] | what a model computes, as data: tracing, primitives, programs |
//! | [`layers`](mod@layers), [`models`] | Keras's layers; Sequential, Functional and user-written models, cloning, summaries |
//! | [`losses`], [`metrics`], [`optimizers`], [`training`], [`callbacks`] | `compile`, `fit`, `evaluate`, `predict` |
//! | `export` | export to ONNX |
//! | [`saving`] | models to and from files: load, save |
//! | [`files`] | files without an engine: inspect, scan, compare, edit, convert |
//! | `cli` | the command line `keras-serial` |
//! | [`warnings`] | where Keras warns: events of `tracing` |
//!
//! The derive's attributes are listed at [`derive@KerasSerializable`]; how names are looked up is described
//! in [`registry`]. [`prelude`] exports what most programs use.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | none (`default-features = false`) | configurations, derive, registry, JSON; serde and a handful of small crates |
//! | `engine` (on by default) | tensors, layers, models, training; computes with [burn](https://burn.dev) |
//! | `files` | [`files`]: tools for `.keras`, `.h5`, `.safetensors` and related files; no engine |
//! | `archive` (on by default) | models to and from these files; data from `.npy`, `.npz` and `.safetensors` |
//! | `csv`, `parquet` | data from tables |
//! | `onnx` | export of models to ONNX |
//! | `plot`, `png` | pictures of models and of training |
//! | `cli` | the command line `keras-serial`; commands for files alone need no engine |
//! | `interrupt` | Ctrl-C ends training after the current batch, for programs that ask for it |
//!
//! # Non-guarantees
//! - Numbers agree with Keras 3.15.1 on its TensorFlow backend within 1e-5 + 1e-4 · |x| in float32, not bit
//!   for bit; random draws have Keras's distributions but not its values.
//! - Python code in a file (`Lambda`, pickles, foreign models) is refused, with an error that says how to map
//!   it to a registered type.
//! - A crate that the program does not refer to may not be linked, so its types are not registered:
//!   `use my_layers as _;` refers to it.

#![cfg_attr(
    not(feature = "engine"),
    allow(dead_code, unused_imports, unused_macros, reason = "the modules that use them come with the engine")
)]

extern crate self as keras_serial;

#[cfg(any(feature = "engine", feature = "files"))]
mod array;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
mod error;
#[cfg(feature = "files")]
pub mod files;
pub mod json;
pub mod object;
pub mod registry;

#[cfg(feature = "engine")]
pub mod activations;
#[cfg(feature = "engine")]
pub mod constraints;
#[cfg(feature = "engine")]
pub mod dtype_policies;
#[cfg(feature = "onnx")]
pub mod export;
#[cfg(feature = "engine")]
pub mod functions;
#[cfg(feature = "engine")]
pub mod inference;
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
pub mod program;
#[cfg(feature = "engine")]
pub mod random;
#[cfg(feature = "engine")]
pub mod regularizers;
#[cfg(feature = "archive")]
pub mod saving;
pub mod serde;
#[cfg(feature = "engine")]
pub mod tensor;
#[cfg(feature = "engine")]
pub mod training;
pub mod utils;
#[cfg(feature = "engine")]
pub mod variable;
#[cfg(feature = "engine")]
pub mod warnings;

/// All callbacks in one module, as in `keras.callbacks`.
#[cfg(feature = "engine")]
pub mod callbacks {
    #[cfg(feature = "archive")]
    pub use crate::saving::callbacks::*;
    pub use crate::training::callbacks::*;
}

pub use config::{Config, ConfigField, KerasSerializable};
pub use error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
/// A map that keeps the order of insertion, for fields that hold layers by name.
pub use indexmap::IndexMap;
pub use keras_serial_derive::{KerasEnum, KerasSerializable, register};

/// Common exports for programs with models.
#[cfg(feature = "engine")]
pub mod prelude {
    pub use crate::activations::{Activate, Activation};
    pub use crate::config::{Config, ConfigField, HasBase, KerasSerializable};
    pub use crate::constraints::{Constrain, Constraint};
    pub use crate::error::{Error, ErrorKind, Result};
    pub use crate::initializers::{Initialize, Initializer};
    pub use crate::layers;
    /// The layer [`layers::Activation`]: in the prelude, `Activation` is the argument of other layers.
    pub use crate::layers::Activation as ActivationLayer;
    pub use crate::layers::*;
    pub use crate::losses::{ComputeLoss, Loss, LossBase, LossExt, Reduction};
    pub use crate::metrics::{Measure, Metric, MetricBase, MetricExt};
    pub use crate::models::{Functional, Model, Sequential, clone_model, model_from_json};
    pub use crate::ops::{self, Axes, DataFormat, NewAxis, Padding};
    pub use crate::optimizers::schedules::{LearningRateSchedule, Schedule};
    pub use crate::optimizers::{Optimize, Optimizer, OptimizerExt};
    pub use crate::registry::{CustomObjectScope, CustomObjects};
    pub use crate::regularizers::{Regularize, Regularizer};
    pub use crate::s;
    #[cfg(feature = "archive")]
    pub use crate::saving::{LoadOptions, SaveOptions, load_model};
    pub use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
    pub use crate::training::{Callback, Compile, Evaluate, Fit, History, Losses, Metrics, Predict};
    pub use keras_serial_derive::{KerasEnum, KerasSerializable, register};
}

/// Items that macro expansions refer to; not for direct use. The name has the version of the crate.
#[doc(hidden)]
pub mod __private_0_1_0 {
    pub use inventory;

    pub use crate::config::{
        Argument, Base, BaseDescription, Config, ConfigField, FieldDescription, FieldRole, FieldType, FieldVisitor,
        HasBase, KerasSerializable, PlainField, Start, StateField, TypeDescription, Version, default_value, field,
        walk,
    };
    pub use crate::error::{Error, ErrorKind, Result, ResultExt};
    #[cfg(feature = "engine")]
    pub use crate::functions::{function_handle, type_id_of_fn};
    pub use crate::json::Value;
    #[cfg(feature = "engine")]
    pub use crate::layers::{LayerBase, reconstruct};
    #[cfg(feature = "engine")]
    pub use crate::losses::LossBase;
    #[cfg(feature = "engine")]
    pub use crate::metrics::MetricBase;
    #[cfg(feature = "engine")]
    pub use crate::optimizers::OptimizerBase;
    pub use crate::registry::{Cast, Entry, NoCast, Place, Probe, Registrable};
    pub use serde;

    /// Returns the type's own name from the text of its path: `MyDense` from `crate::MyDense<f32>`.
    pub const fn class_name_of(path: &'static str) -> &'static str {
        crate::config::last_segment(path)
    }

    /// Lists the kinds of a concrete type, as a constant list of casts.
    #[macro_export]
    #[doc(hidden)]
    macro_rules! __casts {
        ($type:ty) => {{
            use $crate::__private_0_1_0::NoCast as _;
            const CASTS: &[::core::option::Option<$crate::__private_0_1_0::Cast>] = &[
                $crate::__private_0_1_0::Probe::<$type>::LAYER,
                $crate::__private_0_1_0::Probe::<$type>::INITIALIZER,
                $crate::__private_0_1_0::Probe::<$type>::REGULARIZER,
                $crate::__private_0_1_0::Probe::<$type>::CONSTRAINT,
                $crate::__private_0_1_0::Probe::<$type>::LOSS,
                $crate::__private_0_1_0::Probe::<$type>::METRIC,
                $crate::__private_0_1_0::Probe::<$type>::OPTIMIZER,
                $crate::__private_0_1_0::Probe::<$type>::SCHEDULE,
                $crate::__private_0_1_0::Probe::<$type>::OPERATION,
                $crate::__private_0_1_0::Probe::<$type>::DTYPE_POLICY,
                $crate::__private_0_1_0::Probe::<$type>::QUANTIZER,
                $crate::__private_0_1_0::Probe::<$type>::ACTIVATION,
            ];
            CASTS
        }};
    }
    pub use crate::__casts as casts;
}

/// Constructs the registry entry of a type, for [`registry::CustomObjects::with_entry`] and
/// [`registry::register`]; works for generic instances and for types without a derive.
#[macro_export]
macro_rules! entry {
    ($type:ty) => {
        $crate::registry::Entry::class::<$type>(
            $crate::__private_0_1_0::class_name_of(stringify!($type)),
            $crate::__private_0_1_0::casts!($type),
            $crate::registry::Place { file: file!(), line: line!() },
        )
    };
}

/// Registers a generic instance or a foreign type at link time, as `#[register]` does for other types.
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
        $crate::__private_0_1_0::inventory::submit! {
            $crate::entry!($type)$(.in_package($package))?$(.named($name))?
        }
    };
}
