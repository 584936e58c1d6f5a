//! What quantized layers share.

use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

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
