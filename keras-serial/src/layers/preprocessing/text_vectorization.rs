//! Text vectorization: from strings to the indices of their words.

use super::encode::{OutputMode, encode, rename_mode};
use super::string_lookup::StringLookup;
use super::vocabulary::Vocabulary;
use crate::config::{Config, ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::layers::{Adaptable, Assets, Layer, LayerBase, LayerExt, LayerRef, LayerTraits, OwnState, invalid_argument};
use crate::object::Handle;
use crate::program;
use crate::registry::deserialize_by_name;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Vectorizes text: standardizes it, splits it into words, and maps them to indices or count vectors.
///
/// # Arguments
/// - `max_tokens`: none; the maximum number of indices.
/// - `standardize`: [`Standardize::LowerAndStripPunctuation`].
/// - `split`: [`Split::Whitespace`].
/// - `ngrams`: none; n-grams up to a length, or of the given lengths, are also tokens.
/// - `output_mode`: `int`, or vectors: see [`OutputMode`].
/// - `output_sequence_length`: none; sequences of indices are truncated or padded with 0 to this length.
/// - `pad_to_max_tokens`: false; whether vectors are padded to `max_tokens`.
/// - `vocabulary`, `idf_weights`: none; computed by [`LayerRef::adapt`] if not given.
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
/// - `ragged`: false; rows of different lengths, which tensors do not support here.
/// - `encoding`: kept in the configuration; strings are UTF-8 here.
///
/// # Shapes
/// `(batch,)` or `(batch, 1)` of strings gives `(batch, words)` or `(batch, tokens)`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/text/text_vectorization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::TextVectorization;
/// let x = Tensor::from_strings(["The cat!", "A cat, the dog"], [2, 1])?;
/// let y = TextVectorization::new().vocabulary(["the", "cat"]).apply(&x)?;
/// assert_eq!(y.to_vec::<i64>()?, [2, 3, 0, 0, 1, 3, 2, 1]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(
    new,
    setters,
    validate = Self::check,
    from_config = Self::upgrade,
    get_config = Self::complete,
    ignore("has_input_vocabulary")
)]
pub struct TextVectorization {
    base: LayerBase,
    #[keras(default)]
    max_tokens: Option<usize>,
    #[keras(default)]
    standardize: Standardize,
    #[keras(default)]
    split: Split,
    #[keras(default)]
    ngrams: Option<Ngrams>,
    #[keras(default)]
    output_mode: OutputMode,
    #[keras(default)]
    output_sequence_length: Option<usize>,
    #[keras(default)]
    pad_to_max_tokens: bool,
    #[keras(default)]
    sparse: bool,
    #[keras(default)]
    ragged: bool,
    #[keras(default)]
    vocabulary: Option<Vocabulary<String>>,
    #[keras(default)]
    idf_weights: Option<Vec<f64>>,
    #[keras(default = "utf-8".into())]
    encoding: String,
    #[keras(default, no_setter)]
    vocabulary_size: Option<usize>,
    #[keras(sublayer(
        name = "_lookup_layer",
        init = StringLookup::new()
            .mask_token("")
            .output_mode(*output_mode)
            .sparse(sparse)
            .pad_to_max_tokens(pad_to_max_tokens)
            .encoding(encoding.as_str())
            .of_size(*vocabulary_size)
            .with_vocabulary(*max_tokens, vocabulary.clone(), idf_weights.clone())
            .shared()
    ))]
    lookup: LayerRef,
}

/// The standardization of text before it is split.
#[derive(Debug, Clone, Default)]
pub enum Standardize {
    /// No standardization.
    None,
    /// ASCII letters are lowercased and ASCII punctuation is removed.
    #[default]
    LowerAndStripPunctuation,
    /// ASCII letters are lowercased.
    Lower,
    /// ASCII punctuation is removed.
    StripPunctuation,
    /// A registered function of a tensor of strings.
    Function(Function),
}

/// The splitting of text into words.
#[derive(Debug, Clone, Default)]
pub enum Split {
    /// No splitting.
    None,
    /// At ASCII whitespace.
    #[default]
    Whitespace,
    /// Into characters.
    Character,
    /// By a registered function of a tensor of strings, which adds an axis.
    Function(Function),
}

macro_rules! named_or_function {
    ($type:ident, $expected:literal, $($name:literal $variant:ident),*) => {
        impl $type {
            /// Creates a `Function` from a custom function.
            pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
                Self::Function(Function::new(function))
            }
        }

        impl ConfigField for $type {
            fn field_type() -> crate::config::FieldType {
                crate::config::FieldType::Either(vec![
                    crate::config::FieldType::Choices(vec![$($name),*]),
                    crate::config::FieldType::Object { kind: crate::config::Kind::Function, by_name: false },
                ])
                .or_null()
            }

            fn to_value(&self) -> Result<Value> {
                match self {
                    Self::None => Ok(Value::Null),
                    $(Self::$variant => Ok(Value::from($name)),)*
                    Self::Function(function) => function.serialize(),
                }
            }

            fn from_value(value: &Value) -> Result<Self> {
                match value {
                    Value::Null => Ok(Self::None),
                    $(Value::Str(name) if name == $name => Ok(Self::$variant),)*
                    Value::Dict(_) => deserialize_by_name(value).map(Self::Function),
                    _ => Err(wrong_type($expected, value)),
                }
            }
        }
    };
}

named_or_function!(
    Standardize,
    "`lower_and_strip_punctuation`, `lower`, `strip_punctuation`, null, or a registered function",
    "lower_and_strip_punctuation" LowerAndStripPunctuation,
    "lower" Lower,
    "strip_punctuation" StripPunctuation
);
named_or_function!(
    Split,
    "`whitespace`, `character`, null, or a registered function",
    "whitespace" Whitespace,
    "character" Character
);

/// The lengths of n-grams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ngrams {
    /// All lengths up to this one.
    UpTo(usize),
    /// These lengths.
    Widths(Vec<usize>),
}

impl From<usize> for Ngrams {
    fn from(longest: usize) -> Self {
        Self::UpTo(longest)
    }
}

impl<const N: usize> From<[usize; N]> for Ngrams {
    fn from(widths: [usize; N]) -> Self {
        Self::Widths(widths.to_vec())
    }
}

impl ConfigField for Ngrams {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![usize::field_type(), crate::config::FieldType::list(usize::field_type())])
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::UpTo(longest) => longest.to_value(),
            Self::Widths(widths) => widths.to_value(),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::List(_) => Vec::from_value(value).map(Self::Widths),
            longest => usize::from_value(longest).map(Self::UpTo),
        }
    }
}

impl Ngrams {
    /// Returns the n-grams of words, shorter ones first.
    fn of(&self, words: &[String]) -> Vec<String> {
        let widths = match self {
            Self::UpTo(longest) => (1..=*longest).collect(),
            Self::Widths(widths) => widths.clone(),
        };
        let sequences = widths.into_iter().filter(|width| *width > 0).flat_map(|width| words.windows(width));
        sequences.map(|sequence| sequence.join(" ")).collect()
    }
}

/// The words of each text, and the shape of the texts.
struct Words {
    shape: Shape,
    rows: Vec<Vec<String>>,
    /// Whether rows can have different lengths.
    ragged: bool,
}

impl TextVectorization {
    fn check(&self) -> Result<()> {
        if self.output_mode != OutputMode::Int {
            if let Some(length) = self.output_sequence_length {
                return Err(invalid_argument("output_sequence_length", "none, if `output_mode` is not `int`", length));
            }
            if self.ragged {
                return Err(invalid_argument("ragged", "false, if `output_mode` is not `int`", "true"));
            }
        }
        self.lookup()?.settings().check(self.lookup()?.state())
    }

    fn upgrade(config: &mut Config) -> Result<()> {
        rename_mode(config);
        Ok(())
    }

    fn complete(&self, config: &mut Config) -> Result<()> {
        config.insert("vocabulary_size".into(), Value::from(self.lookup()?.vocabulary_size()?));
        Ok(())
    }

    fn lookup(&self) -> Result<&StringLookup> {
        let layer = &self.lookup;
        layer.downcast_ref().ok_or_else(|| Error::new(ErrorKind::WrongKind, "the layer inside is not a StringLookup"))
    }

    /// Returns the words by index, with or without special ones (mask, unknown).
    ///
    /// # Errors
    /// If the vocabulary in the layer's configuration is invalid.
    pub fn get_vocabulary(&self, include_special_tokens: bool) -> Result<Vec<Option<String>>> {
        self.lookup()?.get_vocabulary(include_special_tokens)
    }

    /// Returns the number of indices.
    ///
    /// # Errors
    /// If the vocabulary in the layer's configuration is invalid.
    pub fn vocabulary_size(&self) -> Result<usize> {
        self.lookup()?.vocabulary_size()
    }

    /// Replaces the vocabulary, and the IDF weights for `tf_idf`; it is then saved as an asset.
    ///
    /// # Errors
    /// If tokens are repeated, or there are too many.
    pub fn set_vocabulary(&self, vocabulary: &[String], idf_weights: Option<&[f64]>) -> Result<()> {
        self.lookup()?.set_vocabulary(vocabulary, idf_weights)
    }

    fn words(&self, x: &Tensor) -> Result<Words> {
        let standardized = self.standardized(x)?;
        let text = standardized.strings()?;
        let mut words = match &self.split {
            Split::None => rows(&standardized)?,
            split => {
                let shape = match standardized.shape().dims().split_last() {
                    Some((Some(1), rest)) if !rest.is_empty() => Shape::from(rest.to_vec()),
                    Some((_, [])) | None => standardized.shape().clone(),
                    _ => {
                        return Err(Error::new(ErrorKind::Shape, "text can't be split")
                            .expected("rank 1, or a last extent of 1")
                            .received(format!("shape {}", standardized.shape())));
                    }
                };
                match split {
                    Split::Function(function) => rows(&function.call(&Tensor::from_strings(text.to_vec(), shape)?)?)?,
                    split => {
                        let split = |text: &String| match split {
                            Split::Character => text.chars().map(String::from).collect(),
                            _ => text.split(is_space).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
                        };
                        Words { shape, rows: text.iter().map(split).collect(), ragged: true }
                    }
                }
            }
        };
        if let Some(ngrams) = &self.ngrams {
            for row in &mut words.rows {
                *row = ngrams.of(row);
            }
        }
        Ok(words)
    }

    fn standardized(&self, x: &Tensor) -> Result<Tensor> {
        let (lower, strip) = match &self.standardize {
            Standardize::None => return Ok(x.clone()),
            Standardize::Function(function) => return function.call(x),
            Standardize::LowerAndStripPunctuation => (true, true),
            Standardize::Lower => (true, false),
            Standardize::StripPunctuation => (false, true),
        };
        let standardize = |text: &String| -> String {
            let kept = text.chars().filter(|c| !(strip && c.is_ascii_punctuation()));
            kept.map(|c| if lower { c.to_ascii_lowercase() } else { c }).collect()
        };
        Tensor::from_strings(x.strings()?.iter().map(standardize), x.shape())
    }

    /// Returns the indices or counts of the words of each text.
    fn vectorized(&self, x: &Tensor) -> Result<Tensor> {
        if self.ragged {
            return Err(Error::new(ErrorKind::Unsupported, "tensors with rows of different lengths are not supported")
                .received("ragged=true")
                .hint("leave `ragged` out: rows are then filled with 0"));
        }
        let Words { shape, rows, ragged } = self.words(x)?;
        let lookup = self.lookup()?;
        let int = self.output_mode == OutputMode::Int;
        let longest = rows.iter().map(Vec::len).max().unwrap_or_default();
        let length = if int { self.output_sequence_length.unwrap_or(longest) } else { longest };
        let mut indices = Vec::with_capacity(rows.len().saturating_mul(length));
        for row in &rows {
            let row = row.get(..length.min(row.len())).unwrap_or_default();
            indices.extend(lookup.settings().indices(lookup.state(), row)?);
            // Negative indices are not counted.
            indices.extend(std::iter::repeat_n(if int { 0 } else { -1 }, length - row.len()));
        }
        let shape: Shape = shape.dims().iter().copied().chain([Some(length)]).collect();
        if int {
            return encode(indices, &shape, OutputMode::Int, 0, DType::Int64, None);
        }
        if ragged && shape.rank() > 2 {
            return Err(Error::new(ErrorKind::Unsupported, "text of more than one axis is not supported in this mode")
                .received(format!("shape {}", x.shape())));
        }
        lookup.settings().encoded(lookup.state(), indices, &shape)
    }

    fn symbol(&self, input: &Shape) -> Result<Tensor> {
        let dims = input.dims();
        let shape: Shape = match (self.output_mode, &self.split) {
            (OutputMode::Int, _) => [dims.first().copied().flatten(), self.output_sequence_length].into(),
            (_, Split::None) if dims.len() > 1 => input.clone(),
            (_, Split::None) => dims.iter().copied().chain([Some(1)]).collect(),
            _ => dims.iter().copied().chain([None]).collect(),
        };
        if self.output_mode == OutputMode::Int {
            return Ok(Tensor::symbol(shape, DType::Int64));
        }
        let lookup = self.lookup()?;
        lookup.settings().symbol(lookup.state(), &shape)
    }
}

/// Returns true for whitespace in the sense of C's `isspace`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Returns the rows along the last axis.
fn rows(x: &Tensor) -> Result<Words> {
    let dims = x.shape().known()?;
    let (length, shape) = dims.split_last().map_or((1, Vec::new()), |(last, rest)| (*last, rest.to_vec()));
    let count: usize = shape.iter().product();
    let text = x.strings()?;
    let row = |i: usize| text.get(i * length..(i + 1) * length).unwrap_or_default().to_vec();
    Ok(Words { shape: shape.into(), rows: (0..count).map(row).collect(), ragged: false })
}

impl Layer for TextVectorization {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        match program::unless_symbolic(&[x], || self.vectorized(x))? {
            Some(y) => Ok(y.into()),
            None => self.symbol(x.shape()).map(Into::into),
        }
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl Adaptable for TextVectorization {
    fn is_adaptable(&self) -> bool {
        self.vocabulary.is_none()
    }

    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        let mut documents = Vec::new();
        for batch in data.leaves() {
            let alone = matches!(data, Nested::Leaf(_)) && batch.rank() == 1;
            let batch = if alone {
                Tensor::from_strings(batch.strings()?.to_vec(), [batch.shape().dim(0)?, 1])?
            } else {
                batch.clone()
            };
            documents.extend(self.words(&batch)?.rows);
        }
        let lookup = self.lookup()?;
        lookup.settings().adapt(lookup.state(), documents.iter().map(Vec::as_slice))
    }
}

impl OwnState for TextVectorization {
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        self.lookup()?.save_assets(assets)
    }

    fn load_assets(&self, assets: &Assets) -> Result<()> {
        self.lookup()?.load_assets(assets)
    }

    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        self.lookup()?.named_state()
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["idf_weights"]
    }

    fn load_named_state(&self, name: &str, value: &Tensor) -> Result<()> {
        self.lookup()?.load_named_state(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    fn texts() -> Tensor {
        Tensor::from_strings(["The cat, sat on the MAT!", "zzz on   the cat"], [2, 1]).unwrap()
    }

    #[test]
    fn words_are_learned_and_counted() {
        let layer = TextVectorization::new().output_mode(OutputMode::Count).ngrams(2).max_tokens(5usize).shared();
        layer.adapt(texts()).unwrap();
        let layer = layer.downcast_ref::<TextVectorization>().unwrap();
        let words: Vec<String> = layer.get_vocabulary(false).unwrap().into_iter().flatten().collect();
        // TextVectorization(ngrams=2, output_mode="count", max_tokens=5), adapted to the texts
        assert_eq!(words, ["the", "the cat", "on the", "on"]);
        assert_eq!(layer.vocabulary_size().unwrap(), 5);
    }

    #[test]
    fn lines_are_cut_and_filled() {
        let layer = TextVectorization::new().vocabulary(["the", "on"]).output_sequence_length(5usize).shared();
        assert_eq!(layer.apply(texts()).unwrap().to_vec::<i64>().unwrap(), [2, 1, 1, 3, 2, 1, 3, 2, 1, 0]);
        let symbol = layer.apply(Tensor::symbol([None, Some(1)], DType::String)).unwrap();
        assert_eq!(symbol.shape().to_string(), "(None, 5)");
    }
}
