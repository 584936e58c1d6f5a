//! The metrics of all outputs (`keras.src.trainers.compile_utils.CompileMetrics`).

use indexmap::IndexMap;

use super::callbacks::Logs;
use super::parts::{Metrics, Part};
use super::structure::container_name;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::metrics::{MeanMetricWrapper, Metric, get_metric};
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Nested, Tensor};
use crate::utils::to_snake_case;

/// The metrics of one output.
#[derive(Default)]
struct OfOutput {
    /// The prefix of names, if there are several outputs.
    output: Option<String>,
    metrics: Vec<(String, Metric)>,
}

/// The metrics, matched to outputs once their structure is known.
pub(super) struct CompileMetrics {
    plain: Vec<OfOutput>,
    weighted: Vec<OfOutput>,
}

impl CompileMetrics {
    /// Matches metrics to outputs; `y_true` has the structure of `y_pred`.
    pub(super) fn build(
        metrics: &Metrics,
        weighted: &Metrics,
        output_names: Option<&[String]>,
        y_true: &Nested<Tensor>,
        y_pred: &Nested<Tensor>,
    ) -> Result<Self> {
        let outputs = Outputs { names: output_names, y_true, y_pred };
        Ok(Self {
            plain: outputs.metrics(&metrics.0, "metrics")?,
            weighted: outputs.metrics(&weighted.0, "weighted_metrics")?,
        })
    }

    /// Returns all metrics.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &(String, Metric)> {
        self.plain.iter().chain(&self.weighted).flat_map(|of| &of.metrics)
    }

    /// Adds a batch; targets and weights have the structure of the predictions.
    pub(super) fn update(
        &self,
        y_true: &Nested<Tensor>,
        y_pred: &Nested<Tensor>,
        sample_weight: Option<&Nested<Tensor>>,
    ) -> Result<()> {
        let (truths, predictions) = (y_true.slots(), y_pred.slots());
        let mut weights = sample_weight.map(Nested::slots).unwrap_or_default();
        if let [one] = weights.as_slice() {
            weights = vec![*one; truths.len()];
        }
        let update = |outputs: &[OfOutput], weights: &[Option<&Tensor>]| -> Result<()> {
            for (i, of) in outputs.iter().enumerate() {
                let (Some(Some(y_t)), Some(Some(y_p))) = (truths.get(i), predictions.get(i)) else { continue };
                let weight = weights.get(i).copied().flatten();
                for (name, metric) in &of.metrics {
                    metric.update_state(y_t, y_p, weight).at_with(|| name.clone()).at("metrics")?;
                }
            }
            Ok(())
        };
        update(&self.plain, &[])?;
        update(&self.weighted, &weights)
    }

    /// Adds the results under Keras's names.
    pub(super) fn results(&self, logs: &mut Logs) -> Result<()> {
        let mut used: IndexMap<String, usize> = IndexMap::new();
        let mut unique = |name: String| -> String {
            match used.get_mut(&name) {
                None => {
                    used.insert(name.clone(), 1);
                    name
                }
                Some(count) => {
                    let numbered = format!("{name}_{count}");
                    *count += 1;
                    numbered
                }
            }
        };
        let full = |of: &OfOutput, name: &str| match &of.output {
            Some(output) => format!("{output}_{name}"),
            None => name.to_owned(),
        };
        let mut results = Vec::new();
        for of in &self.plain {
            for (name, metric) in &of.metrics {
                results.push((unique(full(of, name)), metric));
            }
        }
        let taken: Vec<String> = results.iter().map(|(name, _)| name.clone()).collect();
        let mut seen = taken;
        for of in &self.weighted {
            for (name, metric) in &of.metrics {
                let own = full(of, name);
                let name = if seen.contains(&own) { full(of, &format!("weighted_{name}")) } else { own };
                let name = unique(name);
                seen.push(name.clone());
                results.push((name, metric));
            }
        }
        results.into_iter().try_for_each(|(name, metric)| put(logs, &name, &metric.result().at_with(|| name.clone())?))
    }
}

/// Adds a result as numbers: several of one metric are named `name[0]`, `name[1]`, ….
pub(super) fn put(logs: &mut Logs, name: &str, result: &Nested<Tensor>) -> Result<()> {
    match result {
        Nested::Leaf(tensor) => {
            let numbers = cast(tensor, DType::Float64)?.to_vec::<f64>()?;
            if let ([number], 0) = (numbers.as_slice(), tensor.rank()) {
                logs.insert(name.to_owned(), *number);
                return Ok(());
            }
            for (i, number) in numbers.into_iter().enumerate() {
                logs.insert(format!("{name}[{i}]"), number);
            }
            Ok(())
        }
        Nested::None => Ok(()),
        Nested::List(items) | Nested::Tuple(items) => {
            items.iter().enumerate().try_for_each(|(i, item)| put(logs, &format!("{name}[{i}]"), item))
        }
        Nested::Dict(items) => items.iter().try_for_each(|(name, item)| put(logs, name, item)),
    }
}

struct Outputs<'a> {
    names: Option<&'a [String]>,
    y_true: &'a Nested<Tensor>,
    y_pred: &'a Nested<Tensor>,
}

impl Outputs<'_> {
    /// Returns the metrics of each output, in Keras's order.
    fn metrics(&self, metrics: &Nested<Part<Metric>>, argument: &'static str) -> Result<Vec<OfOutput>> {
        let outputs = self.y_pred.leaves().len();
        if metrics.leaves().is_empty() {
            return Ok(Vec::new());
        }
        let none: Vec<Option<String>> = vec![None; outputs];
        if outputs == 1 {
            // With one output, all metrics apply to it, in whatever structure.
            let flat = Nested::List(metrics.leaves().into_iter().cloned().map(Nested::Leaf).collect());
            return self.of_outputs(&[&flat], &none).at(argument);
        }
        let names: Vec<Option<String>> = match self.names {
            Some(names) if names.len() == outputs => names.iter().cloned().map(Some).collect(),
            _ => none,
        };
        let is_flat = match self.y_pred {
            Nested::List(items) | Nested::Tuple(items) => items.iter().all(|item| matches!(item, Nested::Leaf(_))),
            Nested::Dict(items) => items.values().all(|item| matches!(item, Nested::Leaf(_))),
            _ => false,
        };
        // Outputs in a dict are named by their keys, in sorted order.
        let keys: Vec<Option<String>> = match self.y_pred {
            Nested::Dict(items) => {
                let mut keys: Vec<String> = items.keys().cloned().collect();
                keys.sort();
                keys.into_iter().map(Some).collect()
            }
            _ => names.clone(),
        };
        let invalid = || {
            let error = Error::new(
                ErrorKind::Config,
                format!(
                    "Invalid `{argument}`: it should be a dict or a list that matches the outputs' names or structure"
                ),
            );
            let known: Vec<String> = keys.iter().flatten().cloned().collect();
            error
                .expected(if known.is_empty() { container_name(self.y_pred) } else { known.join(", ") })
                .received(container_name(metrics))
        };
        match metrics {
            Nested::List(items) | Nested::Tuple(items) if is_flat && items.len() == outputs => {
                // A list follows the order of the names, even if the outputs are a dict.
                self.of_outputs(&items.iter().collect::<Vec<_>>(), &keys).at(argument)
            }
            Nested::Dict(by_name)
                if is_flat && by_name.keys().all(|key| keys.iter().flatten().any(|name| name == key)) =>
            {
                let none = Nested::None;
                let items: Vec<&Nested<Part<Metric>>> =
                    keys.iter().map(|name| name.as_ref().and_then(|name| by_name.get(name)).unwrap_or(&none)).collect();
                self.of_outputs(&items, &keys).at(argument)
            }
            _ => {
                let mut found = Vec::new();
                up_to(self.y_pred, metrics, &mut found).ok_or_else(invalid)?;
                self.of_outputs(&found, &keys).at(argument)
            }
        }
    }

    fn of_outputs(&self, metrics: &[&Nested<Part<Metric>>], names: &[Option<String>]) -> Result<Vec<OfOutput>> {
        let (truths, predictions) = (self.y_true.slots(), self.y_pred.slots());
        let mut all = Vec::new();
        for (i, of_output) in metrics.iter().enumerate() {
            let output = names.get(i).cloned().flatten();
            let parts = of_output.leaves();
            if parts.is_empty() {
                all.push(OfOutput::default());
                continue;
            }
            let (Some(Some(y_true)), Some(Some(y_pred))) = (truths.get(i), predictions.get(i)) else {
                return Err(Error::new(ErrorKind::InvalidArgument, "no labels for an output that has metrics")
                    .expected(format!("labels of `{}`", output.unwrap_or_else(|| i.to_string()))));
            };
            let metrics = parts.into_iter().map(|part| match part {
                Part::Name(name) => Ok((name.clone(), get_metric(name, y_true.shape(), y_pred.shape())?)),
                Part::Object(metric) => Ok((name_of(metric), metric.clone())),
            });
            all.push(OfOutput { output, metrics: metrics.collect::<Result<_>>()? });
        }
        Ok(all)
    }
}

/// Returns a metric's name; for a function its own name without the package.
fn name_of(metric: &Metric) -> String {
    let name = metric.name();
    match metric.downcast_ref::<MeanMetricWrapper>().and_then(MeanMetricWrapper::as_function) {
        Some(_) => to_snake_case(name.rsplit('>').next().unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// Collects the parts of `metrics` at the leaves of `outputs`; `None` if the structures differ.
fn up_to<'a>(
    outputs: &Nested<Tensor>,
    metrics: &'a Nested<Part<Metric>>,
    found: &mut Vec<&'a Nested<Part<Metric>>>,
) -> Option<()> {
    match (outputs, metrics) {
        (Nested::Leaf(_), metrics) => {
            found.push(metrics);
            Some(())
        }
        (Nested::List(a) | Nested::Tuple(a), Nested::List(b) | Nested::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b).try_for_each(|(a, b)| up_to(a, b, found))
        }
        (Nested::Dict(a), Nested::Dict(b)) if a.len() == b.len() => {
            let mut keys: Vec<&String> = a.keys().collect();
            keys.sort();
            keys.into_iter().try_for_each(|key| up_to(a.get(key)?, b.get(key)?, found))
        }
        _ => None,
    }
}
