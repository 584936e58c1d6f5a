//! Types that lack a trait do not compile.
//!
//! The compiler's errors list other types with the trait, which change with every new layer, so that
//! these cases are not among those of `tests/ui`.
//!
//! A layer's struct needs a base: "`Mine` has no `base: LayerBase`".
//! ```compile_fail,E0277
//! use keras_serial::prelude::*;
//!
//! #[derive(KerasSerializable)]
//! struct Mine {
//!     units: usize,
//! }
//!
//! impl Layer for Mine {
//!     fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
//!         Ok(inputs.tensor()?.clone().into())
//!     }
//! }
//!
//! fn main() {}
//! ```
//!
//! Only a layer can be shared as one: "`Mine` is not a layer".
//! ```compile_fail,E0277
//! use keras_serial::prelude::*;
//!
//! #[derive(KerasSerializable)]
//! struct Mine {
//!     base: LayerBase,
//! }
//!
//! fn main() {
//!     let _ = LayerRef::new(Mine { base: LayerBase::default() });
//! }
//! ```
//!
//! What is registered has a configuration (`test_serialize_custom_class_without_get_config_fails`):
//! "`Mine` has no Keras configuration".
//! ```compile_fail,E0277
//! use keras_serial::prelude::*;
//!
//! #[register]
//! struct Mine {
//!     units: usize,
//! }
//!
//! fn main() {}
//! ```
//!
//! So has a custom object: "`Mine` can't be used as a custom object".
//! ```compile_fail,E0277
//! use keras_serial::prelude::*;
//!
//! struct Mine;
//!
//! fn main() {
//!     let _ = CustomObjects::new().with::<Mine>();
//! }
//! ```
//!
//! A field's type can be in a configuration: "`Instant` can't be a field of a configuration".
//! ```compile_fail,E0277
//! use keras_serial::prelude::*;
//!
//! #[derive(KerasSerializable)]
//! struct Mine {
//!     when: std::time::Instant,
//! }
//!
//! fn main() {}
//! ```
