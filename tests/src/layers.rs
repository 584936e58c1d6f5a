//! Cases of layers and models: a Keras file, inputs, and Keras's outputs.

use std::collections::BTreeMap;
use std::path::Path;

use keras_serial::json::Value;
use keras_serial::models::Model;
use keras_serial::object::Handle;
use keras_serial::ops;
use keras_serial::saving::{LoadOptions, SaveOptions, Source, ZipReader};
use keras_serial::tensor::{CallContext, DType, Nested, Shape, Tensor};
use keras_serial::variable::GradientTape;

use crate::cases::Failure;
use crate::compare::{close, close_numbers, numbers, read, same_config};
use crate::text;

/// Runs one case.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let file = folder.join("model.keras");
    let model = LoadOptions::new().load_model(&file)?;
    config_is_kept(&file, &model)?;
    if folder.join("summary.txt").exists() {
        summary_is_the_same(folder, &model)?;
    }
    let (text_inputs, text_outputs) = (text::inputs(folder)?, text::outputs(folder)?);
    let file = folder.join("io.safetensors");
    let io = if file.exists() { read(&file)? } else { BTreeMap::new() };
    if io.is_empty() && text_outputs.is_none() {
        return Ok(());
    }
    let inputs = text_inputs.unwrap_or_else(|| indexed(&io, "input"));
    let expected = indexed(&io, "output");
    let check = |what: &str, model: &Model| {
        let outputs = predict(model, &inputs)?;
        match &text_outputs {
            Some(expected) => text::compare(what, &outputs, expected),
            None => compare_outputs(what, &outputs, &expected, model),
        }
    };
    check("output", &model)?;
    gradients(&model, &io, &inputs)?;
    let saved = SaveOptions::new().save_model_to_bytes(&model)?;
    check("output after save and load", &LoadOptions::new().load_model_from_bytes(saved)?)
}

/// Runs one case on the model's program: what can be traced gives the same as Keras.
pub fn run_program(folder: &Path) -> Result<(), Failure> {
    let model = LoadOptions::new().load_model(folder.join("model.keras"))?;
    let file = folder.join("io.safetensors");
    let io = if file.exists() { read(&file)? } else { BTreeMap::new() };
    let inputs = indexed(&io, "input");
    let expected = indexed(&io, "output");
    if inputs.is_empty() || expected.is_empty() || text::inputs(folder)?.is_some() {
        return Ok(());
    }
    let inputs = as_the_model_takes(&model, &inputs)?;
    let shapes: Vec<Shape> = inputs.iter().map(|input| input.shape().clone()).collect();
    let program = model.program(&shapes)?;
    let outputs = program.eval(&inputs)?;
    let outputs: Vec<Tensor> = outputs.leaves().into_iter().cloned().collect();
    compare_outputs("output of the program", &outputs, &expected, &model)?;
    {
        let outputs = keras_serial::inference::Plan::compile(&program)?.run(&inputs)?;
        let outputs: Vec<Tensor> = outputs.leaves().into_iter().cloned().collect();
        compare_outputs("output of the plan", &outputs, &expected, &model)?;
    }
    Ok(())
}

/// Inputs with the dtypes that the model takes.
fn as_the_model_takes(model: &Model, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
    let dtypes: Vec<DType> =
        model.inputs().iter().flat_map(|inputs| inputs.leaves()).map(|input| input.dtype()).collect();
    let dtypes = dtypes.into_iter().map(Some).chain(std::iter::repeat(None));
    let cast = |(input, dtype): (&Tensor, Option<DType>)| ops::cast_to(input, dtype.unwrap_or(input.dtype()));
    Ok(inputs.iter().zip(dtypes).map(cast).collect::<Result<Vec<_>, _>>()?)
}

/// Returns `name.0`, `name.1`, … in order.
pub fn indexed(io: &BTreeMap<String, Tensor>, name: &str) -> Vec<Tensor> {
    (0..).map_while(|i| io.get(&format!("{name}.{i}")).cloned()).collect()
}

/// Packs flat inputs into the structure that the model takes.
fn structured(model: &Model, inputs: &[Tensor]) -> Result<Nested<Tensor>, Failure> {
    match model.inputs() {
        Some(structure) if structure.leaves().len() == inputs.len() => Ok(structure.pack(inputs.to_vec())?),
        _ if inputs.len() == 1 => Ok(Nested::Leaf(inputs[0].clone())),
        _ => Ok(Nested::list(inputs.to_vec())),
    }
}

pub(crate) fn predict(model: &Model, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
    let outputs = model.call(structured(model, inputs)?, &CallContext::inference())?;
    Ok(outputs.leaves().into_iter().cloned().collect())
}

pub(crate) fn compare_outputs(
    what: &str,
    outputs: &[Tensor],
    expected: &[Tensor],
    model: &Model,
) -> Result<(), Failure> {
    if outputs.len() != expected.len() {
        return Err(Failure::Differs(format!("{} outputs, expected {}", outputs.len(), expected.len())));
    }
    let half = half_precision(model);
    for (i, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        close(&format!("{what}.{i}"), output, expected, half.unwrap_or(output.dtype()))?;
    }
    Ok(())
}

/// Returns the half precision in which some layer computes, if any.
pub(crate) fn half_precision(model: &Model) -> Option<DType> {
    model.layers().iter().find_map(|layer| {
        let compute = layer.layer().base().dtype_policy().compute_dtype().ok()?;
        matches!(compute, DType::Float16 | DType::BFloat16).then_some(compute)
    })
}

/// AutoContrast's gradients are small differences of large terms, which float32 rounds: Keras's own
/// differ by up to 1.5e-4 from the exact ones.
fn close_gradient(what: &str, actual: &Tensor, expected: &Tensor, dtype: DType, model: &Model) -> Result<(), Failure> {
    if model.layers().iter().any(|layer| layer.class_name() == "AutoContrast") {
        return close_numbers(what, &numbers(actual)?, &numbers(expected)?, (1e-5, 3e-4));
    }
    close(what, actual, expected, dtype)
}

fn gradients(model: &Model, io: &BTreeMap<String, Tensor>, inputs: &[Tensor]) -> Result<(), Failure> {
    let cotangents = indexed(io, "cotangent");
    // Keras gives no gradients for integer weights, as in quantized layers.
    if cotangents.is_empty() || !io.keys().any(|name| name.starts_with("grad_")) {
        return Ok(());
    }
    let tape = GradientTape::new();
    let watched = inputs
        .iter()
        .map(|input| if input.dtype().is_float() { input.watched() } else { Ok(input.clone()) })
        .collect::<Result<Vec<_>, _>>()?;
    let outputs = model.call(structured(model, &watched)?, &CallContext::inference())?;
    let mut loss: Option<Tensor> = None;
    for (output, cotangent) in outputs.leaves().into_iter().zip(&cotangents) {
        if !output.dtype().is_float() {
            continue;
        }
        let part =
            ops::sum(&ops::multiply(output, ops::cast_to(cotangent, output.dtype())?)?, ops::Axes::all(), false)?;
        loss = Some(match loss {
            Some(loss) => ops::add(&loss, &part)?,
            None => part,
        });
    }
    let Some(loss) = loss else { return Ok(()) };
    let weights = model.weights();
    let (of_weights, of_inputs) = tape.gradient(&loss, &weights, &watched)?;
    for (i, gradient) in of_inputs.iter().enumerate() {
        if let Some(expected) = io.get(&format!("grad_input.{i}")) {
            let gradient = gradient.clone().map_or_else(|| ops::zeros_like(expected), Ok)?;
            close_gradient(&format!("grad_input.{i}"), &gradient, expected, loss.dtype(), model)?;
        }
    }
    for (name, expected) in io.iter().filter_map(|(name, tensor)| Some((name.strip_prefix("grad_weight.")?, tensor))) {
        let found = weights.iter().position(|weight| weight.path() == name).or_else(|| {
            let mut matching = weights.iter().enumerate().filter(|(_, weight)| {
                weight.shape() == expected.shape() && (name.ends_with(weight.path()) || weight.path().ends_with(name))
            });
            matching.next().map(|(i, _)| i)
        });
        let Some(found) = found else {
            let paths: Vec<&str> = weights.iter().map(|weight| weight.path()).collect();
            return Err(Failure::Differs(format!("no weight {name} among {}", paths.join(", "))));
        };
        // State that files do not hold (low-rank updates) is newly initialized, so its gradients differ.
        if !weights[found].is_saved() {
            continue;
        }
        let zeros = ops::zeros_like(expected)?;
        close(&format!("grad_weight.{name}"), of_weights[found].as_ref().unwrap_or(&zeros), expected, loss.dtype())?;
    }
    Ok(())
}

fn config_is_kept(file: &Path, model: &Model) -> Result<(), Failure> {
    let archive = ZipReader::open(Source::open(file)?.into_bytes(), &Default::default())?;
    let expected = Value::parse_bytes(&archive.read("config.json")?, &Default::default())?;
    same_config(&Handle::serialize(model.as_layer())?, &expected)
}

fn summary_is_the_same(folder: &Path, model: &Model) -> Result<(), Failure> {
    let expected = std::fs::read_to_string(folder.join("summary.txt"))?;
    let actual = model.summary_at(100)?;
    if actual.trim_end() == expected.trim_end() {
        return Ok(());
    }
    let differing = actual.lines().zip(expected.lines()).find(|(a, e)| a.trim_end() != e.trim_end());
    Err(Failure::Differs(match differing {
        Some((actual, expected)) => format!("summary: {actual:?}, expected {expected:?}"),
        None => format!("summary: {} lines, expected {}", actual.lines().count(), expected.lines().count()),
    }))
}
