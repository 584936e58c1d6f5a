//! Writes models for Keras to load: `exchange OUT FOLDER…`, as `tests/exchange/run` calls it.
//!
//! Each case of the folders is loaded and saved again: those in `layers/` and `models/`, or whole files
//! with JSON beside them. Then follow models that are built here, with their outputs. If OUT holds
//! models that Keras has begun to train, two more epochs follow.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keras_serial::json::Value;
use keras_serial::saving::{LoadOptions, SaveOptions};
use keras_serial::tensor::CallContext;
use keras_serial::training::Fit;
use keras_serial_tests::cases::{Failure, Outcome, entries, run};
use keras_serial_tests::compare::{read, write};
use keras_serial_tests::{built, found};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let Some(out) = arguments.next() else {
        eprintln!("usage: exchange OUT FOLDER…");
        return ExitCode::from(2);
    };
    match exchange(&out, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn exchange(out: &Path, folders: impl Iterator<Item = PathBuf>) -> Result<(), Failure> {
    for begun in entries(out).into_iter().filter(|folder| folder.join("begun.keras").exists()) {
        record(&begun, run(|| go_on(&begun)))?;
    }
    let mut unsupported = String::new();
    for folder in folders {
        let cases: Vec<PathBuf> = ["layers", "models"].iter().flat_map(|kind| entries(&folder.join(kind))).collect();
        for case in &cases {
            let name = case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let target = out.join(&name);
            std::fs::create_dir_all(&target)?;
            match run(|| save_again(case, &target)) {
                Outcome::Unsupported(_) => unsupported += &format!("{name}\n"),
                outcome => record(&target, outcome)?,
            }
        }
        let whole_files = if cases.is_empty() { found::cases(&folder)? } else { Vec::new() };
        for case in &whole_files {
            let target = out.join(&case.name);
            std::fs::create_dir_all(&target)?;
            record(&target, run(|| save_whole_file(case, &target)))?;
        }
        if cases.is_empty() && whole_files.is_empty() {
            return Err(Failure::Differs(format!("no case in {}", folder.display())));
        }
    }
    for (name, build) in built::MODELS {
        let target = out.join(format!("built_{name}"));
        std::fs::create_dir_all(&target)?;
        record(&target, run(|| save_built(*build, &target)))?;
    }
    Ok(std::fs::write(out.join("unsupported"), unsupported)?)
}

/// Writes why a case failed, for the combined report.
fn record(target: &Path, outcome: Outcome) -> Result<(), Failure> {
    match outcome {
        Outcome::Ok => Ok(()),
        Outcome::Fail(reason) | Outcome::Unsupported(reason) => Ok(std::fs::write(target.join("failed"), reason)?),
    }
}

fn save_again(case: &Path, target: &Path) -> Result<(), Failure> {
    let model = LoadOptions::new().load_model(case.join("model.keras"))?;
    std::fs::write(target.join("original"), case.canonicalize()?.to_string_lossy().as_bytes())?;
    Ok(SaveOptions::new().save_model(&model, target.join("model.keras"))?)
}

fn save_whole_file(case: &found::Case, target: &Path) -> Result<(), Failure> {
    if !found::has_truth(case)? {
        return Ok(());
    }
    let model = found::load(case)?;
    std::fs::write(target.join("case"), case.json.canonicalize()?.to_string_lossy().as_bytes())?;
    Ok(SaveOptions::new().save_model(&model, target.join("model.keras"))?)
}

/// Trains what `midway.py` trains for two more epochs, from its file to a new one.
fn go_on(folder: &Path) -> Result<(), Failure> {
    let model = LoadOptions::new().load_model(folder.join("begun.keras"))?;
    let data = read(&folder.join("data.safetensors"))?;
    let part = |name: &str| data.get(name).ok_or_else(|| Failure::Differs(format!("no `{name}`")));
    let fit = Fit::new().batch_size(8).epochs(2).shuffle(false).verbose(0);
    let history = model.fit((part("x")?, part("y")?), fit)?.history;
    let history = history.into_iter().map(|(name, values)| (name, Value::from(values))).collect();
    std::fs::write(folder.join("history.json"), Value::Dict(history).to_json())?;
    Ok(SaveOptions::new().training_state(true).save_model(&model, folder.join("model.keras"))?)
}

fn save_built(build: built::Build, target: &Path) -> Result<(), Failure> {
    let (model, inputs) = build()?;
    let outputs = model.call(inputs.clone(), &CallContext::inference())?;
    let named = |prefix: &'static str, tensors: Vec<&keras_serial::tensor::Tensor>| {
        tensors
            .into_iter()
            .cloned()
            .enumerate()
            .map(move |(i, tensor)| (format!("{prefix}.{i}"), tensor))
            .collect::<Vec<_>>()
    };
    let tensors: Vec<_> = [named("input", inputs.leaves()), named("output", outputs.leaves())].concat();
    write(&target.join("io.safetensors"), &tensors)?;
    Ok(SaveOptions::new().save_model(&model, target.join("model.keras"))?)
}
