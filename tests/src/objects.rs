//! Cases of objects other than layers: a serialized object of Keras, and what Keras computes with it.

mod losses;
mod metrics;

use std::path::Path;

use keras_serial::activations::Activation;
use keras_serial::constraints::Constraint;
use keras_serial::initializers::Initializer;
use keras_serial::json::Value;
use keras_serial::object::Handle;
use keras_serial::ops;
use keras_serial::registry::CustomObjects;
use keras_serial::regularizers::Regularizer;
use keras_serial::tensor::{DType, Shape, Tensor};
use keras_serial::{ConfigField, Error, ErrorKind};

use crate::cases::Failure;
use crate::compare::{close_numbers, numbers, same_config};

/// Runs one case of a kind, which is the name of its folder.
pub fn run(kind: &str, file: &Path) -> Result<(), Failure> {
    let case = Value::parse(&std::fs::read_to_string(file)?)?;
    let form = entry(&case, "serialized")?;
    match kind {
        "activations" => {
            let activation = Activation::deserialize_form(form)?;
            same_config(
                &keras_serial::registry::deserialize_keras_object(form, &CustomObjects::new())?.serialize()?,
                form,
            )?;
            check("y", &activation.apply(&tensor(&case, "x")?)?, &case)
        }
        "constraints" => {
            let constraint = Constraint::deserialize(form)?;
            same_config(&Handle::serialize(&constraint)?, form)?;
            check("y", &constraint.project(&tensor(&case, "w")?)?, &case)
        }
        "regularizers" => {
            let regularizer = Regularizer::deserialize(form)?;
            same_config(&Handle::serialize(&regularizer)?, form)?;
            check("y", &regularizer.penalty(&tensor(&case, "w")?)?, &case)
        }
        "initializers" => {
            let initializer = Initializer::deserialize(form)?;
            same_config(&Handle::serialize(&initializer)?, form)?;
            initializer_values(&initializer, &case)
        }
        "losses" => losses::run(form, &case),
        "metrics" => metrics::run(form, &case),
        "optimizers" => crate::optimizers::optimizer(form, &case),
        "schedules" => crate::optimizers::schedule(form, &case),
        other => Err(Error::new(ErrorKind::Unsupported, format!("{other} are not supported")).into()),
    }
}

pub(crate) fn entry<'a>(case: &'a Value, name: &str) -> Result<&'a Value, Failure> {
    case.get(name).ok_or_else(|| Failure::Differs(format!("the case has no `{name}`")))
}

pub(crate) fn flat(value: &Value, out: &mut Vec<f64>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| flat(item, out)),
        Value::Bool(flag) => out.push(f64::from(u8::from(*flag))),
        leaf => out.extend(leaf.as_f64()),
    }
}

pub(crate) fn tensor(case: &Value, name: &str) -> Result<Tensor, Failure> {
    let value = entry(case, name)?;
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::List(items) = level {
        shape.push(items.len());
        level = items.first().unwrap_or(&Value::Null);
    }
    let mut numbers = Vec::new();
    flat(value, &mut numbers);
    let tensor = Tensor::from_vec(numbers, shape)?;
    let dtype = case.get(&format!("{name}_dtype")).and_then(Value::as_str).unwrap_or("float32");
    Ok(ops::cast_to(&tensor, dtype.parse()?)?)
}

fn check(name: &str, actual: &Tensor, case: &Value) -> Result<(), Failure> {
    let mut expected = Vec::new();
    flat(entry(case, name)?, &mut expected);
    close_numbers(name, &numbers(actual)?, &expected, (1e-5, 1e-4))
}

fn initializer_values(initializer: &Initializer, case: &Value) -> Result<(), Failure> {
    if let Some(shape) = case.get("shape").filter(|_| case.get("y").is_some()) {
        return check("y", &initializer.init(&Shape::from_value(shape)?, DType::Float32)?, case);
    }
    let shape = Shape::from_value(entry(case, "stat_shape")?)?;
    let values = numbers(&initializer.init(&shape, DType::Float32)?)?;
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let std = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let want = |name: &str| entry(case, name).map(|value| value.as_f64().unwrap_or(f64::NAN));
    // The mean and deviation of a sample of this size differ from the true ones by a few of these.
    let stray = 6.0 * want("std")? / count.sqrt();
    close_numbers("mean", &[mean], &[want("mean")?], (2.0 * stray, 0.0))?;
    close_numbers("std", &[std], &[want("std")?], (2.0 * stray, 0.02))?;
    let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    let spread = want("max")? - want("min")?;
    close_numbers("min", &[min], &[want("min")?], (0.1 * spread, 0.0))?;
    close_numbers("max", &[max], &[want("max")?], (0.1 * spread, 0.0))
}
