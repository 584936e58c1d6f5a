//! Cases of training: whole runs of `fit`, repeated with this crate.

use std::collections::BTreeMap;
use std::path::Path;

use keras_serial::callbacks::EarlyStopping;
use keras_serial::json::Value;
use keras_serial::models::Model;
use keras_serial::optimizers::SGD;
use keras_serial::prelude::*;
use keras_serial::training::{Batch, Logs};

use crate::cases::Failure;
use crate::compare::{close_numbers, numbers, read, same_config, tolerance};
use crate::layers::{half_precision, indexed};

/// Runs one case: compares evaluation before and after, the history, weights and optimizer variables,
/// and the run that continues from the trained model's file.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let data = read(&folder.join("data.safetensors"))?;
    let text =
        |name: &str| -> Result<Value, Failure> { Ok(Value::parse(&std::fs::read_to_string(folder.join(name))?)?) };
    let (arguments, expected) = (text("fit.json")?, text("expected.json")?);

    let model = load_model(folder.join("model.keras"))?;
    let data = Data { model: &model, arrays: &data };
    let within = tolerance(half_precision(&model).unwrap_or(DType::Float32));
    same_logs("evaluate_before", &data.evaluate(&model)?, expected.get("evaluate_before"), within)?;
    let history = data.fit(&model, &arguments, folder, None)?;
    same_history("history", &history, expected.get("history"), within)?;
    same_logs("evaluate_after", &data.evaluate(&model)?, expected.get("evaluate_after"), within)?;
    let predictions = model.predict_with(data.x()?, Predict::new().verbose(0))?;
    for (i, (actual, expected)) in predictions.leaves().iter().zip(indexed(data.arrays, "prediction")).enumerate() {
        close_numbers(&format!("prediction.{i}"), &numbers(actual)?, &numbers(&expected)?, within)?;
    }
    if let Some(expected) = expected.get("optimizer_iterations").and_then(Value::as_i64) {
        let iterations = model.optimizer().map(|optimizer| optimizer.iterations()).transpose()?;
        if iterations != Some(expected) {
            return Err(Failure::Differs(format!("{iterations:?} iterations, expected {expected}")));
        }
    }

    let trained = load_model(folder.join("trained.keras"))?;
    same_state("trained", &model, &trained, within)?;
    let (ours, theirs) = (model.get_compile_config()?, trained.get_compile_config()?);
    // The learning rate is a number that training may have changed.
    same_config(&ours.unwrap_or_default(), &theirs.unwrap_or_default())?;

    let saved = SaveOptions::new().save_model_to_bytes(&model)?;
    let again = LoadOptions::new().load_model_from_bytes(saved)?;
    same_state("saved and loaded", &again, &model, within)?;
    if let Some(expected) = expected.get("resumed_history") {
        for (what, model) in [("resumed from Keras's file", &trained), ("resumed from our file", &again)] {
            let history = data.fit(model, &arguments, folder, Some(2))?;
            same_history(what, &history, Some(expected), within)?;
            same_state(what, model, &load_model(folder.join("resumed.keras"))?, within)?;
        }
    }
    Ok(())
}

struct Data<'a> {
    model: &'a Model,
    arrays: &'a BTreeMap<String, Tensor>,
}

impl Data<'_> {
    fn x(&self) -> Result<Nested<Tensor>, Failure> {
        self.part("x", self.model.inputs())?.ok_or_else(|| Failure::Differs("no inputs".into()))
    }

    /// Returns the arrays `prefix.N`, in the structure of the model's symbols, or by name
    /// (`prefix.NAME`).
    fn part(&self, prefix: &str, like: Option<Nested<Tensor>>) -> Result<Option<Nested<Tensor>>, Failure> {
        let by_index = indexed(self.arrays, prefix);
        if !by_index.is_empty() {
            return Ok(Some(match (by_index.as_slice(), like) {
                ([one], _) => Nested::Leaf(one.clone()),
                (_, Some(like)) => like.pack(by_index.iter().cloned())?,
                (_, None) => Nested::list(by_index.iter().cloned()),
            }));
        }
        let start = format!("{prefix}.");
        let named: Vec<(String, Tensor)> = self
            .arrays
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(&start)?.to_owned(), tensor.clone())))
            .collect();
        Ok((!named.is_empty()).then(|| Nested::dict(named)))
    }

    fn all(&self, weights: bool) -> Result<Batch, Failure> {
        Ok(Batch {
            x: self.x()?,
            y: self.part("y", self.model.outputs())?,
            sample_weight: if weights { self.part("sample_weight", self.model.outputs())? } else { None },
        })
    }

    fn evaluate(&self, model: &Model) -> Result<Logs, Failure> {
        Ok(model.evaluate(self.all(false)?, Evaluate::new().batch_size(8).verbose(0))?)
    }

    fn fit(&self, model: &Model, arguments: &Value, folder: &Path, epochs: Option<usize>) -> Result<History, Failure> {
        let mut fit = Fit::new().verbose(0);
        for (name, value) in arguments.as_dict().into_iter().flatten() {
            let count = || value.as_i64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
            fit = match name.as_str() {
                "batch_size" => fit.batch_size(count()),
                "epochs" => fit.epochs(epochs.unwrap_or(count())),
                "initial_epoch" => fit.initial_epoch(count()),
                "shuffle" => fit.shuffle(value.as_bool().unwrap_or(true)),
                "validation_split" => fit.validation_split(value.as_f64().unwrap_or_default()),
                "validation_freq" => fit.validation_freq(count()),
                "validation_batch_size" => fit.validation_batch_size(count()),
                "validation_steps" => fit.validation_steps(count()),
                "steps_per_epoch" => fit.steps_per_epoch(count()),
                "class_weight" => {
                    let weights = value.as_dict().into_iter().flatten();
                    fit.class_weight(
                        weights
                            .filter_map(|(class, weight)| Some((class.parse::<i64>().ok()?, weight.as_f64()?)))
                            .collect::<Vec<_>>(),
                    )
                }
                "verbose" => fit,
                other => return Err(Failure::Differs(format!("the argument `{other}` of fit"))),
            };
        }
        if folder.ends_with("mlp_early_stopping") {
            let stopping = EarlyStopping::new().monitor("loss").patience(1).restore_best_weights(true);
            return Ok(model.fit(self.all(true)?, fit.callback(stopping))?);
        }
        Ok(model.fit(self.all(true)?, fit)?)
    }
}

fn same_logs(what: &str, logs: &Logs, expected: Option<&Value>, within: (f64, f64)) -> Result<(), Failure> {
    let expected = expected.and_then(Value::as_dict).cloned().unwrap_or_default();
    let names: Vec<&String> = logs.keys().collect();
    if names != expected.keys().collect::<Vec<_>>() {
        return Err(Failure::Differs(format!("{what}: {names:?}, expected {:?}", expected.keys().collect::<Vec<_>>())));
    }
    for (name, value) in logs {
        let expected = expected.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        close_numbers(&format!("{what}: {name}"), &[*value], &[expected], within)?;
    }
    Ok(())
}

fn same_history(what: &str, history: &History, expected: Option<&Value>, within: (f64, f64)) -> Result<(), Failure> {
    let expected = expected.and_then(Value::as_dict).cloned().unwrap_or_default();
    let names: Vec<&String> = history.history.keys().collect();
    if names != expected.keys().collect::<Vec<_>>() {
        return Err(Failure::Differs(format!("{what}: {names:?}, expected {:?}", expected.keys().collect::<Vec<_>>())));
    }
    for (name, values) in &history.history {
        let expected = Vec::<f64>::from_value(expected.get(name).unwrap_or(&Value::Null))?;
        close_numbers(&format!("{what}: {name}"), values, &expected, within)?;
    }
    Ok(())
}

fn same_state(what: &str, model: &Model, expected: &Model, within: (f64, f64)) -> Result<(), Failure> {
    let variables = |model: &Model| -> Result<Vec<_>, Failure> {
        let own = model.optimizer().map(|optimizer| optimizer.variables()).transpose()?.unwrap_or_default();
        Ok(model.weights().into_iter().chain(own).collect())
    };
    let (ours, theirs) = (variables(model)?, variables(expected)?);
    if ours.len() != theirs.len() {
        return Err(Failure::Differs(format!("{what}: {} variables, expected {}", ours.len(), theirs.len())));
    }
    let adapts = model.optimizer().is_some_and(|optimizer| optimizer.downcast_ref::<SGD>().is_none());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // Softmax does not depend on what all keys share, so the gradient of their bias is rounding
        // noise, which most optimizers divide by its own size.
        let within = if adapts && ours.path().ends_with("key/bias") { (0.1, 0.0) } else { within };
        close_numbers(&format!("{what}: {}", ours.path()), &numbers(&ours.read())?, &numbers(&theirs.read())?, within)?;
    }
    Ok(())
}
