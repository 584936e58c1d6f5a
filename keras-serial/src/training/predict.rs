//! Prediction batch by batch (`Model.predict`).

use super::callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, Logs};
use super::compile::Compile;
use super::compiled::Compiled;
use super::data::rows::{join_rows, slice_rows};
use super::data::{IntoData, Shuffle};
use super::parts::Losses;
use super::run::{BatchGroup, Batching, EpochIterator};
use super::step::Stepper;
use super::traces::Feeding;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::models::Model;
use crate::random::Seed;
use crate::tensor::{CallArgs, IntoCallArgs, Item, Nested, Tensor};

/// The arguments of [`Model::predict_with`] besides the data.
///
/// # Arguments
/// - `batch_size`: 32 by default; for arrays.
/// - `verbose`: 0 silent, 1 a progress bar, 2 a line; 1 by default.
/// - `steps`: the number of batches; all by default.
/// - `callbacks`.
///
/// Follows <https://keras.io/api/models/model_training_apis/#predict-method>.
#[must_use = "`Model::predict_with` takes it"]
pub struct Predict<'a> {
    batch_size: Option<usize>,
    verbose: u8,
    steps: Option<usize>,
    callbacks: CallbackList<'a>,
}

impl Default for Predict<'_> {
    fn default() -> Self {
        Self { batch_size: None, verbose: 1, steps: None, callbacks: CallbackList::new() }
    }
}

impl<'a> Predict<'a> {
    /// Creates the default arguments, with batches of 32.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `batch_size`.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Sets `verbose`.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Sets `steps`.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(callback);
        self
    }
}

/// Keras's default `batch_size`.
const BATCH_SIZE: usize = 32;

impl Model {
    /// Computes the output for inputs, in inference mode and by batches of 32 rows (`Model.predict`), of a
    /// model with one output.
    ///
    /// [`Model::predict_with`] takes another `batch_size`, and data sets; [`Model::predict_on_batch`] computes
    /// all rows at once.
    ///
    /// # Errors
    /// If the inputs do not suit the model, or it has several outputs.
    pub fn predict(&self, inputs: impl IntoCallArgs) -> Result<Tensor> {
        self.predict_all(inputs)?
            .into_single()
            .map_err(|error| error.hint("`predict_all` returns all outputs of a model").at(self.name().to_owned()))
    }

    /// Computes the outputs for inputs, in inference mode and by batches of 32 rows, in the model's structure.
    ///
    /// # Errors
    /// If the inputs do not suit the model, or differ in their numbers of rows.
    pub fn predict_all(&self, inputs: impl IntoCallArgs) -> Result<Nested<Tensor>> {
        let inputs = inputs.into_args();
        if inputs.tensors().iter().any(|tensor| tensor.is_symbolic()) {
            return Err(Error::new(ErrorKind::InvalidArgument, "predict needs values")
                .hint("call the model on symbols with `apply`"));
        }
        let Some(rows) = rows_of(&inputs)?.filter(|rows| *rows > BATCH_SIZE) else {
            return Ok(self.infer(inputs)?.outputs);
        };
        let batch = |start: usize| {
            let end = (start + BATCH_SIZE).min(rows);
            let inputs = inputs.try_map(&mut |tensor| {
                let is_batch = tensor.shape().dims().first() == Some(&Some(rows));
                let part = if is_batch { slice_rows(tensor, start, end)? } else { tensor.clone() };
                Ok(Nested::Leaf(Item::Tensor(part)))
            })?;
            let inferred = self.infer(inputs).at_with(|| format!("batch {}", start / BATCH_SIZE + 1));
            Ok(inferred?.outputs)
        };
        joined(&(0..rows).step_by(BATCH_SIZE).map(batch).collect::<Result<Vec<_>>>()?)
    }

    /// Returns the outputs for data, computed batch by batch and joined.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).kernel_initializer("ones").into()])?;
    /// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0], [5, 1])?;
    /// let y = model.predict_with(&x, Predict::new().batch_size(2).verbose(0))?.into_single()?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the data do not fit the model.
    pub fn predict_with<'a>(&self, data: impl IntoData<'a>, predict: Predict<'a>) -> Result<Nested<Tensor>> {
        let compiled = self.compiled_or_not()?;
        let batching = Batching {
            batch_size: predict.batch_size,
            steps: predict.steps,
            shuffle: Shuffle::None,
            seed: Seed::default(),
            steps_per_execution: compiled.args().steps_per_execution,
        };
        let mut iterator = EpochIterator::new(data.into_data()?, batching)?;
        let params = CallbackParams { verbose: predict.verbose, epochs: 1, steps: iterator.steps() };
        let cx = CallbackContext::new(self, params);
        let mut callbacks = predict.callbacks;
        callbacks.add_progbar(predict.verbose);
        let stepper = Stepper::new(self, &compiled, Feeding::OnBatch);
        let mut outputs: Vec<Nested<Tensor>> = Vec::new();
        callbacks.on_predict_begin(&mut Logs::new(), &cx)?;
        iterator.epoch(|BatchGroup { first, last, batches, .. }| {
            callbacks.on_predict_batch_begin(first, &mut Logs::new(), &cx)?;
            for (i, batch) in batches.iter().enumerate() {
                outputs.push(stepper.predict(&batch.x).at_with(|| format!("batch {}", first + i + 1))?);
            }
            callbacks.on_predict_batch_end(last, &mut Logs::new(), &cx)?;
            Ok(true)
        })?;
        callbacks.on_predict_end(&mut Logs::new(), &cx)?;
        joined(&outputs)
    }

    /// Returns the outputs for one batch.
    ///
    /// # Errors
    /// When the batch does not fit the model.
    pub fn predict_on_batch(&self, x: impl super::data::IntoTensors) -> Result<Nested<Tensor>> {
        let compiled = self.compiled_or_not()?;
        Stepper::new(self, &compiled, Feeding::OnBatch).predict(&x.into_tensors()?)
    }

    /// Returns the compile state, or an empty one: prediction does not need it.
    fn compiled_or_not(&self) -> Result<std::sync::Arc<Compiled>> {
        match Compiled::of(self, "predict") {
            Ok(compiled) => Ok(compiled),
            Err(_) => {
                Compiled::new(self, Compile::new(super::CompileOptimizer::none(), Losses::none())).map(Into::into)
            }
        }
    }
}

/// Returns the number of rows of all inputs; `None` if an input is a scalar or there is none.
fn rows_of(inputs: &CallArgs) -> Result<Option<usize>> {
    let named = inputs.positional.iter().flat_map(|arg| arg.paths().into_iter().zip(arg.leaves()));
    let tensors = named.filter_map(|(path, item)| match item {
        Item::Tensor(tensor) | Item::Array(tensor) => Some((path, tensor)),
        Item::Value(_) | Item::Slice(..) | Item::Ellipsis => None,
    });
    let rows: Option<Vec<(String, usize)>> =
        tensors.map(|(path, tensor)| Some((path, tensor.shape().dims().first().copied().flatten()?))).collect();
    let Some(rows) = rows else { return Ok(None) };
    let rows_of_first = rows.first().map(|(_, rows)| *rows);
    if rows.iter().any(|(_, rows)| Some(*rows) != rows_of_first) {
        let rows: Vec<String> = rows.iter().map(|(path, rows)| format!("'{path}': {rows}")).collect();
        return Err(Error::new(ErrorKind::Shape, "Data cardinality is ambiguous")
            .expected("the same number of rows in all inputs")
            .received(rows.join(", ")));
    }
    Ok(rows_of_first)
}

/// Joins the outputs of batches.
fn joined(outputs: &[Nested<Tensor>]) -> Result<Nested<Tensor>> {
    let Some(first) = outputs.first() else {
        return Err(Error::new(ErrorKind::InvalidArgument, "the data hold no batches").expected("at least one batch"));
    };
    let flat: Vec<Vec<&Tensor>> = outputs.iter().map(Nested::leaves).collect();
    let leaves = (0..first.leaves().len()).map(|i| {
        let parts: Vec<Tensor> = flat.iter().filter_map(|leaves| leaves.get(i).map(|leaf| (*leaf).clone())).collect();
        join_rows(&parts)
    });
    first.pack(leaves.collect::<Result<Vec<_>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dense, Input, LayerExt, StringLookup};
    use crate::models::{Functional, Sequential};
    use crate::tensor::CallContext;
    use crate::tensor::DType;

    fn column(rows: usize) -> Tensor {
        Tensor::from_vec((0..rows).map(|row| row as f32).collect::<Vec<_>>(), [rows, 1]).unwrap()
    }

    #[test]
    fn predict_goes_by_batches_and_joins_outputs_of_any_structure() {
        let x = Input::new([1]).tensor().unwrap();
        let double = Dense::new(1).kernel_initializer("ones").apply(&x).unwrap();
        let wide = Dense::new(2).kernel_initializer("ones").apply(&double).unwrap();
        let outputs = Nested::Dict(
            [("inner".to_owned(), Nested::list([double])), ("wide".to_owned(), Nested::Leaf(wide))]
                .into_iter()
                .collect(),
        );
        let model = Functional::new(x, outputs).unwrap();
        for rows in [0, 1, 32, 33, 64, 100] {
            let whole = model.as_layer().call(column(rows), &CallContext::inference()).unwrap();
            let joined = model.predict_all(column(rows)).unwrap();
            assert_eq!(joined.leaves().len(), 2);
            for (joined, whole) in joined.leaves().iter().zip(whole.leaves()) {
                assert_eq!(joined.shape(), whole.shape());
                assert_eq!(joined.to_vec::<f32>().unwrap(), whole.to_vec::<f32>().unwrap());
            }
            assert!(matches!(&joined, Nested::Dict(dict) if dict.contains_key("inner")), "{joined:?}");
        }
    }

    #[test]
    fn predict_takes_texts_and_several_inputs_by_batches() {
        let lookup = StringLookup::new().vocabulary(["a", "b"]).shared();
        let model = Sequential::new([Input::new([1]).dtype(DType::String).layer(), lookup]).unwrap();
        let words = Tensor::from_strings((0..70).map(|row| if row % 2 == 0 { "a" } else { "b" }), [70, 1]).unwrap();
        let expected: Vec<i64> = (0..70).map(|row| 1 + row % 2).collect();
        assert_eq!(model.predict(&words).unwrap().to_vec::<i64>().unwrap(), expected);
        let by_sevens = model.predict_with(&words, Predict::new().batch_size(7).verbose(0)).unwrap();
        assert_eq!(by_sevens.into_single().unwrap().to_vec::<i64>().unwrap(), expected);
        let back = StringLookup::new().vocabulary(["a", "b"]).invert(true).shared();
        let model = Sequential::new([Input::new([1]).dtype(DType::Int64).layer(), back]).unwrap();
        let indices = Tensor::from_vec(expected, [70, 1]).unwrap();
        assert_eq!(model.predict(&indices).unwrap().strings().unwrap(), words.strings().unwrap());

        let (a, b) = (Input::new([1]).tensor().unwrap(), Input::new([1]).tensor().unwrap());
        let model = Functional::new(vec![a.clone(), b.clone()], crate::ops::add(&a, &b).unwrap()).unwrap();
        let sum = model.predict(vec![column(40), column(40)]).unwrap();
        assert_eq!(sum.to_vec::<f32>().unwrap()[39], 78.0);
        let error = model.predict(vec![column(40), column(41)]).unwrap_err();
        assert!(error.to_string().contains("Data cardinality is ambiguous"), "{error}");
    }
}
