//! One feature: its dtype, the layer that preprocesses it, and how the result is encoded.

use super::{FeatureSpace, of_class};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json::Value;
use crate::layers::LayerRef;
use crate::tensor::DType;
use crate::{KerasEnum, KerasSerializable, register, registry};

/// How a feature or a cross is encoded (its `output_mode`).
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FeatureEncoding {
    /// A row with a 1 at the index that the preprocessor gives.
    #[default]
    OneHot,
    /// The index that the preprocessor gives.
    Int,
    /// The numbers that the preprocessor gives.
    Float,
}

/// A feature of a [`FeatureSpace`]; see its functions for the usual kinds.
///
/// # Arguments
/// - `dtype`: that of the input.
/// - `preprocessor`: the layer that preprocesses the input.
/// - `output_mode`: how the layer's output is encoded.
#[register(builtin = "keras.src.layers.preprocessing.feature_space")]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Feature {
    #[keras(with = "dtype_name", field_type = String::field_type)]
    dtype: DType,
    preprocessor: LayerRef,
    output_mode: FeatureEncoding,
}

/// A dtype by its name.
mod dtype_name {
    use super::{DType, Result, Value};
    use crate::config::wrong_type;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the derive calls it with a reference to the field")]
    #[expect(clippy::unnecessary_wraps, reason = "the derive calls it, and others can fail")]
    pub(super) fn to_value(dtype: &DType) -> Result<Value> {
        Ok(Value::from(dtype.name()))
    }

    pub(super) fn from_value(value: &Value) -> Result<DType> {
        value.as_str().ok_or_else(|| wrong_type("the name of a dtype", value))?.parse()
    }
}

impl Feature {
    /// Constructs a feature with a preprocessing layer of your own.
    pub fn new(dtype: DType, preprocessor: impl Into<LayerRef>, output_mode: FeatureEncoding) -> Self {
        Self { dtype, preprocessor: preprocessor.into(), output_mode }
    }

    /// Returns the dtype of the input.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Returns the layer that preprocesses the input.
    pub fn preprocessor(&self) -> &LayerRef {
        &self.preprocessor
    }

    /// Returns how the layer's output is encoded.
    pub fn output_mode(&self) -> FeatureEncoding {
        self.output_mode
    }
}

/// A feature as an argument of a [`FeatureSpace`]: the name of its kind, or a [`Feature`].
#[derive(Clone, Debug)]
pub enum FeatureSpec {
    /// The name of a kind, with all its defaults: `float`, `string_categorical`, ….
    Kind(String),
    /// A feature.
    Made(Feature),
}

/// The names of kinds.
const KINDS: &[&str] = &[
    "float",
    "float_normalized",
    "float_rescaled",
    "float_discretized",
    "integer_categorical",
    "string_categorical",
    "integer_hashed",
    "string_hashed",
];

/// The numbers of categories that kinds by name take.
pub(super) struct Dims {
    pub hashing: Option<usize>,
    pub bins: Option<usize>,
}

impl FeatureSpec {
    /// Constructs the feature under its name in the feature space.
    pub(super) fn make(&self, name: &str, dims: &Dims) -> Result<Feature> {
        let kind = match self {
            Self::Made(feature) => return Ok(feature.clone()),
            Self::Kind(kind) => kind.as_str(),
        };
        let hashing = || {
            dims.hashing.ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("a feature of the kind `{kind}` needs `hashing_dim`"))
                    .hint("set `hashing_dim`, the number of categories")
            })
        };
        Ok(match kind {
            "float" => FeatureSpace::float().name(name).into(),
            "float_normalized" => FeatureSpace::float_normalized().name(name).into(),
            "float_rescaled" => FeatureSpace::float_rescaled().name(name).into(),
            "float_discretized" => FeatureSpace::float_discretized(dims.bins).name(name).into(),
            "integer_categorical" => FeatureSpace::integer_categorical().name(name).into(),
            "string_categorical" => FeatureSpace::string_categorical().name(name).into(),
            "integer_hashed" => FeatureSpace::integer_hashed(hashing()?).name(name).into(),
            "string_hashed" => FeatureSpace::string_hashed(hashing()?).name(name).into(),
            other => {
                let error = Error::new(ErrorKind::Config, format!("Invalid feature type: {other}"))
                    .expected(format!("a feature, or one of {}", KINDS.join(", ")));
                return Err(match did_you_mean(other, KINDS.iter().copied()) {
                    Some(near) => error.hint(near),
                    None => error,
                });
            }
        })
    }
}

impl From<&str> for FeatureSpec {
    fn from(kind: &str) -> Self {
        Self::Kind(kind.to_owned())
    }
}

impl From<String> for FeatureSpec {
    fn from(kind: String) -> Self {
        Self::Kind(kind)
    }
}

impl<T: Into<Feature>> From<T> for FeatureSpec {
    fn from(feature: T) -> Self {
        Self::Made(feature.into())
    }
}

impl ConfigField for FeatureSpec {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Object, by_name: true }
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::Kind(kind) => Ok(Value::from(kind.as_str())),
            Self::Made(feature) => registry::serialize_class(feature, |_| Ok(())),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Str(kind) => Ok(Self::Kind(kind.clone())),
            _ => of_class::<Feature>(value, "a serialized `Feature`, or the name of a kind").map(Self::Made),
        }
    }
}
