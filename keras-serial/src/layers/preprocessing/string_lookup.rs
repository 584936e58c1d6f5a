//! Lookup of strings in a vocabulary.

use super::encode::{OutputMode, rename_mode};
use super::hash::Salt;
use super::index_lookup::{OovMethod, Settings, State};
use super::lookup_vocabulary::vocabulary_of;
use super::vocabulary::Vocabulary;
use crate::config::Config;
use crate::error::Result;
use crate::json::{Dict, Value};
use crate::layers::{Adaptable, Assets, Layer, LayerBase, LayerTraits, OwnState};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Maps strings to their indices in a vocabulary.
///
/// # Arguments
/// - `max_tokens`: none; the maximum number of indices.
/// - `num_oov_indices`: 1; the number of indices for out-of-vocabulary strings.
/// - `mask_token`: none; the string that maps to index 0 and is not counted.
/// - `oov_token`: `[UNK]`; the output for unknown indices with `invert`.
/// - `vocabulary`: none; computed by [`LayerRef::adapt`](crate::layers::LayerRef::adapt) if not given.
/// - `idf_weights`: none; the IDF weights of the tokens, for `tf_idf`.
/// - `invert`: false; whether to map indices to strings.
/// - `output_mode`: `int`, or vectors: see [`OutputMode`].
/// - `pad_to_max_tokens`: false; whether vectors are padded to `max_tokens`.
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
/// - `oov_method`, `salt`: how unknown strings are assigned to one of several indices.
/// - `encoding`: kept in the configuration; strings are UTF-8 here.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/categorical/string_lookup>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::StringLookup;
/// let x = Tensor::from_strings(["a", "c", "z"], [1, 3])?;
/// let y = StringLookup::new().vocabulary(["a", "b", "c"]).apply(&x)?;
/// assert_eq!(y.to_vec::<i64>()?, [1, 3, 0]);
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
    ignore("has_input_vocabulary", "vocabulary_dtype")
)]
pub struct StringLookup {
    base: LayerBase,
    #[keras(default)]
    invert: bool,
    #[keras(default)]
    max_tokens: Option<usize>,
    #[keras(default = 1)]
    num_oov_indices: usize,
    #[keras(default = Some("[UNK]".into()))]
    oov_token: Option<String>,
    #[keras(default)]
    mask_token: Option<String>,
    #[keras(default)]
    output_mode: OutputMode,
    #[keras(default)]
    sparse: bool,
    #[keras(default)]
    pad_to_max_tokens: bool,
    #[keras(default)]
    idf_weights: Option<Vec<f64>>,
    #[keras(default)]
    vocabulary: Option<Vocabulary<String>>,
    #[keras(default, no_setter)]
    vocabulary_size: Option<usize>,
    #[keras(default)]
    oov_method: OovMethod,
    #[keras(default)]
    salt: Option<Salt>,
    #[keras(default = "utf-8".into())]
    encoding: String,
    #[keras(skip)]
    state: State<String>,
}

impl StringLookup {
    fn check(&self) -> Result<()> {
        self.settings().check(&self.state)
    }

    /// Drops the dtype and `trainable`, which Keras ignores, and renames old modes.
    fn upgrade(config: &mut Config) -> Result<()> {
        config.shift_remove("dtype");
        config.shift_remove("trainable");
        rename_mode(config);
        Ok(())
    }

    fn complete(&self, config: &mut Config) -> Result<()> {
        config.insert("vocabulary_size".into(), Value::from(self.settings().recorded_size(&self.state)?));
        Ok(())
    }

    /// Sets the vocabulary size from a configuration, for the layer around this one.
    pub(super) fn of_size(mut self, size: Option<usize>) -> Self {
        self.vocabulary_size = size;
        self
    }

    /// Sets the vocabulary as the layer around this one was given it.
    pub(super) fn with_vocabulary(
        mut self,
        max_tokens: Option<usize>,
        vocabulary: Option<Vocabulary<String>>,
        idf_weights: Option<Vec<f64>>,
    ) -> Self {
        (self.max_tokens, self.vocabulary, self.idf_weights) = (max_tokens, vocabulary, idf_weights);
        self
    }

    pub(super) fn settings(&self) -> Settings<'_, String> {
        Settings {
            max_tokens: self.max_tokens,
            num_oov_indices: self.num_oov_indices,
            mask_token: self.mask_token.as_ref(),
            oov_token: self.oov_token.as_ref(),
            vocabulary: self.vocabulary.as_ref().map(|vocabulary| vocabulary.0.as_slice()),
            idf_weights: self.idf_weights.as_deref(),
            vocabulary_size: self.vocabulary_size,
            invert: self.invert,
            output_mode: self.output_mode,
            sparse: self.sparse,
            pad_to_max_tokens: self.pad_to_max_tokens,
            oov_method: self.oov_method,
            salt: self.salt,
        }
    }

    pub(super) fn state(&self) -> &State<String> {
        &self.state
    }
}

impl Layer for StringLookup {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).autocast(false)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.settings().call(&self.state, inputs.tensor()?).map(Into::into)
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }
}

vocabulary_of!(StringLookup, String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::layers::LayerExt;

    #[test]
    fn frequent_strings_come_first() {
        let layer = StringLookup::new().mask_token("").max_tokens(4usize).shared();
        layer.adapt(Tensor::from_strings(["b", "a", "b", "c", "", "c"], [6]).unwrap()).unwrap();
        let known = layer.downcast_ref::<StringLookup>().unwrap();
        let tokens: Vec<String> = known.get_vocabulary(true).unwrap().into_iter().flatten().collect();
        assert_eq!(tokens, ["", "[UNK]", "c", "b"]);
        let mut assets = Assets::default();
        known.save_assets(&mut assets).unwrap();
        assert_eq!(assets.text("vocabulary.txt").unwrap(), "\n[UNK]\nc\nb");
        let again = StringLookup::new().mask_token("");
        again.load_assets(&assets).unwrap();
        assert_eq!(again.vocabulary_size().unwrap(), 4);
    }

    #[test]
    fn a_path_is_not_opened() {
        let mut config = StringLookup::new().get_config().unwrap();
        config.insert("vocabulary".into(), Value::from("/etc/passwd"));
        assert_eq!(StringLookup::from_config(&config).unwrap_err().kind(), ErrorKind::CodeRefused);
    }
}
