//! Exports models to ONNX: `onnx MODEL OUT.onnx [--opset N] [--external-data]`, or all cases of folders:
//! `onnx --cases OUT FOLDER… [--opset N]`, as `tests/exchange/onnx` calls it.
//!
//! Of each case in a folder's `layers/` and `models/` that has numbers as inputs and outputs, the model goes to
//! `OUT/<kind>/<case>/model.onnx`, or the reason why it could not be exported to `unsupported` or `failed` in that
//! place. The models of the examples, which are built here, go to `OUT/built/`, with what they compute.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keras_serial::export::ExportOptions;
use keras_serial::models::Model;
use keras_serial::saving::LoadOptions;
use keras_serial::tensor::{CallContext, DType, Nested, Tensor};
use keras_serial_tests::built;
use keras_serial_tests::cases::{Failure, Outcome, entries, run};
use keras_serial_tests::compare::write;

const USAGE: &str =
    "usage: onnx MODEL OUT.onnx [--opset N] [--external-data]\n       onnx --cases OUT FOLDER… [--opset N]";

fn main() -> ExitCode {
    let (mut options, mut cases, mut paths) = (ExportOptions::onnx(), false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--opset" => match arguments.next().and_then(|opset| opset.parse().ok()) {
                Some(opset) => options = options.opset(opset),
                None => return usage(),
            },
            "--external-data" => options = options.external_data(true),
            "--cases" => cases = true,
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let result = match paths.as_slice() {
        [out, folders @ ..] if cases => all(out, folders, &options),
        [model, out] if !cases => export(model, out, &options),
        _ => return usage(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn export(model: &Path, out: &Path, options: &ExportOptions) -> Result<(), Failure> {
    Ok(LoadOptions::new().load_model(model)?.export(out, options.clone())?)
}

fn all(out: &Path, folders: &[PathBuf], options: &ExportOptions) -> Result<(), Failure> {
    // A panic is reported as the case's failure.
    std::panic::set_hook(Box::new(|_| {}));
    for folder in folders {
        for kind in ["layers", "models"] {
            for case in entries(&folder.join(kind)).into_iter().filter(|case| case.join("io.safetensors").exists()) {
                let name = case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let target = out.join(kind).join(&name);
                std::fs::create_dir_all(&target)?;
                let options = std::panic::AssertUnwindSafe(options);
                let outcome = run(|| {
                    let model = LoadOptions::new().load_model(case.join("model.keras"))?;
                    std::fs::write(target.join("case"), case.canonicalize()?.to_string_lossy().as_bytes())?;
                    if takes_or_gives_text(&model) {
                        return Ok(std::fs::write(target.join("text"), "")?);
                    }
                    Ok(model.export(target.join("model.onnx"), options.0.clone())?)
                });
                note(&format!("{kind}/{name}"), &target, outcome)?;
            }
        }
    }
    for (name, build) in built::MODELS {
        let target = out.join("built").join(name);
        std::fs::create_dir_all(&target)?;
        let options = std::panic::AssertUnwindSafe(options);
        note(&format!("built/{name}"), &target, run(|| export_built(*build, &target, options.0)))?;
    }
    Ok(())
}

/// Writes why a case was not exported: what is unsupported, or what failed.
fn note(name: &str, target: &Path, outcome: Outcome) -> Result<(), Failure> {
    let (file, reason) = match outcome {
        Outcome::Ok => return Ok(()),
        Outcome::Unsupported(reason) => ("unsupported", reason),
        Outcome::Fail(reason) => ("failed", reason),
    };
    println!("{file} {name}: {}", reason.replace('\n', " | "));
    Ok(std::fs::write(target.join(file), reason)?)
}

fn export_built(build: built::Build, target: &Path, options: &ExportOptions) -> Result<(), Failure> {
    let (model, inputs) = build()?;
    let outputs = model.call(inputs.clone(), &CallContext::inference())?;
    let named = |prefix: &'static str, tensors: &Nested<Tensor>| {
        let tensors = tensors.leaves().into_iter().cloned().enumerate();
        tensors.map(|(i, tensor)| (format!("{prefix}.{i}"), tensor)).collect::<Vec<_>>()
    };
    write(&target.join("io.safetensors"), &[named("input", &inputs), named("output", &outputs)].concat())?;
    std::fs::write(target.join("case"), target.canonicalize()?.to_string_lossy().as_bytes())?;
    Ok(model.export(target.join("model.onnx"), options.clone())?)
}

fn takes_or_gives_text(model: &Model) -> bool {
    let ends = [model.inputs(), model.outputs()];
    ends.iter().flatten().flat_map(|ends| ends.leaves()).any(|end| end.dtype() == DType::String)
}
