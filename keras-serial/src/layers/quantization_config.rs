//! The `quantization_config` entry of a quantized layer's configuration.

use std::sync::OnceLock;

use crate::config::ConfigField;
use crate::dtype_policies::Quantization;
use crate::error::Result;
use crate::json::{Dict, Value};
use crate::layers::quantizers::INT8;

/// The entry `quantization_config`: from a file, or Keras's default for the mode of quantization.
#[derive(Debug, Default)]
pub(crate) struct QuantizationConfig(OnceLock<Value>);

static NONE: Value = Value::Null;

impl QuantizationConfig {
    /// Returns the serialized `keras.quantizers.QuantizationConfig`, or null.
    pub fn get(&self) -> &Value {
        self.0.get().unwrap_or(&NONE)
    }

    /// Sets Keras's default for a mode, unless there is a configuration.
    pub fn set(&self, mode: Quantization) {
        self.0.get_or_init(|| default_of(mode));
    }
}

impl ConfigField for QuantizationConfig {
    fn to_value(&self) -> Result<Value> {
        Ok(self.get().clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        Ok(if value.is_null() { Self::default() } else { Self(OnceLock::from(value.clone())) })
    }
}

/// Returns `Int8QuantizationConfig()` and the like, as Keras serializes them.
fn default_of(mode: Quantization) -> Value {
    let none = |name: &str| (name.to_owned(), Value::Null);
    match mode {
        Quantization::Int8 => {
            let (low, high) = INT8;
            let quantizer = Dict::from([
                ("value_range".to_owned(), Value::List(vec![Value::Int(low as i64), Value::Int(high as i64)])),
                ("epsilon".to_owned(), Value::from(1e-7)),
                ("output_dtype".to_owned(), "int8".into()),
            ]);
            let quantizer = ("activation_quantizer".to_owned(), form("AbsMaxQuantizer", quantizer));
            form("Int8QuantizationConfig", Dict::from([none("weight_quantizer"), quantizer]))
        }
        Quantization::Int4 { block_size } => {
            let size = ("block_size".to_owned(), block_size.map_or(Value::Null, Value::from));
            let config = Dict::from([none("weight_quantizer"), none("activation_quantizer"), size]);
            form("Int4QuantizationConfig", config)
        }
        Quantization::Float8 { .. } => form("Float8QuantizationConfig", Dict::new()),
    }
}

fn form(class_name: &str, config: Dict) -> Value {
    Value::Dict(Dict::from([
        ("module".to_owned(), "keras.quantizers".into()),
        ("class_name".to_owned(), class_name.into()),
        ("config".to_owned(), Value::Dict(config)),
        ("registered_name".to_owned(), Value::Null),
    ]))
}
