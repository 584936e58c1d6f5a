//! Shapes of symbols, with which graphs of Keras 2 compute through `tf.shape`.
//!
//! In Keras 3 a shape is not a tensor: an unknown extent is `-1` in the shape given to `reshape`.

use std::collections::HashMap;

use super::graph::{Call, Tensor, tensor_of};
use crate::json::Value;

/// An extent; `None` if it is known only when the model is called.
type Extent = Option<i64>;

/// The result of an operation on shapes.
#[derive(Clone, Debug)]
enum Symbol {
    /// The whole shape of a layer's output, with the extents known from the file.
    Shape { known: Option<Vec<Extent>> },
    /// Several extents.
    Extents(Vec<Extent>),
    /// One extent.
    Extent(Extent),
    /// One extent per output.
    Parts { known: Option<Vec<Extent>> },
}

/// The operations of a graph that return shapes, and the shapes known from the file.
#[derive(Default)]
pub(super) struct Shapes {
    symbols: HashMap<String, Symbol>,
    inputs: HashMap<String, Vec<Extent>>,
}

impl Shapes {
    /// Sets the shape of an input, batch first.
    pub(super) fn know(&mut self, input: &str, shape: &[Value]) {
        self.inputs.insert(input.to_owned(), shape.iter().map(Value::as_i64).collect());
    }

    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Returns true if this operation returns a shape.
    pub(super) fn is_shape(&self, operation: &str) -> bool {
        self.symbols.contains_key(operation)
    }

    /// Returns the extent that a symbol or number stands for.
    fn extent(&self, value: &Value) -> Option<Extent> {
        if let Value::Int(extent) = value {
            return Some(Some(*extent).filter(|extent| *extent >= 0));
        }
        let tensor = tensor_of(value)?;
        match self.symbols.get(&tensor.layer)? {
            Symbol::Extent(extent) => Some(*extent),
            Symbol::Parts { known } => Some(known.as_ref().and_then(|known| *known.get(tensor.output)?)),
            _ => None,
        }
    }

    /// Returns the extents of a shape that is given as a list or as a symbol.
    pub(super) fn extents(&self, value: &Value) -> Option<Vec<Extent>> {
        match value {
            Value::List(items) => {
                let extents = items.iter().map(|item| match item {
                    Value::Int(-1) => Some(vec![None]),
                    item => self.extent(item).map(|extent| vec![extent]).or_else(|| self.extents(item)),
                });
                extents.collect::<Option<Vec<_>>>().map(|parts| parts.concat())
            }
            value => match self.symbols.get(&tensor_of(value)?.layer)? {
                Symbol::Extents(extents) => Some(extents.clone()),
                Symbol::Shape { known } => known.clone(),
                _ => None,
            },
        }
    }

    /// Records the result of an operation, if that is a shape.
    pub(super) fn note(&mut self, name: &str, function: &str, call: &Call) {
        if !self.is_shape(name)
            && let Some(symbol) = self.symbol(function, call)
        {
            self.symbols.insert(name.to_owned(), symbol);
        }
    }

    fn symbol(&self, function: &str, call: &Call) -> Option<Symbol> {
        let of = tensor_of(&call.first);
        if function == "shape" {
            let known = of.and_then(|Tensor { layer, .. }| self.inputs.get(&layer).cloned());
            return Some(Symbol::Shape { known });
        }
        let source = of.and_then(|tensor| self.symbols.get(&tensor.layer));
        match (function, source) {
            ("__operators__.getitem", Some(Symbol::Shape { known })) => {
                self.part(known.as_deref(), call.keywords.get("slice_spec")?)
            }
            ("__operators__.getitem", Some(Symbol::Extents(extents))) => {
                self.part(Some(extents), call.keywords.get("slice_spec")?)
            }
            ("unstack", Some(Symbol::Shape { known })) => Some(Symbol::Parts { known: known.clone() }),
            ("unstack", Some(Symbol::Extents(extents))) => Some(Symbol::Parts { known: Some(extents.clone()) }),
            ("cast" | "identity" | "convert_to_tensor", Some(symbol)) => Some(symbol.clone()),
            ("concat" | "stack", _) => {
                let items = call.first.as_list()?;
                let has_symbol = items.iter().any(|item| tensor_of(item).is_some_and(|t| self.is_shape(&t.layer)));
                has_symbol.then(|| self.extents(&call.first)).flatten().map(Symbol::Extents)
            }
            (
                "math.multiply" | "math.add" | "__operators__.add" | "math.subtract" | "math.floordiv" | "math.truediv",
                _,
            ) => {
                let (a, b) = (self.extent(&call.first), call.keywords.get("y").and_then(|y| self.extent(y)));
                let has_symbol = [Some(&call.first), call.keywords.get("y")]
                    .into_iter()
                    .flatten()
                    .any(|value| tensor_of(value).is_some_and(|t| self.is_shape(&t.layer)));
                let (Some(a), Some(b), true) = (a, b, has_symbol) else { return None };
                let extent = a.zip(b).and_then(|(a, b)| match function {
                    "math.multiply" => a.checked_mul(b),
                    "math.subtract" => a.checked_sub(b),
                    "math.floordiv" | "math.truediv" => a.checked_div(b),
                    _ => a.checked_add(b),
                });
                Some(Symbol::Extent(extent))
            }
            ("math.reduce_prod", Some(Symbol::Extents(extents))) => {
                let product =
                    extents.iter().try_fold(1i64, |product, extent| extent.and_then(|e| product.checked_mul(e)));
                Some(Symbol::Extent(product))
            }
            _ => None,
        }
    }

    /// Returns an entry of a shape, or a range of entries.
    fn part(&self, shape: Option<&[Extent]>, index: &Value) -> Option<Symbol> {
        let index = match index {
            Value::List(items) => match items.as_slice() {
                [one] => one,
                _ => return None,
            },
            index => index,
        };
        let position = |index: i64| match shape {
            Some(shape) if index < 0 => usize::try_from(index.checked_add(i64::try_from(shape.len()).ok()?)?).ok(),
            _ => usize::try_from(index).ok(),
        };
        if let Value::Int(index) = index {
            let known = shape.and_then(|shape| shape.get(position(*index)?).copied().flatten());
            return Some(Symbol::Extent(known));
        }
        let bound = |name: &str| index.get(name).filter(|bound| !bound.is_null());
        if bound("step").is_some() {
            return None;
        }
        let start = bound("start").map_or(Some(0), |start| position(start.as_i64()?))?;
        let end = bound("stop").map(|stop| position(stop.as_i64()?));
        match (shape, end) {
            (Some(shape), end) => {
                let end = end.map_or(Some(shape.len()), |end| end)?.min(shape.len());
                Some(Symbol::Extents(shape.get(start..end)?.to_vec()))
            }
            (None, Some(Some(end))) if end <= MAX_RANK => Some(Symbol::Extents(vec![None; end.checked_sub(start)?])),
            _ => None,
        }
    }
}

/// More axes than tensors have.
const MAX_RANK: usize = 32;
