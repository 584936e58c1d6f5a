//! What StringLookup and IntegerLookup share: vocabulary, indices, and adapting.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, RwLock};

use super::encode::{OutputMode, encode, encoded_shape};
use super::hash::{self, Salt};
use super::vocabulary::Token;
use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::Assets;
use crate::ops;
use crate::program;
use crate::tensor::{DType, Nested, Shape, Tensor};
use crate::utils::RwLocked;

/// How out-of-vocabulary tokens are assigned to one of several indices.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OovMethod {
    /// Integers by remainder, strings by FarmHash64.
    #[default]
    Floormod,
    /// Strings and the digits of integers by FarmHash64.
    Farmhash,
}

/// The arguments of a lookup layer.
pub(super) struct Settings<'a, K> {
    pub max_tokens: Option<usize>,
    pub num_oov_indices: usize,
    pub mask_token: Option<&'a K>,
    pub oov_token: Option<&'a K>,
    pub vocabulary: Option<&'a [K]>,
    pub idf_weights: Option<&'a [f64]>,
    pub vocabulary_size: Option<usize>,
    pub invert: bool,
    pub output_mode: OutputMode,
    pub sparse: bool,
    pub pad_to_max_tokens: bool,
    pub oov_method: OovMethod,
    pub salt: Option<Salt>,
}

/// The vocabulary: tokens by index, and indices by token.
#[derive(Debug)]
struct Table<K> {
    tokens: Vec<K>,
    indices: HashMap<K, usize>,
}

impl<K: Token> Table<K> {
    fn new(tokens: Vec<K>) -> Self {
        let indices = tokens.iter().enumerate().map(|(i, token)| (token.clone(), i)).collect();
        Self { tokens, indices }
    }
}

/// The current vocabulary of a layer: from its configuration, adapted, or loaded.
#[derive(Debug)]
pub(super) struct State<K>(RwLock<Known<K>>);

#[derive(Debug)]
struct Known<K> {
    table: Option<Arc<Table<K>>>,
    idf: Option<Arc<[f32]>>,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self(RwLock::new(Known { table: None, idf: None }))
    }
}

impl<K> State<K> {
    fn idf(&self) -> Option<Arc<[f32]>> {
        self.0.read_locked().idf.clone()
    }

    fn set(&self, table: Option<Arc<Table<K>>>, idf: Option<Arc<[f32]>>) {
        let mut known = self.0.write_locked();
        if table.is_some() {
            known.table = table;
        }
        if idf.is_some() {
            known.idf = idf;
        }
    }
}

/// The maximum number of out-of-vocabulary or padding indices, because vectors of this size are allocated.
const MOST_INDICES: usize = 1 << 24;

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, message)
}

impl<K: Token> Settings<'_, K> {
    /// Checks the arguments, including the vocabulary.
    pub fn check(&self, state: &State<K>) -> Result<()> {
        if let Some(max) = self.max_tokens.filter(|max| *max <= 1) {
            return Err(refused("if set, `max_tokens` must be greater than 1").received(format!("max_tokens={max}")));
        }
        let padding = self.max_tokens.filter(|_| self.pad_to_max_tokens).unwrap_or_default();
        for (name, count) in [("num_oov_indices", self.num_oov_indices), ("max_tokens", padding)] {
            if count > MOST_INDICES {
                return Err(Error::new(ErrorKind::Limit, "too many indices without tokens of their own")
                    .expected(format!("at most {MOST_INDICES}"))
                    .received(count.to_string())
                    .at(name));
            }
        }
        if self.pad_to_max_tokens && self.max_tokens.is_none() {
            return Err(refused("if `pad_to_max_tokens` is true, `max_tokens` must be set").received("max_tokens=null"));
        }
        if self.salt.is_some() && K::DTYPE.is_int() && self.oov_method != OovMethod::Farmhash {
            return Err(refused("`salt` can only be used when `oov_method` is `farmhash`"));
        }
        if self.invert && self.output_mode != OutputMode::Int {
            return Err(refused("`output_mode` must be `int` when `invert` is true"));
        }
        if self.sparse && self.output_mode == OutputMode::Int {
            return Err(refused("`sparse` may only be true if `output_mode` is not `int`"));
        }
        if self.idf_weights.is_some() && self.output_mode != OutputMode::TfIdf {
            return Err(refused("`idf_weights` should only be set if `output_mode` is `tf_idf`"));
        }
        self.table(state).map(|_| ())
    }

    pub(super) fn oov_start(&self) -> usize {
        usize::from(self.mask_token.is_some() && self.output_mode == OutputMode::Int)
    }

    pub(super) fn token_start(&self) -> usize {
        self.oov_start() + self.num_oov_indices
    }

    /// Returns the special tokens at the start of a vocabulary.
    fn special(&self) -> impl Iterator<Item = Option<&K>> {
        let mask = std::iter::repeat_n(self.mask_token, self.oov_start());
        mask.chain(std::iter::repeat_n(self.oov_token, self.num_oov_indices))
    }

    /// Returns the current vocabulary; on first use that of the configuration.
    fn table(&self, state: &State<K>) -> Result<Arc<Table<K>>> {
        if let Some(table) = &state.0.read_locked().table {
            return Ok(table.clone());
        }
        let Some(vocabulary) = self.vocabulary else { return Ok(Arc::new(Table::new(Vec::new()))) };
        self.set_vocabulary(state, vocabulary, self.idf_weights).at("vocabulary")?;
        self.table_or_empty(state)
    }

    fn table_or_empty(&self, state: &State<K>) -> Result<Arc<Table<K>>> {
        let table = state.0.read_locked().table.clone();
        Ok(table.unwrap_or_else(|| Arc::new(Table::new(Vec::new()))))
    }

    /// Replaces the vocabulary, and the IDF weights if the output mode needs them.
    pub fn set_vocabulary(&self, state: &State<K>, vocabulary: &[K], idf_weights: Option<&[f64]>) -> Result<()> {
        match (self.output_mode, idf_weights) {
            (OutputMode::TfIdf, None) => Err(refused("`idf_weights` must be set if `output_mode` is `tf_idf`")),
            (OutputMode::TfIdf, _) | (_, None) => self.replace(state, vocabulary, idf_weights),
            _ => Err(refused("`idf_weights` should only be set if `output_mode` is `tf_idf`")),
        }
    }

    fn replace(&self, state: &State<K>, vocabulary: &[K], idf_weights: Option<&[f64]>) -> Result<()> {
        if vocabulary.is_empty() {
            return Err(refused("an empty vocabulary can't be set"));
        }
        let start = self.token_start();
        let head = vocabulary.get(..start.min(vocabulary.len())).unwrap_or_default();
        let has_special = head.iter().map(Some).eq(self.special());
        let tokens = if has_special { vocabulary.get(start..).unwrap_or_default() } else { vocabulary };
        let mut seen = HashSet::new();
        let repeated: Vec<&K> = tokens.iter().filter(|token| !seen.insert(*token)).collect();
        if !repeated.is_empty() {
            return Err(
                refused("the passed vocabulary has at least one repeated term").received(format!("{repeated:?}"))
            );
        }
        let reserved = |what: &str, token: Option<&K>| match token {
            Some(token) if seen.contains(token) => Err(refused(format!(
                "found reserved {what} token at unexpected location in `vocabulary`"
            ))
            .received(format!("{token:?}"))
            .hint("leave special tokens out, or put them at the start: the mask, then one for unknown tokens each")),
            _ => Ok(()),
        };
        reserved("mask", self.mask_token)?;
        if self.invert {
            reserved("OOV", self.oov_token)?;
        }
        let size = start + tokens.len();
        if let Some(max) = self.max_tokens.filter(|max| size > *max) {
            return Err(refused("attempted to set a vocabulary larger than the maximum vocab size")
                .expected(format!("at most {max}"))
                .received(size.to_string()));
        }
        let fixed = self.output_mode != OutputMode::Int && !self.pad_to_max_tokens;
        if let Some(old) = self.vocabulary_size.filter(|old| fixed && *old != size) {
            return Err(refused("the vocabulary size cannot be changed after the layer is called")
                .expected(old.to_string())
                .received(size.to_string()));
        }
        let idf = idf_weights.map(|weights| self.padded(weights, vocabulary.len(), has_special)).transpose()?;
        state.set(Some(Arc::new(Table::new(tokens.to_vec()))), idf);
        Ok(())
    }

    /// Returns the IDF weights with their mean for special tokens, padded with zeros to the depth.
    fn padded(&self, weights: &[f64], terms: usize, has_special: bool) -> Result<Arc<[f32]>> {
        if weights.len() != terms {
            return Err(refused("`idf_weights` must be the same length as vocabulary")
                .expected(terms.to_string())
                .received(weights.len().to_string()));
        }
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let front = std::iter::repeat_n(mean, if has_special { 0 } else { self.token_start() });
        let mut all: Vec<f32> = front.chain(weights.iter().copied()).map(|weight| weight as f32).collect();
        if let Some(max) = self.max_tokens.filter(|_| self.pad_to_max_tokens) {
            all.resize(all.len().max(max), 0.0);
        }
        Ok(all.into())
    }

    /// Returns the number of indices.
    pub fn size(&self, state: &State<K>) -> Result<usize> {
        Ok(self.table(state)?.tokens.len() + self.token_start())
    }

    /// Returns the size written to configurations: none before there is a vocabulary.
    pub fn recorded_size(&self, state: &State<K>) -> Result<Option<usize>> {
        let table = self.table(state)?;
        Ok(if table.tokens.is_empty() { self.vocabulary_size } else { Some(table.tokens.len() + self.token_start()) })
    }

    /// Returns all tokens by index; `None` for special indices without a token.
    pub fn tokens(&self, state: &State<K>, include_special_tokens: bool) -> Result<Vec<Option<K>>> {
        let table = self.table(state)?;
        let special = include_special_tokens.then(|| self.special()).into_iter().flatten();
        Ok(special.map(Option::<&K>::cloned).chain(table.tokens.iter().cloned().map(Some)).collect())
    }

    /// Returns the index of each token; except in `int` mode, -1 for the mask token, which is not counted.
    pub fn indices(&self, state: &State<K>, tokens: &[K]) -> Result<Vec<i64>> {
        let table = self.table(state)?;
        let start = self.token_start();
        tokens
            .iter()
            .map(|token| {
                if self.mask_token == Some(token) {
                    return Ok(if self.output_mode == OutputMode::Int { 0 } else { -1 });
                }
                match table.indices.get(token) {
                    Some(index) => Ok((start + index) as i64),
                    None => self.unknown(token),
                }
            })
            .collect()
    }

    fn unknown(&self, token: &K) -> Result<i64> {
        let start = self.oov_start() as i64;
        match self.num_oov_indices {
            0 => Err(Error::new(
                ErrorKind::InvalidArgument,
                "when `num_oov_indices=0` all inputs should be in vocabulary",
            )
            .received(format!("{token:?}"))
            .hint("consider setting `num_oov_indices=1`")),
            1 => Ok(start),
            several => {
                let remainder = token.remainder(several as i64).filter(|_| self.oov_method == OovMethod::Floormod);
                let hashed = || hash::bucket(&token.to_string(), several as u64, self.salt);
                Ok(start + remainder.unwrap_or_else(hashed))
            }
        }
    }

    pub(super) fn depth(&self, state: &State<K>) -> Result<Option<usize>> {
        match self.max_tokens {
            Some(max) if self.pad_to_max_tokens => Ok(Some(max)),
            _ => self.recorded_size(state),
        }
    }

    /// Encodes indices in the layer's output mode.
    pub fn encoded(&self, state: &State<K>, indices: Vec<i64>, shape: &Shape) -> Result<Tensor> {
        if self.output_mode == OutputMode::Int {
            return Tensor::from_vec(indices, shape);
        }
        let depth = self.depth(state)?.ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, "the layer's vocabulary must be set before it is called")
                .hint("give it a `vocabulary`, or adapt it")
        })?;
        let encoded = encode(indices, shape, self.output_mode, depth, DType::Int64, None)?;
        match self.weights(state)? {
            Some(weights) => ops::multiply(&ops::cast_to(&encoded, DType::Float32)?, weights),
            None => Ok(encoded),
        }
    }

    /// Returns the weights by which counts are multiplied.
    pub(super) fn weights(&self, state: &State<K>) -> Result<Option<Tensor>> {
        if self.output_mode != OutputMode::TfIdf {
            return Ok(None);
        }
        let weights = state.idf().ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, "when `output_mode` is `tf_idf`, `idf_weights` must be provided")
        })?;
        Tensor::from_slice(&weights, [weights.len()]).map(Some)
    }

    /// Returns the output symbol of a call.
    pub fn symbol(&self, state: &State<K>, shape: &Shape) -> Result<Tensor> {
        if self.output_mode == OutputMode::Int {
            return Ok(Tensor::symbol(shape, DType::Int64));
        }
        Ok(Tensor::symbol(encoded_shape(shape, self.output_mode, self.depth(state)?), DType::Float32))
    }

    /// Computes the layer's output.
    pub fn call(&self, state: &State<K>, x: &Tensor) -> Result<Tensor> {
        match program::unless_symbolic(&[x], || self.looked_up(state, x))? {
            Some(y) => Ok(y),
            None => self.symbol(state, x.shape()),
        }
    }

    fn looked_up(&self, state: &State<K>, x: &Tensor) -> Result<Tensor> {
        if !self.invert {
            return self.encoded(state, self.indices(state, &K::elements(x)?)?, x.shape());
        }
        let table = self.table(state)?;
        let start = self.token_start();
        let token = |index: i64| match usize::try_from(index) {
            Ok(0) if self.mask_token.is_some() => self.mask_token,
            Ok(index) => index.checked_sub(start).and_then(|index| table.tokens.get(index)).or(self.oov_token),
            Err(_) => self.oov_token,
        };
        let tokens = ops::cast_to(x, DType::Int64)?.to_vec::<i64>()?.into_iter().map(|index| {
            token(index).cloned().ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "no token has this index, and `oov_token` is not set")
                    .received(index.to_string())
            })
        });
        K::tensor(tokens.collect::<Result<_>>()?, x.shape())
    }

    /// Computes the vocabulary from documents of tokens, most frequent tokens first.
    pub fn adapt<'d>(&self, state: &State<K>, documents: impl IntoIterator<Item = &'d [K]>) -> Result<()> {
        if self.vocabulary.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a layer can't be adapted after setting a static vocabulary via its `vocabulary` argument",
            ));
        }
        let (mut counts, mut frequencies) = (HashMap::<&K, u64>::new(), HashMap::<&K, u64>::new());
        let mut number = 0u64;
        for document in documents {
            number += 1;
            for token in document {
                *counts.entry(token).or_default() += 1;
            }
            for token in document.iter().collect::<HashSet<_>>() {
                *frequencies.entry(token).or_default() += 1;
            }
        }
        if counts.is_empty() {
            return Ok(());
        }
        for special in [self.mask_token, self.oov_token].into_iter().flatten() {
            counts.remove(special);
        }
        let mut found: Vec<(u64, &K)> = counts.into_iter().map(|(token, count)| (count, token)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(max) = self.max_tokens {
            found.truncate(max.saturating_sub(self.token_start()));
        }
        let tokens: Vec<K> = found.iter().map(|(_, token)| (*token).clone()).collect();
        let idf = (self.output_mode == OutputMode::TfIdf)
            .then(|| {
                let weight = |token: &K| {
                    let documents = frequencies.get(token).copied().unwrap_or_default();
                    (1.0 + number as f64 / (1.0 + documents as f64)).ln()
                };
                self.padded(&tokens.iter().map(weight).collect::<Vec<_>>(), tokens.len(), false)
            })
            .transpose()?;
        state.set(Some(Arc::new(Table::new(tokens))), idf);
        Ok(())
    }

    /// Splits tensors into documents: the rows of a tensor of two or more axes. For one axis, each element is
    /// a document, or, in a list of batches, each batch.
    pub fn documents(data: &Nested<Tensor>) -> Result<Vec<Vec<K>>> {
        let alone = matches!(data, Nested::Leaf(_));
        let mut documents = Vec::new();
        for batch in data.leaves() {
            let elements = K::elements(batch)?;
            let length = match batch.shape().dims() {
                [] => 1,
                [_] if alone => 1,
                [_] => elements.len(),
                [_, rest @ ..] => rest.iter().map(|dim| dim.unwrap_or(1)).product(),
            };
            documents.extend(elements.chunks(length.max(1)).map(<[K]>::to_vec));
        }
        Ok(documents)
    }

    /// Saves the vocabulary as an asset if it is not in the configuration, as Keras does.
    pub fn save(&self, state: &State<K>, assets: &mut Assets) -> Result<()> {
        if self.vocabulary.is_some() {
            return Ok(());
        }
        let tokens = self.tokens(state, true)?;
        let lines: Vec<String> = tokens
            .into_iter()
            .map(|token| token.map_or_else(|| "None".to_owned(), |token| token.to_string()))
            .collect();
        assets.insert("vocabulary.txt", lines.join("\n"));
        Ok(())
    }

    /// Loads what [`Settings::save`] saved.
    pub fn load(&self, state: &State<K>, assets: &Assets) -> Result<()> {
        if self.vocabulary.is_some() {
            return Ok(());
        }
        let text = assets.text("vocabulary.txt")?;
        let mut lines: Vec<&str> = split_lines(text);
        // Empty lines at the end are no tokens, unless the configuration counts them: Keras loses an empty
        // token there.
        lines.resize(text.split('\n').count().max(lines.len()), "");
        let least = self.vocabulary_size.unwrap_or_default();
        while lines.len() > least && lines.pop_if(|line| line.is_empty()).is_some() {}
        let tokens = lines.into_iter().map(K::parse).collect::<Result<Vec<_>>>();
        // The IDF weights are loaded with the weights of the file.
        self.replace(state, &tokens.at("vocabulary.txt")?, None).at("vocabulary.txt")
    }

    /// Returns the IDF weights, which files hold by name.
    pub fn named_state(&self, state: &State<K>) -> Result<Vec<(&'static str, Tensor)>> {
        if self.output_mode != OutputMode::TfIdf {
            return Ok(Vec::new());
        }
        self.table(state)?;
        let weights = state.idf().ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, "the layer's `idf_weights` must be set before it is saved")
                .hint("give it a `vocabulary` with `idf_weights`, or adapt it")
        })?;
        Ok(vec![("idf_weights", Tensor::from_slice(&weights, [weights.len()])?)])
    }

    /// Loads what [`Settings::named_state`] returned.
    pub fn load_named_state(&self, state: &State<K>, value: &Tensor) -> Result<()> {
        let weights = ops::cast_to(value, DType::Float32)?.to_vec::<f32>()?;
        if let Some(depth) = self.depth(state)?.filter(|depth| *depth != weights.len()) {
            return Err(Error::new(ErrorKind::Weights, "the number of `idf_weights` is not that of terms")
                .expected(depth.to_string())
                .received(weights.len().to_string()));
        }
        self.table(state)?;
        state.set(None, Some(weights.into()));
        Ok(())
    }
}

/// Splits like Python's `str.splitlines`.
fn split_lines(text: &str) -> Vec<&str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}' | '\u{1d}' | '\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(ends) {
        let (line, tail) = rest.split_at(end);
        lines.push(line);
        let mut chars = tail.chars();
        let first = chars.next();
        rest = chars.as_str();
        if first == Some('\r') {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}
