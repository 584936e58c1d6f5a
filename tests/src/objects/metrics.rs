//! Cases of metrics: a sequence of batches, and the result after each.

use keras_serial::json::Value;
use keras_serial::metrics::Metric;
use keras_serial::object::Handle;
use keras_serial::tensor::Tensor;
use keras_serial::variable::Variable;

use super::{check, entry, tensor};
use crate::cases::Failure;
use crate::compare::same_config;

/// Runs one case.
pub fn run(form: &Value, case: &Value) -> Result<(), Failure> {
    let metric = Metric::deserialize(form)?;
    same_config(&Handle::serialize(&metric)?, form)?;
    batches(&metric, case)?;
    if let Some(variables) = case.get("variables").and_then(Value::as_list) {
        let actual: Vec<Value> = metric.variables()?.iter().map(described).collect();
        same_config(&Value::List(actual), &Value::List(variables.to_vec()))?;
    }
    metric.reset_state()?;
    batches(&metric, case)
}

/// Path, shape and dtype.
fn described(variable: &Variable) -> Value {
    let shape = variable.shape().dims().iter().map(|dim| Value::from(dim.unwrap_or_default())).collect();
    Value::List(vec![variable.path().into(), Value::List(shape), variable.dtype().name().into()])
}

fn batches(metric: &Metric, case: &Value) -> Result<(), Failure> {
    let updates = entry(case, "updates")?.as_list().unwrap_or_default();
    for update in updates {
        let weight: Option<Tensor> = match update.get("sample_weight") {
            None | Some(Value::Null) => None,
            Some(_) => Some(tensor(update, "sample_weight")?),
        };
        if update.get("values").is_some() {
            metric.update_values(&tensor(update, "values")?, weight.as_ref())?;
        } else {
            metric.update_state(&tensor(update, "y_true")?, &tensor(update, "y_pred")?, weight.as_ref())?;
        }
        check("result", &metric.result()?.into_single()?, update)?;
    }
    Ok(())
}
