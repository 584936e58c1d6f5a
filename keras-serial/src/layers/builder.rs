//! Builders: one method an argument, by Keras's names.

use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// Writes the builder methods of a layer: `field: Type = method`, with `as some` for optional
/// fields, and `activity_regularizer`, which every layer has.
macro_rules! builder {
    ($layer:ident { $($field:ident: $type:ty = $method:ident $(as $some:ident)?),* $(,)? }) => {
        impl $layer {
            $(
                #[doc = concat!("Sets `", stringify!($method), "`.")]
                #[must_use]
                pub fn $method(mut self, $method: impl Into<$type>) -> Self {
                    self.$field = $crate::layers::builder!(@wrap $method.into() $(, $some)?);
                    self
                }
            )*

            /// Sets the penalty on what the layer gives.
            #[must_use]
            pub fn activity_regularizer(mut self, regularizer: impl Into<$crate::regularizers::Regularizer>) -> Self {
                self.base.set_activity_regularizer(Some(regularizer.into()));
                self
            }
        }
    };
    (@wrap $value:expr) => { $value };
    (@wrap $value:expr, some) => { Some($value) };
}
pub(crate) use builder;

/// Quantized layers keep other weights and compute otherwise.
pub(crate) fn refuse_quantization(quantization_config: &Value) -> Result<()> {
    if quantization_config.is_null() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "quantized layers are not supported")
        .received(quantization_config.short())
        .hint("save the model before quantizing it")
        .at("quantization_config"))
}
