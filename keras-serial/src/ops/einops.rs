//! Rearranging axes by a pattern (`keras.ops.rearrange`).

use super::define::{call, classes};
use super::graph::config;
use super::shape::{reshape_to, transpose_to};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{CallArgs, Item, Nested, Shape, Tensor};

classes! { "keras.src.ops.einops"
    "Rearrange" = |c| {
        let x = c.tensor(0, "tensor")?;
        let pattern = c.value(1, "pattern").and_then(|value| value.as_str().map(str::to_owned));
        let pattern = pattern.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "missing argument `pattern`"))?;
        let length = |name: &str| match c.args.keywords.get(name) {
            Some(Nested::Leaf(Item::Value(value))) => value.as_i64().and_then(|length| usize::try_from(length).ok()),
            _ => None,
        };
        rearrange_impl(&x, &pattern, length)
    };
}

/// Parses the groups of axes on one side of a pattern.
fn groups(side: &str) -> Vec<Vec<String>> {
    let mut groups = Vec::new();
    let mut rest = side.trim();
    while !rest.is_empty() {
        let (group, tail) = match rest.strip_prefix('(') {
            Some(inner) => inner.split_once(')').unwrap_or((inner, "")),
            None => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        groups.push(group.split_whitespace().map(str::to_owned).collect());
        rest = tail.trim_start();
    }
    groups
}

fn rearrange_impl(x: &Tensor, pattern: &str, length: impl Fn(&str) -> Option<usize>) -> Result<Tensor> {
    let wrong = || {
        Error::new(ErrorKind::InvalidArgument, "the pattern does not fit the tensor")
            .expected("such as \"b h w c -> b (h w) c\"")
            .received(format!("pattern={pattern:?}, shape {}", x.shape()))
    };
    let (from, to) = pattern.split_once("->").ok_or_else(wrong)?;
    let (from, to) = (groups(from), groups(to));
    if from.len() != x.rank() {
        return Err(wrong());
    }
    // The extents of all axes by name; one per group can be inferred.
    let mut names: Vec<String> = Vec::new();
    let mut extents: Vec<Option<usize>> = Vec::new();
    for (group, dim) in from.iter().zip(x.shape().dims()) {
        let known: Vec<Option<usize>> =
            if group.len() == 1 { vec![*dim] } else { group.iter().map(|name| length(name)).collect() };
        let product: usize = known.iter().flatten().product();
        let open = known.iter().filter(|extent| extent.is_none()).count();
        if group.len() > 1
            && (open > 1 || product == 0 || dim.is_some_and(|dim| dim % product != 0 || (open == 0 && dim != product)))
        {
            return Err(wrong());
        }
        for (name, extent) in group.iter().zip(known) {
            names.push(name.clone());
            extents.push(extent.or_else(|| dim.map(|dim| dim / product.max(1))));
        }
    }
    let flat: Vec<&String> = to.iter().flatten().collect();
    let order: Option<Vec<usize>> = flat.iter().map(|name| names.iter().position(|other| other == *name)).collect();
    let order = order.filter(|order| order.len() == names.len()).ok_or_else(wrong)?;
    let target: Shape = to
        .iter()
        .map(|group| {
            let extent = |name: &String| extents.get(names.iter().position(|other| other == name)?).copied().flatten();
            group.iter().map(extent).product::<Option<usize>>()
        })
        .collect();
    reshape_to(&transpose_to(&reshape_to(x, &Shape::from(extents))?, &order)?, &target)
}

/// Reorders, splits and merges axes by a pattern of their names (`keras.ops.rearrange`).
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1i32, 2, 3, 4], [1, 4])?;
/// let y = ops::rearrange(&x, "b (h w) -> h w b", &[("h", 2)])?;
/// assert_eq!(y.shape().to_string(), "(2, 2, 1)");
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If the pattern does not fit the tensor.
pub fn rearrange(x: &Tensor, pattern: &str, axes_lengths: &[(&str, usize)]) -> Result<Tensor> {
    let pattern = Nested::Leaf(Item::Value(Value::from(pattern)));
    let args = CallArgs::positional(vec![Nested::Leaf(Item::Tensor(x.clone())), pattern]);
    let args = axes_lengths.iter().fold(args, |args, (name, length)| args.with_value(*name, *length));
    call("Rearrange", config! {}, args)?.into_single()
}
