//! The total loss over all outputs (`keras.src.trainers.compile_utils.CompileLoss`).

use super::parts::{LossWeights, Losses, Part};
use super::structure::{Key, at, container_name, flat_with, join, same_structure};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::losses::{Loss, LossFunctionWrapper, SparseCategoricalCrossentropy, get_loss};
use crate::metrics::{Mean, Metric, MetricExt};
use crate::ops::dtypes::cast;
use crate::ops::{add, multiply};
use crate::tensor::{DType, Nested, Tensor};

/// A loss and its weight, as a leaf of the structure given to `compile`.
#[derive(Clone)]
struct Weighted {
    loss: Part<Loss>,
    weight: Option<f64>,
}

/// One loss, and the path of its output.
struct Flat {
    path: Vec<Key>,
    loss: Loss,
    weight: Option<f64>,
    /// The mean `<output>_loss`, if there are several.
    tracker: Option<Metric>,
}

/// The losses, matched to outputs once their structure is known.
pub(super) struct CompileLoss {
    flat: Vec<Flat>,
}

/// Targets and predictions at the current place of the losses' structure.
struct Sides<'a> {
    y_true: &'a Nested<Tensor>,
    y_pred: &'a Nested<Tensor>,
}

impl CompileLoss {
    /// Matches losses to outputs.
    pub(super) fn build(
        losses: &Losses,
        weights: &LossWeights,
        output_names: Option<&[String]>,
        y_true: &Nested<Tensor>,
        y_pred: &Nested<Tensor>,
    ) -> Result<Self> {
        let (mut loss, mut weights) = (losses.0.clone(), weights.0.clone());
        if let (Some(names), Nested::Dict(by_name)) = (output_names, &loss)
            && !matches!(y_pred, Nested::Dict(_))
        {
            if by_name.len() != names.len() || !names.iter().all(|name| by_name.contains_key(name)) {
                return Err(Error::new(ErrorKind::Config, "the keys of `loss` are not the names of the outputs")
                    .expected(format!("keys {}", names.join(", ")))
                    .received(format!("keys {}", by_name.keys().cloned().collect::<Vec<_>>().join(", "))));
            }
            let ordered = names.iter().map(|name| by_name.get(name).cloned().unwrap_or(Nested::None)).collect();
            if let Nested::Dict(of) = &weights {
                weights =
                    Nested::List(names.iter().map(|name| of.get(name).cloned().unwrap_or(Nested::None)).collect());
            }
            loss = Nested::List(ordered);
        }
        let loss = with_weights(&loss, &weights)?;
        let names = named_outputs(output_names, y_pred);
        let loss = match &loss {
            // A single loss applies to every output.
            Nested::Leaf(one) => y_pred.map(|_| one.clone()),
            other => other.clone(),
        };
        let mut flat = Vec::new();
        build_nested(&Sides { y_true, y_pred }, &loss, &names, &[], &mut flat)?;
        if flat.len() > 1 {
            for (loss, name) in &mut flat {
                loss.tracker = Some(Mean::new().name(format!("{name}_loss")).into());
            }
        }
        Ok(Self { flat: flat.into_iter().map(|(loss, _)| loss).collect() })
    }

    /// Returns the trackers of the single losses.
    pub(super) fn trackers(&self) -> impl Iterator<Item = &Metric> {
        self.flat.iter().filter_map(|loss| loss.tracker.as_ref())
    }

    /// Checks that integer class labels are within the number of classes.
    pub(super) fn check_labels(&self, y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<()> {
        for loss in &self.flat {
            let (Some(y_t), Some(y_p)) = (at(y_true, &loss.path).and_then(leaf), at(y_pred, &loss.path).and_then(leaf))
            else {
                continue;
            };
            if let Some(ignored) = sparse(&loss.loss)?
                && let Some(Some(classes)) = y_p.shape().dims().last()
            {
                for label in cast(y_t, DType::Float64)?.to_vec::<f64>()? {
                    let known = label >= 0.0 && label < *classes as f64;
                    if !known && Some(label) != ignored {
                        return Err(Error::new(ErrorKind::InvalidArgument, "a label is none of the classes")
                            .expected(format!("labels from 0 to {}", classes.saturating_sub(1)))
                            .received(label.to_string())
                            .at(join(&loss.path))
                            .at("loss"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Computes the weighted sum of a batch's losses; `None` if no output has one.
    pub(super) fn evaluate(
        &self,
        y_true: &Nested<Tensor>,
        y_pred: &Nested<Tensor>,
        sample_weight: Option<&Nested<Tensor>>,
    ) -> Result<Option<Tensor>> {
        let mut total: Option<Tensor> = None;
        for loss in &self.flat {
            let missing = || {
                Error::new(ErrorKind::InvalidArgument, "no labels for an output that has a loss")
                    .expected(format!("labels at `{}`", join(&loss.path)))
            };
            let y_t = at(y_true, &loss.path).filter(|y_t| !y_t.leaves().is_empty()).ok_or_else(missing)?;
            let y_p = at(y_pred, &loss.path).ok_or_else(missing)?;
            let weight = match sample_weight {
                Some(Nested::Leaf(one)) => Some(one),
                Some(nested) => match at(nested, &loss.path) {
                    Some(Nested::Leaf(one)) => Some(one),
                    None | Some(Nested::None) => None,
                    Some(several) => {
                        return Err(Error::new(
                            ErrorKind::InvalidArgument,
                            "a loss of several outputs takes one weight a sample",
                        )
                        .expected(format!("one tensor of weights at `{}`", join(&loss.path)))
                        .received(container_name(several)));
                    }
                },
                None => None,
            };
            let value = loss.loss.evaluate_structures(y_t, y_p, weight);
            let value = value.map_err(|error| match (error.kind(), y_t, y_p) {
                (ErrorKind::Shape, Nested::Leaf(y_t), Nested::Leaf(y_p)) if y_t.shape() != y_p.shape() => error.or_else_hint(|| {
                    let (of_targets, of_outputs) = (y_t.shape(), y_p.shape());
                    format!(
                        "the targets have the shape {of_targets}, the outputs {of_outputs}: the loss, the labels or the \
                         units of the last layer do not belong together"
                    )
                }),
                _ => error,
            });
            let value = value.at_with(|| loss.loss.name().to_owned()).at_with(|| join(&loss.path)).at("loss")?;
            let value = cast(&value, DType::Float32)?;
            if let Some(tracker) = &loss.tracker {
                // Every batch has the same weight, even one with fewer samples, because Keras does not
                // know the number of samples here.
                tracker.update_values(&value.detached()?, None)?;
            }
            let value = match loss.weight {
                Some(weight) => multiply(&value, weight)?,
                None => value,
            };
            total = Some(match total {
                Some(total) => add(&total, &value)?,
                None => value,
            });
        }
        Ok(total)
    }
}

/// Returns `Some` if a loss takes class indices as labels, with the index it ignores.
fn sparse(loss: &Loss) -> Result<Option<Option<f64>>> {
    let function = loss.downcast_ref::<LossFunctionWrapper>().and_then(LossFunctionWrapper::as_function);
    if let Some(function) = function {
        let is_sparse = function.is_builtin() && function.name() == "sparse_categorical_crossentropy";
        return Ok(is_sparse.then_some(None));
    }
    if loss.downcast_ref::<SparseCategoricalCrossentropy>().is_none() {
        return Ok(None);
    }
    let config = loss.get_config()?;
    let is_last = config.get("axis").and_then(Value::as_i64).is_none_or(|axis| axis == -1);
    Ok(is_last.then(|| config.get("ignore_class").and_then(Value::as_f64)))
}

fn leaf(tensor: &Nested<Tensor>) -> Option<&Tensor> {
    match tensor {
        Nested::Leaf(tensor) => Some(tensor),
        _ => None,
    }
}

/// Combines losses and their weights into one structure.
fn with_weights(loss: &Nested<Part<Loss>>, weights: &Nested<f64>) -> Result<Nested<Weighted>> {
    let slots = loss.slots();
    let flat = match weights {
        Nested::None => vec![None; slots.len()],
        _ => {
            let flat: Vec<Option<f64>> = if same_structure(loss, weights) {
                flat_with(loss, weights)
            } else {
                weights.slots().into_iter().map(|weight| weight.copied()).collect()
            };
            if flat.len() != slots.len() {
                return Err(Error::new(ErrorKind::Config, "`loss_weights` must match the number of losses")
                    .expected(format!("{} weights", slots.len()))
                    .received(format!("{} weights", flat.len())));
            }
            flat
        }
    };
    // Omitted losses take no weight.
    let mut weights = slots.iter().zip(flat).filter(|(loss, _)| loss.is_some()).map(|(_, weight)| weight);
    loss.try_map(&mut |loss| Ok(Weighted { loss: loss.clone(), weight: weights.next().flatten() }))
}

/// Returns the outputs' names in the structure of the outputs.
fn named_outputs(names: Option<&[String]>, y_pred: &Nested<Tensor>) -> Nested<Option<String>> {
    let leaves = y_pred.leaves().len();
    let flat: Vec<Option<String>> = match names {
        Some(names) if names.len() == leaves => names.iter().cloned().map(Some).collect(),
        _ => vec![None; leaves],
    };
    y_pred.pack(flat).unwrap_or(Nested::None)
}

fn build_nested(
    sides: &Sides<'_>,
    loss: &Nested<Weighted>,
    names: &Nested<Option<String>>,
    path: &[Key],
    flat: &mut Vec<(Flat, String)>,
) -> Result<()> {
    let outputs = sides.y_pred.leaves().len();
    match loss {
        Nested::None => return Ok(()),
        Nested::Leaf(weighted) => return build_leaf(sides, weighted, names, path, flat),
        Nested::List(items) | Nested::Tuple(items)
            if items.len() == outputs && items.iter().all(|item| matches!(item, Nested::Leaf(_) | Nested::None)) =>
        {
            let mut items = items.iter();
            let packed = sides.y_pred.try_map(&mut |_| Ok(items.next().cloned().unwrap_or(Nested::None)))?;
            return shallow(sides, &unwrap_leaves(&packed), names, path, flat);
        }
        // A list for outputs that are not a list, or a tuple for outputs that are not a tuple, holds
        // several losses of the same outputs.
        Nested::List(items) if !matches!(sides.y_pred, Nested::List(_)) => {
            return items.iter().try_for_each(|item| build_nested(sides, item, names, path, flat));
        }
        Nested::Tuple(items) if !matches!(sides.y_pred, Nested::Tuple(_)) => {
            return items.iter().try_for_each(|item| build_nested(sides, item, names, path, flat));
        }
        _ => {}
    }
    shallow(sides, loss, names, path, flat)
}

/// Flattens one level: `Nested<Nested<T>>` to `Nested<T>`.
fn unwrap_leaves<T: Clone>(nested: &Nested<Nested<T>>) -> Nested<T> {
    match nested {
        Nested::Leaf(inner) => inner.clone(),
        Nested::None => Nested::None,
        Nested::List(items) => Nested::List(items.iter().map(unwrap_leaves).collect()),
        Nested::Tuple(items) => Nested::Tuple(items.iter().map(unwrap_leaves).collect()),
        Nested::Dict(items) => Nested::Dict(items.iter().map(|(k, v)| (k.clone(), unwrap_leaves(v))).collect()),
    }
}

fn shallow(
    sides: &Sides<'_>,
    loss: &Nested<Weighted>,
    names: &Nested<Option<String>>,
    path: &[Key],
    flat: &mut Vec<(Flat, String)>,
) -> Result<()> {
    let items: Vec<(Key, &Nested<Weighted>)> = match loss {
        Nested::Leaf(_) | Nested::None => return build_nested(sides, loss, names, path, flat),
        Nested::List(items) | Nested::Tuple(items) => {
            items.iter().enumerate().map(|(i, item)| (Key::Index(i), item)).collect()
        }
        Nested::Dict(items) => items.iter().map(|(name, item)| (Key::Name(name.clone()), item)).collect(),
    };
    for (key, item) in items {
        if matches!(item, Nested::None) {
            continue;
        }
        let mut inner = path.to_vec();
        inner.push(key.clone());
        let (Some(y_true), Some(y_pred)) = (key.of(sides.y_true), key.of(sides.y_pred)) else {
            let place = join(&inner);
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the path `{place}` in the `loss` argument can't be found in the model's outputs or in the labels"
                ),
            )
            .received(format!(
                "outputs: {}, labels: {}",
                container_name(sides.y_pred),
                container_name(sides.y_true)
            )));
        };
        let none = Nested::None;
        let names = key.of(names).unwrap_or(&none);
        build_nested(&Sides { y_true, y_pred }, item, names, &inner, flat)?;
    }
    Ok(())
}

fn build_leaf(
    sides: &Sides<'_>,
    weighted: &Weighted,
    names: &Nested<Option<String>>,
    path: &[Key],
    flat: &mut Vec<(Flat, String)>,
) -> Result<()> {
    let loss = match (&weighted.loss, sides.y_true, sides.y_pred) {
        (Part::Name(name), Nested::Leaf(y_true), Nested::Leaf(y_pred)) => {
            get_loss(name, y_true.shape(), y_pred.shape())?
        }
        (Part::Name(name), ..) => Loss::deserialize(&Value::from(name.as_str()))?,
        (Part::Object(loss), ..) => loss.clone(),
    };
    let is_leaf = matches!((sides.y_true, sides.y_pred), (Nested::Leaf(_), Nested::Leaf(_)));
    if !is_leaf && !loss.takes_structures() {
        return Err(Error::new(ErrorKind::Config, "one loss can't be that of a structure of outputs")
            .expected(format!("a loss for each output in {}", container_name(sides.y_pred)))
            .at(join(path)));
    }
    // The output's name replaces an index; a dict key stays.
    let mut parts: Vec<String> = path.iter().map(ToString::to_string).collect();
    match (names, path.last()) {
        (_, Some(Key::Name(_))) => {}
        (Nested::Leaf(_) | Nested::None, last) => {
            if last.is_some() {
                parts.pop();
            }
            parts.push(match names {
                Nested::Leaf(Some(name)) => name.clone(),
                _ => loss.name().to_owned(),
            });
        }
        // The loss takes all outputs together.
        (Nested::Dict(items), None) => parts.push(items.keys().cloned().collect::<Vec<_>>().join("_")),
        (_, None) => {
            parts.push(names.leaves().into_iter().flatten().cloned().collect::<Vec<_>>().join("_"));
        }
        (_, Some(Key::Index(_))) => {}
    }
    let name = parts.join("/");
    flat.push((Flat { path: path.to_vec(), loss, weight: weighted.weight, tracker: None }, name));
    Ok(())
}
