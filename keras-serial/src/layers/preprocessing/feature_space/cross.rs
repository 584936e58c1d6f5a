//! Crosses of features: their values are hashed together.

use super::{FeatureEncoding, of_class};
use crate::config::ConfigField;
use crate::error::Result;
use crate::json::Value;
use crate::layers::invalid_argument;
use crate::{KerasSerializable, register, registry};

/// A cross of two features of a [`FeatureSpace`](super::FeatureSpace): their values are hashed together into one
/// of `crossing_dim` categories.
///
/// # Arguments
/// - `feature_names`: the names of the features.
/// - `crossing_dim`: the number of categories.
/// - `output_mode`: [`FeatureEncoding::OneHot`]; or the category's number.
#[register(builtin = "keras.src.layers.preprocessing.feature_space")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(setters, validate = Self::check)]
pub struct Cross {
    feature_names: Vec<String>,
    crossing_dim: usize,
    #[keras(default)]
    output_mode: FeatureEncoding,
}

impl Cross {
    /// Constructs a cross from the names of the features and the number of categories.
    pub fn new<N: Into<String>>(feature_names: impl IntoIterator<Item = N>, crossing_dim: usize) -> Self {
        let feature_names = feature_names.into_iter().map(Into::into).collect();
        Self { feature_names, crossing_dim, output_mode: FeatureEncoding::default() }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.output_mode {
            FeatureEncoding::Int | FeatureEncoding::OneHot => Ok(()),
            FeatureEncoding::Float => Err(invalid_argument("output_mode", "`int` or `one_hot`", "float")),
        }
    }

    /// Returns the name of the cross: `a_X_b`.
    pub fn name(&self) -> String {
        self.feature_names.join("_X_")
    }

    /// Returns the names of the features.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Returns the number of categories.
    pub fn crossing_dim(&self) -> usize {
        self.crossing_dim
    }

    pub(super) fn encoding(&self) -> FeatureEncoding {
        self.output_mode
    }
}

/// A cross as an argument of a [`FeatureSpace`](super::FeatureSpace), whose `crossing_dim` applies to names alone.
#[derive(Clone, Debug)]
pub enum CrossSpec {
    /// The names of the features.
    Names(Vec<String>),
    /// A cross with a dimension of its own.
    Made(Cross),
}

impl From<Cross> for CrossSpec {
    fn from(cross: Cross) -> Self {
        Self::Made(cross)
    }
}

impl<A: Into<String>, B: Into<String>> From<(A, B)> for CrossSpec {
    fn from((a, b): (A, B)) -> Self {
        Self::Names(vec![a.into(), b.into()])
    }
}

impl<N: Into<String>, const LEN: usize> From<[N; LEN]> for CrossSpec {
    fn from(names: [N; LEN]) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl<N: Into<String>> From<Vec<N>> for CrossSpec {
    fn from(names: Vec<N>) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl ConfigField for CrossSpec {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![
            crate::config::FieldType::list(crate::config::FieldType::String),
            crate::config::FieldType::Object { kind: crate::config::Kind::Object, by_name: false },
        ])
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::Names(names) => names.to_value(),
            Self::Made(cross) => registry::serialize_class(cross, |_| Ok(())),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::List(_) => Vec::from_value(value).map(Self::Names),
            _ => of_class::<Cross>(value, "a serialized `Cross`, or a list of names").map(Self::Made),
        }
    }
}
