//! Upgrades the states of optimizers and metrics from Keras 2's layout.

use crate::array::{DType, TensorBytes};
use crate::files::H5Attr;
use crate::files::legacy::NAMES;
use crate::json::Value;
use crate::saving::weights::by_path::Plan;
use crate::saving::weights::unread::UnreadGroup;

/// Drops the states of metrics, which Keras 3 does not save, and reorders the optimizer's state as in
/// Keras 3.
pub(in crate::saving) fn upgrade_state(plan: &mut Plan, compile: Option<&Value>) {
    let is_state = |path: &str| path.split('/').any(|part| matches!(part, "metrics" | "optimizer"));
    let unexpected = std::mem::take(&mut plan.report.unexpected);
    let (left_out, unexpected) = unexpected.into_iter().partition(|path| is_state(path));
    plan.report.unexpected = unexpected;
    plan.report.skipped.extend::<Vec<String>>(left_out);
    let Some(optimizer) = compile.and_then(|compile| compile.get("optimizer")) else { return };
    let inner = optimizer.get("config").and_then(|config| config.get("inner_optimizer"));
    for group in &mut plan.kept {
        match (group.path.as_str(), inner) {
            ("optimizer/vars", _) => optimizer_state(group, optimizer, inner),
            ("optimizer/inner_optimizer/vars", Some(inner)) => optimizer_state(group, inner, None),
            _ => {}
        }
    }
}

/// Upgrades an optimizer's state. That of a loss scale optimizer was its inner optimizer's.
fn optimizer_state(group: &mut UnreadGroup, optimizer: &Value, inner: Option<&Value>) {
    let names = group.attrs.iter().position(|(name, _)| name == NAMES).map(|index| group.attrs.swap_remove(index).1);
    let is_legacy = matches!(names, Some(H5Attr::StrList(names)) if names.iter().any(|name| name.ends_with("/iter:0")));
    let mut values: Vec<(usize, TensorBytes)> = std::mem::take(&mut group.datasets)
        .into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
        .collect();
    values.sort_by_key(|(number, _)| *number);
    let mut values: Vec<TensorBytes> = values.into_iter().map(|(_, value)| value).collect();
    variables(&mut values, inner.unwrap_or(optimizer), is_legacy);
    if let Some(steps) = values.first().cloned().filter(|_| inner.is_some()) {
        let scale = optimizer.get("config").and_then(|config| config.get("initial_scale")?.as_f64());
        // Its own learning rate, which is not used, the steps since the scale last changed, and the scale.
        let own = [steps, number(0.0), zero(DType::Int64, 8), number(scale.unwrap_or(32768.0))];
        values.splice(0..0, own);
    }
    group.datasets = values.into_iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect();
}

/// Reorders an optimizer's variables. In Keras 3 the learning rate is the second one, unless it is a
/// schedule; slots are grouped by variable, while the old optimizers of Keras 2 grouped them by kind.
fn variables(values: &mut Vec<TensorBytes>, optimizer: &Value, is_legacy: bool) {
    let class = match optimizer {
        Value::Str(name) => name.to_lowercase(),
        form => form.get("class_name").and_then(Value::as_str).unwrap_or_default().to_lowercase(),
    };
    let config = optimizer.get("config");
    let entry = |name: &str| config.and_then(|config| config.get(name));
    let mut last = None;
    if is_legacy && !values.is_empty() {
        if class == "nadam" && values.len() > 1 {
            last = Some(values.remove(1));
        }
        interleave(&class, values);
    }
    if class == "sgd" && entry("momentum").and_then(Value::as_f64).unwrap_or(0.0) == 0.0 {
        values.truncate(1);
    }
    if class == "adafactor" && !values.is_empty() {
        let slots = values.split_off(1);
        values.extend(with_placeholders(slots, entry("use_ema") == Some(&Value::Bool(true))));
    }
    if class == "nadam" {
        let beta = entry("beta_1").and_then(Value::as_f64).unwrap_or(0.9);
        values.extend(
            last.or_else(|| values.first().and_then(integer).map(|steps| number(momentum_product(beta, steps)))),
        );
    }
    let default = if class == "sgd" { 0.01 } else { 0.001 };
    let rate = match entry("learning_rate") {
        None => Some(default),
        Some(rate) => rate.as_f64(),
    };
    if let Some(rate) = rate.filter(|_| !values.is_empty()) {
        values.insert(1, number(rate));
    }
}

/// Adds the two placeholders that Adafactor has in Keras 3 before the slot of each variable of rank below 2,
/// such as a bias. Other variables have three slots: for rows, for columns, and one of their own shape.
/// Moving averages of the variables come before all slots.
fn with_placeholders(slots: Vec<TensorBytes>, has_averages: bool) -> Vec<TensorBytes> {
    fn is_factored(slots: &[TensorBytes]) -> bool {
        let [rows, columns, all, ..] = slots else { return false };
        let [outer @ .., before, last] = all.shape.as_slice() else { return false };
        let of = |extent: usize| outer.iter().copied().chain([extent]).collect::<Vec<_>>();
        rows.shape == of(*before) && columns.shape == of(*last)
    }
    let size = |at: usize| if slots.get(at..).is_some_and(is_factored) { 3 } else { 1 };
    // The number of variables whose slots start at each index or later: as many averages come first.
    let mut counts = vec![0_usize; slots.len() + 1];
    for at in (0..slots.len()).rev() {
        let after = counts.get(at + size(at)).copied().unwrap_or_default();
        counts.get_mut(at).into_iter().for_each(|count| *count = after + 1);
    }
    let start = if has_averages { (1..slots.len()).find(|at| counts.get(*at) == Some(at)).unwrap_or(0) } else { 0 };
    let mut all: Vec<TensorBytes> = slots.iter().take(start).cloned().collect();
    let mut at = start;
    while at < slots.len() {
        if size(at) == 1 {
            all.extend([zero(DType::Int32, 4), zero(DType::Int32, 4)]);
        }
        all.extend(slots.iter().skip(at).take(size(at)).cloned());
        at += size(at);
    }
    all
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

fn zero(dtype: DType, bytes: usize) -> TensorBytes {
    TensorBytes { dtype, shape: Vec::new(), data: vec![0; bytes].into() }
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
