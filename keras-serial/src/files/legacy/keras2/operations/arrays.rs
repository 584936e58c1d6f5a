//! TensorFlow functions that move elements: shapes, joins, indices, sorting.

use super::emit::Emit;
use crate::error::Result;
use crate::json::{Dict, Value};

fn simple(emit: &mut Emit<'_>, class: &str, config: &[(&str, Value)]) -> Result<()> {
    let x = emit.first();
    emit.last(class, config, vec![x])
}

/// `x[…]`: files of Keras 2 write slices as dicts of their bounds.
pub(super) fn getitem(emit: &mut Emit<'_>) -> Result<()> {
    let index = match emit.required("slice_spec")? {
        Value::List(items) => Value::List(items.into_iter().map(slice).collect()),
        one => Value::List(vec![slice(one)]),
    };
    let Value::List(items) = &index else { return Ok(()) };
    if let Some(lists) = items.iter().find(|item| matches!(item, Value::List(_))) {
        return Err(emit.refuse(&format!("with the index {}", lists.short())));
    }
    let x = emit.first();
    emit.last_as_written("GetItem", x, index)
}

fn slice(item: Value) -> Value {
    let special = |class: &str, config: Dict| {
        Value::Dict(Dict::from([
            ("class_name".to_owned(), Value::from(class)),
            ("config".to_owned(), Value::Dict(config)),
        ]))
    };
    match item {
        Value::Dict(ellipsis) if ellipsis.contains_key("class_name") => special("__ellipsis__", Dict::new()),
        Value::Dict(bounds) => {
            let bounds =
                ["start", "stop", "step"].map(|name| (name.to_owned(), bounds.get(name).cloned().unwrap_or_default()));
            special("__slice__", Dict::from(bounds))
        }
        other => other,
    }
}

pub(super) fn cast(emit: &mut Emit<'_>) -> Result<()> {
    let dtype = emit.required("dtype")?;
    simple(emit, "core.Cast", &[("dtype", dtype)])
}

pub(super) fn zeros_like(emit: &mut Emit<'_>) -> Result<()> {
    emit.take("optimize");
    let dtype = emit.take("dtype");
    simple(emit, "ZerosLike", &[("dtype", dtype)])
}

pub(super) fn ones_like(emit: &mut Emit<'_>) -> Result<()> {
    emit.take("optimize");
    let dtype = emit.take("dtype");
    simple(emit, "OnesLike", &[("dtype", dtype)])
}

pub(super) fn reshape(emit: &mut Emit<'_>) -> Result<()> {
    let shape = emit.required("shape")?;
    let shape = emit.shape(&shape)?;
    simple(emit, "Reshape", &[("newshape", shape)])
}

pub(super) fn batch_flatten(emit: &mut Emit<'_>) -> Result<()> {
    simple(emit, "layers.Flatten", &[])
}

pub(super) fn transpose(emit: &mut Emit<'_>) -> Result<()> {
    let axes = emit.take("perm");
    simple(emit, "Transpose", &[("axes", axes)])
}

pub(super) fn matrix_transpose(emit: &mut Emit<'_>) -> Result<()> {
    simple(emit, "Swapaxes", &[("axis1", Value::Int(-1)), ("axis2", Value::Int(-2))])
}

pub(super) fn expand_dims(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.any_of(&["axis", "dim"]);
    simple(emit, "ExpandDims", &[("axis", axis)])
}

pub(super) fn squeeze(emit: &mut Emit<'_>) -> Result<()> {
    let axis = match emit.any_of(&["axis", "squeeze_dims"]) {
        Value::List(axes) if axes.is_empty() => Value::Null,
        axis => axis,
    };
    simple(emit, "Squeeze", &[("axis", axis)])
}

pub(super) fn tile(emit: &mut Emit<'_>) -> Result<()> {
    let multiples = emit.required("multiples")?;
    let multiples = emit.shape(&multiples)?;
    if multiples.as_list().is_some_and(|items| items.contains(&Value::Int(-1))) {
        return Err(emit.refuse("with numbers of copies that are computed"));
    }
    simple(emit, "Tile", &[("repeats", multiples)])
}

pub(super) fn repeat(emit: &mut Emit<'_>) -> Result<()> {
    let (repeats, axis) = (emit.required("repeats")?, emit.take("axis"));
    if !matches!(repeats, Value::Int(_) | Value::List(_)) {
        return Err(emit.refuse("with numbers of copies that are computed"));
    }
    simple(emit, "Repeat", &[("repeats", repeats), ("axis", axis)])
}

pub(super) fn pad(emit: &mut Emit<'_>) -> Result<()> {
    let (widths, mode) = (emit.required("paddings")?, emit.or("mode", "CONSTANT"));
    let fill = emit.or("constant_values", 0);
    let mode = mode.as_str().unwrap_or_default().to_lowercase();
    let fill = if mode == "constant" { fill } else { Value::Null };
    let keywords = Dict::from([("constant_values".to_owned(), fill)]);
    let x = emit.first();
    emit.last_with("Pad", &[("pad_width", widths), ("mode", Value::from(mode))], vec![x], keywords)
}

pub(super) fn reverse(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.required("axis")?;
    simple(emit, "Flip", &[("axis", axis)])
}

pub(super) fn roll(emit: &mut Emit<'_>) -> Result<()> {
    let (shift, axis) = (emit.required("shift")?, emit.take("axis"));
    simple(emit, "Roll", &[("shift", shift), ("axis", axis)])
}

pub(super) fn broadcast_to(emit: &mut Emit<'_>) -> Result<()> {
    let shape = emit.required("shape")?;
    let shape = emit.shape(&shape)?;
    if shape.as_list().is_some_and(|items| items.contains(&Value::Int(-1))) {
        return Err(emit.refuse("with a shape that is computed"));
    }
    simple(emit, "BroadcastTo", &[("shape", shape)])
}

/// Returns the tensors to join.
fn inputs(emit: &mut Emit<'_>) -> Vec<Value> {
    match emit.first() {
        Value::List(inputs) => inputs,
        one => vec![one],
    }
}

pub(super) fn concat(emit: &mut Emit<'_>) -> Result<()> {
    let (inputs, axis) = (inputs(emit), emit.required("axis")?);
    emit.last("Concatenate", &[("axis", axis)], vec![Value::List(inputs)])
}

pub(super) fn stack(emit: &mut Emit<'_>) -> Result<()> {
    let (inputs, axis) = (inputs(emit), emit.or("axis", 0));
    emit.last("Stack", &[("axis", axis)], vec![Value::List(inputs)])
}

pub(super) fn unstack(emit: &mut Emit<'_>) -> Result<()> {
    let (count, axis) = (emit.take("num"), emit.or("axis", 0));
    simple(emit, "core.Unstack", &[("num", count), ("axis", axis)])
}

/// `split`: Keras takes positions, TensorFlow takes sizes.
pub(super) fn split(emit: &mut Emit<'_>) -> Result<()> {
    let (sizes, axis) = (emit.required("num_or_size_splits")?, emit.or("axis", 0));
    emit.take("num");
    let parts = match sizes {
        Value::List(sizes) => {
            let sizes =
                sizes.iter().map(Value::as_i64).collect::<Option<Vec<_>>>().filter(|sizes| !sizes.contains(&-1));
            let Some(sizes) = sizes else { return Err(emit.refuse("with sizes that are computed")) };
            let ends = sizes.iter().scan(0i64, |end, size| {
                *end = end.checked_add(*size)?;
                Some(Value::Int(*end))
            });
            Value::List(ends.take(sizes.len().saturating_sub(1)).collect())
        }
        count => count,
    };
    simple(emit, "Split", &[("indices_or_sections", parts), ("axis", axis)])
}

pub(super) fn gather(emit: &mut Emit<'_>) -> Result<()> {
    let (indices, axis) = (emit.required("indices")?, emit.or("axis", 0));
    emit.only("batch_dims", &[Value::Int(0)])?;
    emit.take("validate_indices");
    let x = emit.first();
    emit.last("Take", &[("axis", axis)], vec![x, indices])
}

pub(super) fn one_hot(emit: &mut Emit<'_>) -> Result<()> {
    let (depth, axis) = (emit.required("depth")?, emit.or("axis", -1));
    emit.only("on_value", &[Value::Int(1), Value::Float(1.0)])?;
    emit.only("off_value", &[Value::Int(0), Value::Float(0.0)])?;
    let dtype = emit.or("dtype", "float32");
    let config = [("num_classes", depth), ("axis", axis), ("dtype", dtype), ("sparse", Value::Bool(false))];
    simple(emit, "nn.OneHot", &config)
}

/// Returns true if the order is descending.
fn is_descending(emit: &mut Emit<'_>) -> bool {
    emit.take("direction").as_str() == Some("DESCENDING")
}

pub(super) fn sort(emit: &mut Emit<'_>) -> Result<()> {
    let (axis, descending) = (emit.or("axis", -1), is_descending(emit));
    let x = emit.first();
    if !descending {
        return emit.last("Sort", &[("axis", axis)], vec![x]);
    }
    let negative = emit.step("negative", "Negative", &[], vec![x])?;
    let sorted = emit.step("sorted", "Sort", &[("axis", axis)], vec![negative])?;
    emit.last("Negative", &[], vec![sorted])
}

pub(super) fn argsort(emit: &mut Emit<'_>) -> Result<()> {
    let (axis, descending) = (emit.or("axis", -1), is_descending(emit));
    emit.take("stable");
    let mut x = emit.first();
    if descending {
        x = emit.step("negative", "Negative", &[], vec![x])?;
    }
    emit.last("Argsort", &[("axis", axis)], vec![x])
}

pub(super) fn top_k(emit: &mut Emit<'_>) -> Result<()> {
    let (k, sorted) = (emit.or("k", 1), emit.or("sorted", true));
    emit.only("index_type", &[Value::from("int32")])?;
    simple(emit, "math.TopK", &[("k", k), ("sorted", sorted)])
}

pub(super) fn choose(emit: &mut Emit<'_>) -> Result<()> {
    let args = vec![emit.first(), emit.required("x")?, emit.required("y")?];
    emit.last("Where", &[], args)
}

const LAST_TWO: [(&str, Value); 2] = [("axis1", Value::Int(-2)), ("axis2", Value::Int(-1))];

pub(super) fn diag_part(emit: &mut Emit<'_>) -> Result<()> {
    emit.only("padding_value", &[Value::Int(0)])?;
    emit.only("align", &[Value::from("RIGHT_LEFT")])?;
    let offset = emit.or("k", 0);
    simple(emit, "Diagonal", &[&[("offset", offset)], &LAST_TWO[..]].concat())
}

pub(super) fn trace(emit: &mut Emit<'_>) -> Result<()> {
    simple(emit, "Trace", &[&[("offset", Value::Int(0))], &LAST_TWO[..]].concat())
}

pub(super) fn band_part(emit: &mut Emit<'_>) -> Result<()> {
    let (lower, upper) = (emit.required("num_lower")?, emit.required("num_upper")?);
    match (lower.as_i64(), upper.as_i64()) {
        (Some(lower), Some(upper)) if lower < 0 && upper < 0 => simple(emit, "Copy", &[]),
        (Some(lower), Some(upper)) if lower < 0 => simple(emit, "Tril", &[("k", Value::Int(upper))]),
        (Some(lower), Some(upper)) if upper < 0 => simple(emit, "Triu", &[("k", Value::Int(-lower))]),
        (Some(lower), Some(upper)) => {
            let x = emit.first();
            let below = emit.step("below", "Tril", &[("k", Value::Int(upper))], vec![x])?;
            emit.last("Triu", &[("k", Value::Int(-lower))], vec![below])
        }
        _ => Err(emit.refuse("with bounds that are computed")),
    }
}
