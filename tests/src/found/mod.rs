//! Cases of whole files: a model that Keras wrote and, in JSON beside it, what Keras computes with it.
//!
//! A case is `X.json` with `X.keras` or `X.h5`; or weights, `X.weights.h5` or `X.h5`, with the model
//! `X_arch.keras` into which they are loaded. `X.saved.keras` is the same model after a round trip.

mod classes;
pub mod values;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::training::{Batch, Logs};
use keras_serial::variable::Variable;

use crate::cases::{Failure, entries};
use crate::compare::{close_numbers, numbers, tolerance};

/// The tolerance for quantized outputs.
const QUANTIZED: (f64, f64) = (2e-2, 2e-2);

/// The tolerance for scales that are quantized again.
const REQUANTIZED: (f64, f64) = (1e-6, 0.0);

/// A file to load, and Keras's results.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name of the case and of its file.
    pub name: String,
    /// The file with the model, or with weights for `architecture`.
    pub file: PathBuf,
    /// The model into which weights are loaded.
    pub architecture: Option<PathBuf>,
    /// The JSON file.
    pub json: PathBuf,
}

/// Returns the cases of a folder, sorted by name.
///
/// # Errors
/// When a JSON file has no model beside it, or a model no JSON file.
pub fn cases(folder: &Path) -> Result<Vec<Case>, Failure> {
    let files = entries(folder);
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let name = name(file);
        let stem = [".weights.h5", ".saved.keras", ".keras", ".h5"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let Some(stem) = stem.filter(|stem| !stem.ends_with("_arch")) else { continue };
        let architecture = Some(folder.join(format!("{stem}_arch.keras"))).filter(|path| path.exists());
        let json = folder.join(format!("{stem}.json"));
        if !json.exists() {
            return Err(Failure::Differs(format!("{name}: no {stem}.json beside it")));
        }
        cases.push(Case { name, file: file.clone(), architecture, json });
    }
    for json in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        if !cases.iter().any(|case| case.json == *json) {
            return Err(Failure::Differs(format!("{}: no model beside it", name(json))));
        }
    }
    Ok(cases)
}

/// Runs one case: loads, predicts, trains if the case says so, saves, loads again, and repeats.
///
/// # Errors
/// The first difference, or the error of the crate.
pub fn run(case: &Case) -> Result<(), Failure> {
    let expected = Value::parse(&std::fs::read_to_string(&case.json)?)?;
    if has_no_truth(&expected) {
        // Without anything to compare with, an error of the crate is acceptable too.
        let _ = load(case);
        return Ok(());
    }
    let expected = Expected::of(&expected)?;
    let model = load(case)?;
    expected.check_outputs("output", &model)?;
    let saved = Saved::of(&model, case)?;
    if expected.trains() {
        expected.check_training("", &model)?;
        for (what, again) in Saved::of(&model, case)?.load()? {
            expected.check_after(&format!("trained, {what}: "), &again)?;
        }
    }
    for (what, again) in saved.load()? {
        same_weights(&what, &again, &load(case)?)?;
        expected.check_outputs(&format!("{what}: output"), &again)?;
        if expected.trains() {
            expected.check_training(&format!("{what}: "), &again)?;
        }
    }
    Ok(())
}

/// Loads a case's model.
///
/// # Errors
/// Those of the crate.
pub fn load(case: &Case) -> Result<Model, Failure> {
    let Some(architecture) = &case.architecture else { return Ok(load_model(&case.file)?) };
    let model = load_model(architecture)?;
    model.load_weights(&case.file)?;
    Ok(model)
}

/// Returns true if there is something to compare with: Keras writes some models that it can neither load
/// nor call.
///
/// # Errors
/// When the JSON file can't be read.
pub fn has_truth(case: &Case) -> Result<bool, Failure> {
    Ok(!has_no_truth(&Value::parse(&std::fs::read_to_string(&case.json)?)?))
}

/// Returns true if Keras wrote the file, can't load it, and returned no outputs when it was created.
fn has_no_truth(expected: &Value) -> bool {
    let no_outputs = expected.get("outputs").is_some_and(|outputs| outputs.get("none").is_some());
    no_outputs && expected.get("keras_error").is_some()
}

/// Keras's results.
struct Expected {
    inputs: Option<Nested<Tensor>>,
    outputs: Option<Nested<Tensor>>,
    training: Option<Training>,
}

/// The logs of several training steps, and the outputs after them.
struct Training {
    batch: Batch,
    logs: Vec<Value>,
    after: Nested<Tensor>,
}

impl Expected {
    fn of(case: &Value) -> Result<Self, Failure> {
        // A list instead of a dict holds results of another program, for unknown inputs.
        let entry = |name: &str| case.get(name).map(values::tensors).transpose();
        let training = case.get("train").map(|training| {
            let entry = |name: &str| values::tensors(training.get(name).unwrap_or(&Value::Null));
            let logs = training.get("logs").and_then(Value::as_list).unwrap_or_default().to_vec();
            let batch = Batch { x: entry("x")?, y: Some(entry("y")?), sample_weight: None };
            Ok::<_, Failure>(Training { batch, logs, after: entry("after")? })
        });
        Ok(Self { inputs: entry("inputs")?, outputs: entry("outputs")?, training: training.transpose()? })
    }

    fn trains(&self) -> bool {
        self.training.is_some()
    }

    fn check_outputs(&self, what: &str, model: &Model) -> Result<(), Failure> {
        match &self.outputs {
            Some(outputs) => self.compare(what, model, outputs),
            None => Ok(()),
        }
    }

    fn check_after(&self, what: &str, model: &Model) -> Result<(), Failure> {
        match &self.training {
            Some(training) => self.compare(&format!("{what}output after training"), model, &training.after),
            None => Ok(()),
        }
    }

    /// Trains, and compares the logs of each step and the outputs after them.
    fn check_training(&self, what: &str, model: &Model) -> Result<(), Failure> {
        let Some(training) = &self.training else { return Ok(()) };
        let within = within(model, DType::Float32);
        for (i, expected) in training.logs.iter().enumerate() {
            let logs = model.train_on_batch(training.batch.clone())?;
            same_logs(&format!("{what}step {i}"), &logs, expected, within)?;
        }
        self.check_after(what, model)
    }

    fn compare(&self, what: &str, model: &Model, expected: &Nested<Tensor>) -> Result<(), Failure> {
        let inputs = self.inputs.as_ref().ok_or_else(|| Failure::Differs("no inputs".into()))?;
        let outputs = model.call(inputs.clone(), &CallContext::inference())?;
        let (ours, keras) = (values::kind(&outputs), values::kind(expected));
        if ours != keras {
            return Err(Failure::Differs(format!("{what}: structure {ours}, expected {keras}")));
        }
        for (path, (ours, keras)) in expected.paths().iter().zip(outputs.leaves().into_iter().zip(expected.leaves())) {
            same_tensor(format!("{what} {path}").trim_end(), model, ours, keras)?;
        }
        Ok(())
    }
}

fn same_tensor(what: &str, model: &Model, actual: &Tensor, expected: &Tensor) -> Result<(), Failure> {
    if actual.dtype() != expected.dtype() {
        return Err(Failure::Differs(format!("{what}: {}, expected {}", actual.dtype(), expected.dtype())));
    }
    if actual.shape() != expected.shape() {
        return Err(Failure::Differs(format!("{what}: shape {}, expected {}", actual.shape(), expected.shape())));
    }
    if actual.dtype() == DType::String {
        let (actual, expected) = (actual.strings()?, expected.strings()?);
        let same = actual == expected;
        return if same { Ok(()) } else { Err(Failure::Differs(format!("{what}: {actual:?}, expected {expected:?}"))) };
    }
    close_numbers(what, &numbers(actual)?, &numbers(expected)?, within(model, actual.dtype()))
}

/// Returns the tolerance for a model's numbers.
fn within(model: &Model, dtype: DType) -> (f64, f64) {
    if layers(model).iter().any(|layer| layer.dtype_policy().quantization().is_some()) {
        return QUANTIZED;
    }
    tolerance(coarsest(model).unwrap_or(dtype))
}

/// Returns the half precision in which some layer computes, if any.
fn coarsest(model: &Model) -> Option<DType> {
    let dtypes = layers(model).into_iter().filter_map(|layer| layer.dtype_policy().compute_dtype().ok());
    dtypes.into_iter().find(|dtype| matches!(dtype, DType::Float16 | DType::BFloat16))
}

fn layers(model: &Model) -> Vec<LayerRef> {
    model.as_layer().with_layers_below()
}

fn same_logs(what: &str, logs: &Logs, expected: &Value, within: (f64, f64)) -> Result<(), Failure> {
    let expected = expected.as_dict().cloned().unwrap_or_default();
    let (ours, keras): (Vec<_>, Vec<_>) = (logs.keys().collect(), expected.keys().collect());
    if ours != keras {
        return Err(Failure::Differs(format!("{what}: logs {ours:?}, expected {keras:?}")));
    }
    for (name, value) in logs {
        let number = expected.get(name).and_then(Value::as_f64);
        let number = number.ok_or_else(|| Failure::Differs(format!("{what}: {name} is one number here")))?;
        close_numbers(&format!("{what}: {name}"), &[*value], &[number], within)?;
    }
    Ok(())
}

fn same_weights(what: &str, actual: &Model, expected: &Model) -> Result<(), Failure> {
    let merged = merged_on_save(expected);
    let (actual, expected) = (actual.weights(), expected.weights());
    if actual.len() != expected.len() {
        return Err(Failure::Differs(format!("{what}: {} weights, expected {}", actual.len(), expected.len())));
    }
    for (actual, expected) in actual.iter().zip(&expected).filter(|(_, expected)| expected.is_saved()) {
        let (ours, theirs) = (actual.read(), expected.read());
        if merged.contains(&expected.id()) {
            let what = format!("{what}: the weight {}", expected.path());
            close_numbers(&what, &numbers(&ours)?, &numbers(&theirs)?, REQUANTIZED)?;
        } else if ours.to_bytes()? != theirs.to_bytes()? {
            return Err(Failure::Differs(format!("{what}: the weight {} has other bits", expected.path())));
        }
    }
    Ok(())
}

/// Returns the scales of quantized layers with LoRA. Each save merges LoRA into the kernel and quantizes it
/// again, here and in Keras; even if LoRA adds zero, this may change the last bit of scales.
fn merged_on_save(model: &Model) -> HashSet<u64> {
    let quantized = layers(model).into_iter().filter(|layer| layer.dtype_policy().quantization().is_some());
    let has_lora = |weights: &Vec<Variable>| weights.iter().any(|weight| weight.name().starts_with("lora_"));
    let weights = quantized.map(|layer| layer.weights()).filter(has_lora).flatten();
    weights.filter(|weight| weight.name().ends_with("_scale")).map(|weight| weight.id()).collect()
}

/// A saved model: as `.keras`, and in its original container.
struct Saved(Vec<(&'static str, Vec<u8>)>);

impl Saved {
    fn of(model: &Model, case: &Case) -> Result<Self, Failure> {
        let mut saved = vec![("saved as .keras", SaveOptions::new().save_model_to_bytes(model)?)];
        if case.architecture.is_none() && case.file.extension().is_some_and(|extension| extension == "h5") {
            let home = tempfile::tempdir()?;
            let path = home.path().join("model.h5");
            model.save(&path)?;
            saved.push(("saved as .h5", std::fs::read(path)?));
        }
        Ok(Self(saved))
    }

    fn load(self) -> Result<Vec<(String, Model)>, Failure> {
        let load = |(what, bytes): (&'static str, Vec<u8>)| {
            let model = LoadOptions::new().load_model_from_bytes(bytes);
            Ok((what.to_owned(), model.map_err(|error| error.at(what))?))
        };
        self.0.into_iter().map(load).collect()
    }
}
