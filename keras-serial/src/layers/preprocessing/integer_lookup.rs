//! Lookup of integers in a vocabulary.

use super::encode::{OutputMode, rename_mode};
use super::hash::Salt;
use super::index_lookup::{OovMethod, Settings, State};
use super::lookup_vocabulary::vocabulary_of;
use super::vocabulary::Vocabulary;
use crate::config::Config;
use crate::error::Result;
use crate::json::{Dict, Value};
use crate::layers::{Adaptable, Assets, Layer, LayerBase, LayerTraits, OwnState, invalid_argument};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Maps integers to their indices in a vocabulary.
///
/// # Arguments
/// - `max_tokens`: none; the maximum number of indices.
/// - `num_oov_indices`: 1; the number of indices for out-of-vocabulary integers.
/// - `mask_token`: none; the integer that maps to index 0 and is not counted.
/// - `oov_token`: -1; the output for unknown indices with `invert`.
/// - `vocabulary`: none; computed by [`LayerRef::adapt`](crate::layers::LayerRef::adapt) if not given.
/// - `idf_weights`: none; the IDF weights of the tokens, for `tf_idf`.
/// - `invert`: false; whether to map indices to integers.
/// - `output_mode`: `int`, or vectors: see [`OutputMode`].
/// - `pad_to_max_tokens`: false; whether vectors are padded to `max_tokens`.
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
/// - `oov_method`, `salt`: how unknown integers are assigned to one of several indices: by their remainder,
///   or by a hash of their digits.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/categorical/integer_lookup>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::IntegerLookup;
/// let x = Tensor::from_slice(&[12i64, 1138, 7], [1, 3])?;
/// let y = IntegerLookup::new().vocabulary([12, 36, 1138]).apply(&x)?;
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
    ignore("has_input_vocabulary")
)]
pub struct IntegerLookup {
    base: LayerBase,
    #[keras(default)]
    invert: bool,
    #[keras(default)]
    max_tokens: Option<usize>,
    #[keras(default = 1)]
    num_oov_indices: usize,
    #[keras(default = Some(-1))]
    oov_token: Option<i64>,
    #[keras(default)]
    mask_token: Option<i64>,
    #[keras(default)]
    output_mode: OutputMode,
    #[keras(default)]
    sparse: bool,
    #[keras(default)]
    pad_to_max_tokens: bool,
    #[keras(default = "int64".into())]
    vocabulary_dtype: String,
    #[keras(default)]
    idf_weights: Option<Vec<f64>>,
    #[keras(default)]
    vocabulary: Option<Vocabulary<i64>>,
    #[keras(default, no_setter)]
    vocabulary_size: Option<usize>,
    #[keras(default)]
    oov_method: OovMethod,
    #[keras(default)]
    salt: Option<Salt>,
    #[keras(skip)]
    state: State<i64>,
}

impl IntegerLookup {
    fn check(&self) -> Result<()> {
        if self.vocabulary_dtype != "int64" {
            return Err(invalid_argument("vocabulary_dtype", "`int64`", &self.vocabulary_dtype));
        }
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

    fn settings(&self) -> Settings<'_, i64> {
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
}

impl Layer for IntegerLookup {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).autocast(false)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if x.is_traced() {
            return self.settings().traced(&self.state, x).map(Into::into);
        }
        self.settings().call(&self.state, x).map(Into::into)
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }
}

vocabulary_of!(IntegerLookup, i64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn unknown_integers_share_several_indices() {
        // IntegerLookup(num_oov_indices=3, vocabulary=[12], oov_method=…)([7, -7, 12])
        let x = Tensor::from_slice(&[7i64, -7, 12], [3]).unwrap();
        let layer = || IntegerLookup::new().num_oov_indices(3).vocabulary([12]);
        assert_eq!(layer().apply(&x).unwrap().to_vec::<i64>().unwrap(), [1, 2, 3]);
        let inverse = layer().invert(true).mask_token(0).apply(Tensor::from_slice(&[0i64, 1, 4, 9], [4]).unwrap());
        assert_eq!(inverse.unwrap().to_vec::<i64>().unwrap(), [0, -1, 12, -1]);
        assert!(IntegerLookup::new().num_oov_indices(0).vocabulary([12]).apply(&x).is_err());
    }
}
