//! Operations that call functions (`keras.ops.map` and the like). The functions must be registered, so that a
//! graph can hold them by name.

use super::define::{Call, call, classes};
use super::dtypes::cast;
use super::graph::config;
use super::shape::{Span, concat, expand_at, flip_axes, slice_axis, unstack};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::functions::Function;
use crate::json::Value;
use crate::object::Handle;
use crate::program;
use crate::tensor::symbolic::is_recording;
use crate::tensor::{CallArgs, DType, Item, Nested, Shape, Tensor};

classes! { "keras.src.ops.core"
    "Map" = |c| {
        let function = function(c.args.positional.first().or_else(|| c.args.keywords.get("f")), "f")?;
        each(&c.tensor(1, "xs")?, |x| function.call(x))
    };
    "VectorizedMap" = |c| {
        let function = Function::from_value(&c.required::<Value>("function")?).at("function")?;
        each(&c.tensor(0, "elements")?, |x| function.call(x))
    };
    "AssociativeScan" = |c| {
        let function = function(c.args.positional.first().or_else(|| c.args.keywords.get("f")), "f")?;
        scanned(&c.tensor(1, "elems")?, c.get("axis", 0)?, c.get("reverse", false)?, |a, b| function.call2(a, b))
    };
    "Switch" = switch;
    "Scan" = |_| Err::<Tensor, _>(
        Error::new(ErrorKind::Unsupported, "`scan` calls a function of two results, and registered functions have one")
    );
    "WhileLoop" = |_| Err::<Tensor, _>(code("while_loop"));
    "ForiLoop" = |_| Err::<Tensor, _>(code("fori_loop"));
    "Cond" = |_| Err::<Tensor, _>(code("cond"));
}

classes! { "keras.src.ops.linalg"
    "JVP" = |_| Err::<Tensor, _>(
        Error::new(ErrorKind::Unsupported, "`jvp` needs derivatives in forward mode, which the engine has not")
    );
}

/// Returns the error for an operation that contains code, which can't be saved.
fn code(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{name}` holds functions that are no part of its configuration"))
        .hint("Keras can't save such a model either; write the computation as a layer or an operation of its own")
}

/// Reads a function that a graph holds by name.
fn function(item: Option<&Nested<Item>>, name: &'static str) -> Result<Function> {
    match item {
        Some(Nested::Leaf(Item::Value(form))) => Function::from_value(form).at(name),
        // A serialized object among the arguments was read as a dict of its entries.
        Some(dict @ Nested::Dict(_)) => Function::from_value(&value_of(dict)).at(name),
        _ => Err(Error::new(ErrorKind::InvalidArgument, format!("missing argument `{name}`"))
            .expected("a registered function")),
    }
}

fn value_of(item: &Nested<Item>) -> Value {
    match item {
        Nested::Leaf(Item::Value(value)) => value.clone(),
        Nested::List(items) | Nested::Tuple(items) => Value::List(items.iter().map(value_of).collect()),
        Nested::Dict(items) => Value::Dict(items.iter().map(|(key, item)| (key.clone(), value_of(item))).collect()),
        _ => Value::Null,
    }
}

/// Applies the function to each entry of the first axis, and stacks the results.
fn each(x: &Tensor, function: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let count = x.shape().get(0)?;
    let results = program::infer_or_compute(&[x], Vec::new(), || {
        unstack(x)?.iter().map(|x| expand_at(&function(x)?, 0)).collect()
    })?;
    if !results.is_empty() {
        return concat(&results, 0);
    }
    // Without an entry, only the function's own inference tells the shape of its results.
    let rest: Shape = x.shape().dims().iter().skip(1).copied().collect();
    let one = function(&Tensor::symbol(rest, x.dtype()))?;
    let shape: Shape = std::iter::once(count).chain(one.shape().dims().iter().copied()).collect();
    program::infer_or_compute(&[x], Tensor::symbol(&shape, one.dtype()), || super::create::zeros(&shape, one.dtype()))
}

/// Scans an axis: folds each entry with all before it.
fn scanned(
    x: &Tensor,
    axis: isize,
    reverse: bool,
    function: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    program::infer_or_compute(&[x], x.clone(), || {
        let turned = if reverse { flip_axes(x, &[position])? } else { x.clone() };
        let mut parts: Vec<Tensor> = Vec::new();
        for i in 0..x.shape().dim(axis)? {
            let part = slice_axis(&turned, axis, Span::range(i, i + 1))?;
            parts.push(match parts.last() {
                Some(before) => function(before, &part)?,
                None => part,
            });
        }
        if parts.is_empty() {
            return Ok(x.clone());
        }
        let whole = concat(&parts, axis)?;
        if reverse { flip_axes(&whole, &[position]) } else { Ok(whole) }
    })
}

/// Calls one of several functions, by an index that is clamped to the valid range.
fn switch(c: &Call<'_>) -> Result<Tensor> {
    let branches = match c.args.positional.get(1).or_else(|| c.args.keywords.get("branches")) {
        Some(Nested::List(items) | Nested::Tuple(items)) => {
            items.iter().map(|item| function(Some(item), "branches")).collect::<Result<Vec<_>>>()?
        }
        _ => {
            return Err(
                Error::new(ErrorKind::InvalidArgument, "missing argument `branches`").expected("registered functions")
            );
        }
    };
    let index = c.tensor(0, "index")?;
    let chosen = program::infer_or_compute(&[&index], 0, || {
        let last = branches.len().saturating_sub(1) as i64;
        Ok(cast(&index, DType::Int64)?.item::<i64>()?.clamp(0, last) as usize)
    })?;
    let branch =
        branches.get(chosen).ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "`switch` without branches"))?;
    match c.args.positional.len() {
        3 => branch.call(&c.tensor(2, "operands")?),
        4 => branch.call2(&c.tensor(2, "operands")?, &c.tensor(3, "operands")?),
        count => Err(Error::new(ErrorKind::Unsupported, "`switch` is supported for one or two operands")
            .received(count.saturating_sub(2).to_string())),
    }
}

/// Applies a function to each entry of the first axis, and stacks the results (`keras.ops.map`). A function that is
/// recorded in a graph must be registered.
///
/// # Errors
/// Errors of the function, and if results have different shapes.
pub fn map(function: &Function, xs: &Tensor) -> Result<Tensor> {
    if !is_recording(&CallArgs::from(xs)) {
        return each(xs, |x| function.call(x));
    }
    let form = Nested::Leaf(Item::Value(Handle::serialize(function)?));
    call("Map", config! {}, CallArgs::positional(vec![form, Nested::Leaf(Item::Tensor(xs.clone()))]))?.into_single()
}

/// Applies a function to each entry of the first axis, and stacks the results (`keras.ops.vectorized_map`).
/// A function that is recorded in a graph must be registered.
///
/// # Errors
/// Errors of the function, and if results have different shapes.
pub fn vectorized_map(function: &Function, elements: &Tensor) -> Result<Tensor> {
    if !is_recording(&CallArgs::from(elements)) {
        return each(elements, |x| function.call(x));
    }
    call("VectorizedMap", config! { function: Handle::serialize(function)? }, CallArgs::from(elements))?.into_single()
}

/// Scans an axis with an associative function: folds each entry with all before it
/// (`keras.ops.associative_scan`). A function that is recorded in a graph must be registered.
///
/// # Errors
/// Errors of the function, and if there is no such axis.
pub fn associative_scan(function: &Function, elems: &Tensor, reverse: bool, axis: isize) -> Result<Tensor> {
    if !is_recording(&CallArgs::from(elems)) {
        return scanned(elems, axis, reverse, |a, b| function.call2(a, b));
    }
    let form = Nested::Leaf(Item::Value(Handle::serialize(function)?));
    let args = CallArgs::positional(vec![form, Nested::Leaf(Item::Tensor(elems.clone()))]);
    call("AssociativeScan", config! { reverse: reverse, axis: axis }, args)?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_called_on_entries() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).unwrap();
        let twice = Function::new(|x: &Tensor| super::super::add(x, x));
        assert_eq!(map(&twice, &x).unwrap().to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0, 8.0]);
        let sum = Function::new(|a: &Tensor, b: &Tensor| super::super::add(a, b));
        let sums = associative_scan(&sum, &x, false, 0).unwrap();
        assert_eq!(sums.to_vec::<f32>().unwrap(), [1.0, 2.0, 4.0, 6.0]);
        let sums = associative_scan(&sum, &x, true, 1).unwrap();
        assert_eq!(sums.to_vec::<f32>().unwrap(), [3.0, 2.0, 7.0, 4.0]);
        assert!(map(&twice, &Tensor::symbol([2], DType::Float32)).is_err());
    }
}
