//! The vocabularies of StringLookup and IntegerLookup, and their tokens.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// An entry of a vocabulary: a string or an integer.
pub trait Token: Clone + Eq + Hash + Ord + Debug + Display + Send + Sync + ConfigField + 'static {
    /// The dtype of tensors of such tokens.
    const DTYPE: DType;
    /// Returns the elements of a tensor.
    ///
    /// # Errors
    /// If the tensor has another kind of dtype.
    fn elements(x: &Tensor) -> Result<Vec<Self>>;
    /// Constructs a tensor of tokens.
    ///
    /// # Errors
    /// If the number of tokens does not fit the shape.
    fn tensor(tokens: Vec<Self>, shape: &Shape) -> Result<Tensor>;
    /// Parses a line of a file.
    ///
    /// # Errors
    /// If the line is not a token.
    fn parse(line: &str) -> Result<Self>;
    /// Returns the remainder by which an unknown token is assigned to one of several indices, for integers.
    fn remainder(&self, buckets: i64) -> Option<i64>;
}

impl Token for String {
    const DTYPE: DType = DType::String;

    fn elements(x: &Tensor) -> Result<Vec<Self>> {
        x.strings().map(<[String]>::to_vec)
    }

    fn tensor(tokens: Vec<Self>, shape: &Shape) -> Result<Tensor> {
        Tensor::from_strings(tokens, shape)
    }

    fn parse(line: &str) -> Result<Self> {
        Ok(line.to_owned())
    }

    fn remainder(&self, _: i64) -> Option<i64> {
        None
    }
}

impl Token for i64 {
    const DTYPE: DType = DType::Int64;

    fn elements(x: &Tensor) -> Result<Vec<Self>> {
        ops::cast_to(x, DType::Int64)?.to_vec()
    }

    fn tensor(tokens: Vec<Self>, shape: &Shape) -> Result<Tensor> {
        Tensor::from_vec(tokens, shape)
    }

    fn parse(line: &str) -> Result<Self> {
        line.trim().parse().map_err(|error| {
            Error::new(ErrorKind::Archive, "a line of the vocabulary is not an integer")
                .received(format!("{line:?}"))
                .with_source(error)
        })
    }

    fn remainder(&self, buckets: i64) -> Option<i64> {
        self.checked_rem_euclid(buckets)
    }
}

/// A vocabulary in a configuration: a list, never the path of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary<K>(pub(super) Vec<K>);

impl<K: Token> ConfigField for Vocabulary<K> {
    fn field_type() -> crate::config::FieldType {
        Vec::<K>::field_type()
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        if let Value::Str(path) = value {
            return Err(Error::new(
                ErrorKind::CodeRefused,
                "the configuration asks for a vocabulary file outside of the model archive, which is never opened",
            )
            .received(format!("{path:?}"))
            .hint("read the file and give its lines, or adapt the layer"));
        }
        Vec::from_value(value).map(Self)
    }
}

impl<K, T: Into<K>, const N: usize> From<[T; N]> for Vocabulary<K> {
    fn from(tokens: [T; N]) -> Self {
        Self(tokens.into_iter().map(Into::into).collect())
    }
}

impl<K, T: Into<K>> From<Vec<T>> for Vocabulary<K> {
    fn from(tokens: Vec<T>) -> Self {
        Self(tokens.into_iter().map(Into::into).collect())
    }
}
