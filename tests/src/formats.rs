//! Cases of file formats: one model in every format that Keras writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keras_serial::models::Model;
use keras_serial::prelude::*;
use keras_serial::saving::FileForm;

use crate::cases::{Failure, entries};
use crate::compare::{close_numbers, numbers, read};
use crate::layers::{compare_outputs, indexed, predict};

/// The tolerance for quantized outputs.
const QUANTIZED: (f64, f64) = (2e-2, 2e-2);

/// Runs one case: every format, read or written, gives the same outputs and weights.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let io = read(&folder.join("io.safetensors"))?;
    let mut unsupported = None;
    for file in entries(folder) {
        if file.extension().is_some_and(|extension| extension == "safetensors") || is_shard(&file) {
            continue;
        }
        match check(folder, &file, &io) {
            Ok(()) => {}
            Err(Failure::Error(error)) if error.kind() == ErrorKind::Unsupported => unsupported = Some(error),
            Err(Failure::Error(error)) => return Err(error.into()),
            Err(failure) => return Err(Failure::Differs(format!("{}: {failure}", file.display()))),
        }
    }
    unsupported.map_or(Ok(()), |error| Err(error.into()))
}

/// Shards are read through their index.
fn is_shard(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".weights.h5").and_then(|stem| stem.rsplit_once('_'));
    stem.is_some_and(|(base, number)| {
        number.len() == 5
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && file.with_file_name(format!("{base}.weights.json")).exists()
    })
}

fn check(folder: &Path, file: &Path, io: &BTreeMap<String, Tensor>) -> Result<(), Failure> {
    let own = file.with_file_name(format!(
        "{}_io.safetensors",
        file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    ));
    if own.exists() {
        return quantized(file, &read(&own)?);
    }
    let form = FileForm::of(file)?;
    let model = match form {
        FileForm::Json => LoadOptions::new().load_model(file)?,
        FileForm::Keras | FileForm::Directory => load_model(file)?,
        FileForm::LegacyH5 if !holds_weights_alone(file) => load_model(file)?,
        _ => {
            let model = base(folder)?;
            model.load_weights(file)?;
            model
        }
    };
    if form == FileForm::Json {
        return Ok(());
    }
    same(&model, io)?;
    written(&model, io)
}

fn holds_weights_alone(file: &Path) -> bool {
    file.to_string_lossy().contains("weights")
}

/// Returns the model into which weights are loaded: with different weights, if there is a JSON file.
fn base(folder: &Path) -> Result<Model, Failure> {
    let json = folder.join("model.json");
    Ok(load_model(if json.exists() { json } else { folder.join("model.keras") })?)
}

fn same(model: &Model, io: &BTreeMap<String, Tensor>) -> Result<(), Failure> {
    let expected = indexed(io, "weight");
    let weights = model.weights();
    if !expected.is_empty() && weights.len() != expected.len() {
        return Err(Failure::Differs(format!("{} weights, expected {}", weights.len(), expected.len())));
    }
    for (weight, expected) in weights.iter().zip(&expected) {
        if weight.read().to_bytes()? != expected.to_bytes()? {
            return Err(Failure::Differs(format!("the weight {} has other bits", weight.path())));
        }
    }
    let outputs = predict(model, &indexed(io, "input"))?;
    compare_outputs("output", &outputs, &indexed(io, "output"), model)
}

/// Saves in every format, and loads again.
fn written(model: &Model, io: &BTreeMap<String, Tensor>) -> Result<(), Failure> {
    let home = tempfile::tempdir()?;
    let path = |name: &str| home.path().join(name);
    for name in ["m.keras", "m.h5"] {
        model.save(path(name))?;
        same(&load_model(path(name))?, io)?;
    }
    SaveOptions::new().zipped(false).save_model(model, path("m"))?;
    same(&load_model(path("m"))?, io)?;
    let sharded: PathBuf = path("s.weights.json");
    let largest = model
        .weights()
        .iter()
        .map(|weight| weight.read().to_bytes().map(|b| b.data.len()))
        .max_by_key(|n| n.clone().unwrap_or(0));
    let largest = largest.transpose()?.unwrap_or(1).max(1) as f64;
    SaveOptions::new().max_shard_size(3.0 * largest / f64::from(1 << 30)).save_weights(model, &sharded)?;
    for name in ["w.weights.h5", "w.safetensors"] {
        model.save_weights(path(name))?;
    }
    for name in ["s.weights.json", "w.weights.h5", "w.safetensors", "m.keras"] {
        let again = clone_model(model)?;
        again.load_weights(path(name))?;
        same(&again, io).map_err(|failure| Failure::Differs(format!("written as {name}: {failure}")))?;
    }
    Ok(())
}

fn quantized(file: &Path, io: &BTreeMap<String, Tensor>) -> Result<(), Failure> {
    let model = load_model(file)?;
    let outputs = predict(&model, &indexed(io, "input"))?;
    let saved = SaveOptions::new().save_model_to_bytes(&model)?;
    let again = predict(&LoadOptions::new().load_model_from_bytes(saved)?, &indexed(io, "input"))?;
    for (i, expected) in indexed(io, "output").iter().enumerate() {
        for outputs in [&outputs, &again] {
            let output = outputs.get(i).ok_or_else(|| Failure::Differs("too few outputs".into()))?;
            close_numbers(&format!("output.{i}"), &numbers(output)?, &numbers(expected)?, QUANTIZED)?;
        }
    }
    Ok(())
}
