//! Policies of quantized layers: weights are 8-bit or 4-bit integers, or rounded to 8-bit floats.

use std::any::Any;
use std::str::FromStr;
use std::sync::Arc;

use super::{DTypePolicy, Policy};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::object::{Kind, Object};
use crate::registry::{self, Cast, Probe};
use crate::{KerasSerializable, register};

/// How a layer's weights are quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantization {
    /// 8-bit integers with one scale per output.
    Int8,
    /// 4-bit integers, two per byte.
    Int4 {
        /// The number of inputs that share a scale; all of them for `None`.
        block_size: Option<usize>,
    },
    /// Kernel and inputs are rounded to 8-bit floating-point numbers.
    Float8 {
        /// The number of training steps over which the largest values are kept.
        amax_history_length: usize,
    },
}

impl Quantization {
    /// The supported modes by name; Keras has two more, which need calibration data.
    pub const MODES: &'static [&'static str] = &["int8", "float8", "int4"];

    /// Returns the mode in a policy's name: `int8`, `float8`, `int4/128`.
    fn mode(self) -> String {
        match self {
            Self::Int8 => "int8".to_owned(),
            Self::Float8 { .. } => "float8".to_owned(),
            Self::Int4 { block_size } => {
                format!("int4/{}", block_size.map_or_else(|| "-1".to_owned(), |size| size.to_string()))
            }
        }
    }
}

impl FromStr for Quantization {
    type Err = Error;

    /// Returns a mode with Keras's defaults: blocks of 128 for `int4`, a history of 1024 steps for
    /// `float8`.
    fn from_str(mode: &str) -> Result<Self> {
        match mode {
            "int8" => Ok(Self::Int8),
            "int4" => Ok(Self::Int4 { block_size: Some(128) }),
            "float8" => Ok(Self::Float8 { amax_history_length: 1024 }),
            "gptq" | "awq" => {
                Err(Error::new(ErrorKind::InvalidArgument, "quantization by calibration is not supported")
                    .expected(format!("one of {}", Self::MODES.join(", ")))
                    .received(format!("mode={mode}")))
            }
            _ => Err(Error::new(ErrorKind::InvalidArgument, "Invalid quantization mode")
                .expected(format!("one of {}", Self::MODES.join(", ")))
                .received(format!("mode={mode}"))),
        }
    }
}

/// The policy of a quantized layer: `int8_from_float32`.
#[register(builtin = "keras.dtype_policies")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct QuantizedDTypePolicy {
    mode: String,
    #[keras(default = "float32".to_owned())]
    source_name: String,
}

/// The policy of a layer that computes in 8-bit floats: `float8_from_float32`.
#[register(builtin = "keras.dtype_policies")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct QuantizedFloat8DTypePolicy {
    mode: String,
    #[keras(default = "float32".to_owned())]
    source_name: String,
    #[keras(default = 1024usize)]
    amax_history_length: usize,
}

/// The policy of a layer with 4-bit weights in blocks: `int4/128_from_float32`.
#[register(builtin = "keras.dtype_policies")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(validate = Self::check)]
pub struct Int4DTypePolicy {
    mode: String,
    #[keras(default = "float32".to_owned())]
    source_name: String,
}

impl QuantizedDTypePolicy {
    fn check(&self) -> Result<()> {
        self.quantization().and_then(|mode| check_source(mode, &self.source_name))
    }

    fn quantization(&self) -> Result<Quantization> {
        match self.mode.as_str() {
            "int8" => Ok(Quantization::Int8),
            // Older files do not store the block size.
            "int4" => Ok(Quantization::Int4 { block_size: None }),
            "float8" => Ok(Quantization::Float8 { amax_history_length: 1024 }),
            mode => Err(Error::new(ErrorKind::Unsupported, "this quantization is not supported")
                .expected("int8, int4 or float8")
                .received(format!("mode={mode:?}"))),
        }
    }
}

impl QuantizedFloat8DTypePolicy {
    fn check(&self) -> Result<()> {
        self.quantization().and_then(|mode| check_source(mode, &self.source_name))
    }

    fn quantization(&self) -> Result<Quantization> {
        match self.mode.as_str() {
            "float8" => Ok(Quantization::Float8 { amax_history_length: self.amax_history_length }),
            mode => Err(invalid_mode("'float8'", mode)),
        }
    }
}

impl Int4DTypePolicy {
    fn check(&self) -> Result<()> {
        self.quantization().and_then(|mode| check_source(mode, &self.source_name))
    }

    fn quantization(&self) -> Result<Quantization> {
        let size = self.mode.strip_prefix("int4/").and_then(|size| size.parse::<isize>().ok());
        match size {
            Some(-1) => Ok(Quantization::Int4 { block_size: None }),
            Some(size @ 1..) => Ok(Quantization::Int4 { block_size: Some(size.unsigned_abs()) }),
            _ => Err(invalid_mode("'int4/<block_size>'", &self.mode)),
        }
    }
}

fn invalid_mode(expected: &'static str, mode: &str) -> Error {
    Error::new(ErrorKind::Config, "Invalid quantization mode").expected(expected).received(format!("mode={mode:?}"))
}

fn check_source(mode: Quantization, source_name: &str) -> Result<()> {
    let (compute, _) = DTypePolicy { name: source_name.to_owned() }.dtypes()?;
    if mode == Quantization::Int8 && compute == crate::tensor::DType::Float16 {
        return Err(Error::new(
            ErrorKind::Config,
            "Quantization mode='int8' doesn't work well with compute_dtype='float16'",
        ));
    }
    Ok(())
}

/// One of the policies above, inside a [`Policy`].
#[derive(Debug)]
pub(super) struct Quantized {
    pub name: String,
    pub quantization: Quantization,
    class: Class,
}

#[derive(Debug)]
enum Class {
    Plain(Arc<QuantizedDTypePolicy>),
    Float8(Arc<QuantizedFloat8DTypePolicy>),
    Int4(Arc<Int4DTypePolicy>),
}

impl Quantized {
    pub fn serialize(&self) -> Result<Value> {
        match &self.class {
            Class::Plain(policy) => registry::serialize_shared(policy.clone(), |_| Ok(())),
            Class::Float8(policy) => registry::serialize_shared(policy.clone(), |_| Ok(())),
            Class::Int4(policy) => registry::serialize_shared(policy.clone(), |_| Ok(())),
        }
    }
}

macro_rules! cast {
    ($($class:ident $variant:ident),*) => {$(
        impl Probe<$class> {
            /// It can be used as a dtype policy.
            pub const DTYPE_POLICY: Option<Cast> = Some(Cast {
                kind: Kind::DTypePolicy,
                cast: |object| {
                    let object: Arc<dyn Any + Send + Sync> = object;
                    object.downcast::<$class>().ok()?.policy().map(Object::new)
                },
            });
        }

        impl $class {
            fn policy(self: Arc<Self>) -> Option<Policy> {
                Some(Policy::quantized(&self.source_name.clone(), Quantized {
                    name: format!("{}_from_{}", self.mode, self.source_name),
                    quantization: self.quantization().ok()?,
                    class: Class::$variant(self),
                }))
            }
        }
    )*};
}

/// Returns the policy that results from quantizing a layer with the source policy.
pub(super) fn of(quantization: Quantization, source: &str) -> Result<Option<Policy>> {
    check_source(quantization, source)?;
    let (mode, source_name) = (quantization.mode(), source.to_owned());
    Ok(match quantization {
        Quantization::Int8 => Arc::new(QuantizedDTypePolicy { mode, source_name }).policy(),
        Quantization::Int4 { .. } => Arc::new(Int4DTypePolicy { mode, source_name }).policy(),
        Quantization::Float8 { amax_history_length } => {
            Arc::new(QuantizedFloat8DTypePolicy { mode, source_name, amax_history_length }).policy()
        }
    })
}

/// Returns the policy for a name like `int8_from_float32`.
pub(super) fn by_name(name: &str) -> Option<Policy> {
    let (mode, source_name) = name.split_once("_from_")?;
    let (mode, source_name) = (mode.to_owned(), source_name.to_owned());
    if mode.starts_with("int4/") {
        Arc::new(Int4DTypePolicy { mode, source_name }).policy()
    } else if mode == "float8" {
        Arc::new(QuantizedFloat8DTypePolicy { mode, source_name, amax_history_length: 1024 }).policy()
    } else {
        Arc::new(QuantizedDTypePolicy { mode, source_name }).policy()
    }
}

cast!(QuantizedDTypePolicy Plain, QuantizedFloat8DTypePolicy Float8, Int4DTypePolicy Int4);
