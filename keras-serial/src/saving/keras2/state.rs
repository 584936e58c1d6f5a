//! Upgrades the states of optimizers and metrics from Keras 2's layout.

use crate::json::Value;
use crate::saving::H5Attr;
use crate::saving::legacy::NAMES;
use crate::saving::weights::{KeptGroup, Plan};
use crate::tensor::{DType, TensorBytes};

/// Drops the states of metrics, which Keras 3 does not save, and reorders the optimizer's state as in
/// Keras 3.
pub(in crate::saving) fn upgrade_state(plan: &mut Plan, compile: Option<&Value>) {
    let is_state = |path: &str| path.split('/').any(|part| matches!(part, "metrics" | "optimizer"));
    let unexpected = std::mem::take(&mut plan.report.unexpected);
    let (left_out, unexpected) = unexpected.into_iter().partition(|path| is_state(path));
    plan.report.unexpected = unexpected;
    plan.report.skipped.extend::<Vec<String>>(left_out);
    let optimizer = compile.and_then(|compile| compile.get("optimizer"));
    for group in plan.kept.iter_mut().filter(|group| group.path == "optimizer/vars") {
        optimizer_state(group, optimizer);
    }
}

/// Reorders an optimizer's state. In Keras 3 the learning rate is the second variable, unless it is a
/// schedule; slots are grouped by variable, while the old optimizers of Keras 2 grouped them by kind.
fn optimizer_state(group: &mut KeptGroup, optimizer: Option<&Value>) {
    let names = group.attrs.iter().position(|(name, _)| name == NAMES).map(|index| group.attrs.swap_remove(index).1);
    let mut values: Vec<(usize, TensorBytes)> = std::mem::take(&mut group.datasets)
        .into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
        .collect();
    values.sort_by_key(|(number, _)| *number);
    let mut values: Vec<TensorBytes> = values.into_iter().map(|(_, value)| value).collect();
    let class = match optimizer {
        Some(Value::Str(name)) => name.to_lowercase(),
        Some(form) => form.get("class_name").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
        None => String::new(),
    };
    let config = optimizer.and_then(|optimizer| optimizer.get("config"));
    let mut last = None;
    if let Some(H5Attr::StrList(names)) = names.filter(|_| !values.is_empty())
        && names.iter().any(|name| name.ends_with("/iter:0"))
    {
        if class == "nadam" && values.len() > 1 {
            last = Some(values.remove(1));
        }
        interleave(&class, &mut values);
    }
    if class == "sgd" && config.and_then(|config| config.get("momentum")?.as_f64()).unwrap_or(0.0) == 0.0 {
        values.truncate(1);
    }
    if class == "nadam" {
        let beta = config.and_then(|config| config.get("beta_1")?.as_f64()).unwrap_or(0.9);
        values.extend(
            last.or_else(|| values.first().and_then(integer).map(|steps| number(momentum_product(beta, steps)))),
        );
    }
    let default = if class == "sgd" { 0.01 } else { 0.001 };
    let rate = match config.and_then(|config| config.get("learning_rate")) {
        None => Some(default),
        Some(rate) => rate.as_f64(),
    };
    if let Some(rate) = rate.filter(|_| !values.is_empty()) {
        values.insert(1, number(rate));
    }
    group.datasets = values.into_iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect();
}

/// Regroups slots by variable: from all first, then all second ones, to both of each; a third kind stays last.
fn interleave(class: &str, values: &mut Vec<TensorBytes>) {
    let kinds = match class {
        "adam" | "adamax" | "adadelta" | "nadam" => 2,
        _ => return,
    };
    let slots = values.split_off(1);
    let half = |count: usize| slots.len() / count;
    // With `amsgrad` there are three slots per variable.
    let shapes = |range: std::ops::Range<usize>| {
        slots.get(range).map(|slots| slots.iter().map(|slot| slot.shape.clone()).collect::<Vec<_>>())
    };
    let third = half(kinds + 1);
    let has_third = slots.len().is_multiple_of(kinds + 1)
        && shapes(0..third) == shapes(third..2 * third)
        && shapes(0..third) == shapes(2 * third..3 * third);
    let is_pairs = slots.len().is_multiple_of(kinds) && shapes(0..half(kinds)) == shapes(half(kinds)..2 * half(kinds));
    let count = if is_pairs && !has_third { half(kinds) } else { third };
    let (first, rest) = slots.split_at(count.min(slots.len()));
    let (second, rest) = rest.split_at(count.min(rest.len()));
    for (a, b) in first.iter().zip(second) {
        values.extend([a.clone(), b.clone()]);
    }
    values.extend(rest.iter().cloned());
}

fn number(value: f64) -> TensorBytes {
    TensorBytes { dtype: DType::Float32, shape: Vec::new(), data: (value as f32).to_le_bytes().to_vec().into() }
}

fn integer(value: &TensorBytes) -> Option<i64> {
    match value.dtype {
        DType::Int64 => Some(i64::from_le_bytes(value.data.as_ref().try_into().ok()?)),
        DType::Int32 => Some(i64::from(i32::from_le_bytes(value.data.as_ref().try_into().ok()?))),
        _ => None,
    }
}

/// Computes Π β₁·(1 − ½·0.96^(0.004·t)) over the steps so far, which Nadam of Keras 2 did not save.
fn momentum_product(beta: f64, steps: i64) -> f64 {
    let mut product = 1.0;
    for step in 1..=steps {
        product *= beta * (1.0 - 0.5 * 0.96f64.powf(0.004 * step as f64));
        if product < f64::from(f32::MIN_POSITIVE) {
            return 0.0;
        }
    }
    product
}
