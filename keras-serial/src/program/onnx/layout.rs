//! Orders of axes: transposes are moved behind element-wise operators and cancelled, so that a chain of
//! convolutions, which ONNX has with channels first, transposes only at its ends.

use super::extents::Extent;
use super::graph::{Attribute, Graph, Kind, Known, Value};
use crate::error::Result;
use crate::program::primitives::inverse;
use crate::tensor::DType;

impl Graph {
    /// Returns a value with its axes in another order; no operator is added before it is needed.
    pub fn transposed(&mut self, value: Value, order: &[usize]) -> Value {
        let Some(known) = self.known(value).cloned() else { return value };
        if order.iter().enumerate().all(|(axis, from)| axis == *from) {
            return value;
        }
        let extents = known.extents.and_then(|extents| pick(&extents, order));
        let (name, dtype) = (known.name, known.dtype);
        let kind = match known.kind {
            Kind::Transposed { of, order: inner } => {
                let Some(order) = pick(&inner, order) else { return value };
                if order.iter().enumerate().all(|(axis, from)| axis == *from) {
                    return of;
                }
                Kind::Transposed { of, order }
            }
            Kind::Constant { id, shape, order: inner } => {
                let Some(order) = pick(&inner, order) else { return value };
                Kind::Constant { id, shape, order }
            }
            Kind::Plain | Kind::Expanded { .. } | Kind::Derived { .. } => {
                Kind::Transposed { of: value, order: order.to_vec() }
            }
        };
        self.add(Known { name, dtype, extents, kind })
    }

    /// Returns the value and axis where the extent of an axis can be read without a transpose.
    pub(super) fn origin(&self, value: Value, axis: usize) -> (Value, usize) {
        match self.known(value).map(|known| &known.kind) {
            Some(Kind::Transposed { of, order }) => (*of, order.get(axis).copied().unwrap_or(axis)),
            _ => (value, axis),
        }
    }

    /// Returns the value whose axes this one has in another order, and that order.
    pub fn source(&self, value: Value) -> Option<(Value, Vec<usize>)> {
        match &self.known(value)?.kind {
            Kind::Transposed { of, order } => Some((*of, order.clone())),
            _ => None,
        }
    }

    /// Applies an element-wise operator, with broadcasting; where operands have their axes in another order,
    /// so has the result.
    ///
    /// # Errors
    /// If an operand can't be brought to its form.
    pub fn elementwise(
        &mut self,
        name: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
        dtype: DType,
    ) -> Result<Value> {
        let inputs = &self.unexpanded(inputs, 0);
        let extents = self.broadcast(inputs, 0);
        let depths = inputs.iter().map(|input| self.depth(*input)).collect::<Option<Vec<usize>>>();
        let depth = depths.and_then(|depths| depths.into_iter().max()).map_or(DEEPEST, |depth| depth + 1);
        if extents.is_some() && depth < DEEPEST {
            let name_of = inputs.first().map(|input| self.name(*input).to_owned()).unwrap_or_default();
            let kind = Kind::Derived { operator: name, inputs: inputs.to_vec(), attributes, depth };
            return Ok(self.add(Known { name: name_of, dtype, extents, kind }));
        }
        let rank = extents.as_ref().map_or(0, Vec::len);
        let Some((sources, order)) = self.sources(inputs).filter(|(_, order)| order.len() == rank) else {
            let value = self.operator(name, inputs, attributes, dtype)?;
            self.set_extents(value, extents);
            return Ok(value);
        };
        let value = self.operator(name, &sources, attributes, dtype)?;
        let inner = extents.as_ref().and_then(|extents| pick(extents, &inverse(&order)));
        self.set_extents(value, inner);
        Ok(self.transposed(value, &order))
    }

    /// Returns the values of which the operands are transposes of one order, and that order; `None` if there are
    /// none, or it would cost more than to transpose the operands.
    pub fn sources(&mut self, inputs: &[Value]) -> Option<(Vec<Value>, Vec<usize>)> {
        let (_, order) = inputs.iter().find_map(|input| self.source(*input))?;
        let sources = inputs.iter().map(|input| self.in_order(*input, &order)).collect::<Option<Vec<Value>>>()?;
        Some((sources, order))
    }

    /// Returns how many operators make a value of constants, which can still be put in another order.
    fn depth(&self, value: Value) -> Option<usize> {
        match self.known(value)?.kind {
            Kind::Constant { .. } => Some(0),
            Kind::Derived { depth, .. } => Some(depth),
            _ => None,
        }
    }

    /// Returns a value in another shape, if that needs no operator: for constants.
    pub fn reshaped(&mut self, value: Value, shape: &[usize]) -> Option<Value> {
        let Known { name, dtype, kind, .. } = self.known(value)?.clone();
        let Kind::Constant { id, order, .. } = kind else { return None };
        if !order.is_sorted() {
            return None;
        }
        let extents = shape.iter().map(|extent| Extent::new(vec![*extent; self.programs])).collect();
        let kind = Kind::Constant { id, shape: shape.to_vec(), order: (0..shape.len()).collect() };
        Some(self.add(Known { name, dtype, extents: Some(extents), kind }))
    }

    /// Returns the extents of an element-wise result, without as many last axes.
    fn broadcast(&self, inputs: &[Value], without: usize) -> Option<Vec<Extent>> {
        let of = |input: &Value| {
            let extents = self.extents(*input)?;
            extents.get(..extents.len().checked_sub(without)?)
        };
        let all = inputs.iter().map(of).collect::<Option<Vec<_>>>()?;
        let rank = all.iter().map(|extents| extents.len()).max()?;
        let mut result: Vec<Extent> = vec![Extent::new(vec![1; self.programs]); rank];
        for extents in all {
            for (to, from) in result.iter_mut().rev().zip(extents.iter().rev()) {
                *to = to.zip(from, |a, b| if a == 1 { b } else { a });
            }
        }
        Some(result)
    }

    /// Returns the value of which this operand is a transpose of this order; `None` where that costs more than
    /// to transpose the others.
    fn in_order(&mut self, value: Value, order: &[usize]) -> Option<Value> {
        let key = (value, order.to_vec());
        if let Some(oriented) = self.oriented.get(&key) {
            return Some(*oriented);
        }
        let oriented = self.oriented(value, order)?;
        if self.depth(value).is_some() {
            self.oriented.insert(key, oriented);
        }
        Some(oriented)
    }

    fn oriented(&mut self, value: Value, order: &[usize]) -> Option<Value> {
        let known = self.known(value)?.clone();
        let back = inverse(order);
        match known.kind {
            Kind::Transposed { of, order: own } if own == order => Some(of),
            Kind::Constant { id, shape, order: own } => {
                let missing = order.len().checked_sub(own.len())?;
                let shape: Vec<usize> = std::iter::repeat_n(1, missing).chain(shape).collect();
                let own: Vec<usize> = (0..missing).chain(own.into_iter().map(|axis| axis + missing)).collect();
                let order = pick(&own, &back)?;
                let extents = order.iter().map(|axis| shape.get(*axis).copied()).collect::<Option<Vec<usize>>>()?;
                let extents = extents.into_iter().map(|extent| Extent::new(vec![extent; self.programs])).collect();
                let kind = Kind::Constant { id, shape, order };
                Some(self.add(Known { extents: Some(extents), kind, ..known }))
            }
            Kind::Derived { operator, inputs, attributes, depth } => {
                let inputs = inputs.iter().map(|input| self.in_order(*input, order)).collect::<Option<Vec<_>>>()?;
                let extents = self.broadcast(&inputs, 0);
                Some(self.add(Known { extents, kind: Kind::Derived { operator, inputs, attributes, depth }, ..known }))
            }
            Kind::Plain if known.extents.as_ref()?.iter().all(|extent| extent.known() == Some(1)) => {
                // One number fits in any order; a higher rank than the others' would show in the result.
                (known.extents.as_ref()?.len() <= order.len()).then_some(value)
            }
            Kind::Plain => {
                let extents = known.extents?;
                let is_small = extents.len() == order.len() && extents.iter().any(|extent| extent.known() == Some(1));
                is_small.then(|| self.transposed(value, &back))
            }
            Kind::Expanded { of } if self.depth(of).is_some() && known.extents.as_ref()?.len() == order.len() => {
                let inner = self.in_order(of, order)?;
                Some(self.expanded(inner, &pick(&known.extents?, &back)?))
            }
            Kind::Transposed { .. } | Kind::Expanded { .. } => None,
        }
    }

    /// Returns a value with axes of extent 1 repeated; no operator is added before it is needed.
    pub fn expanded(&mut self, value: Value, extents: &[Extent]) -> Value {
        let Some(known) = self.known(value) else { return value };
        let (name, dtype) = (known.name.clone(), known.dtype);
        let kind = Kind::Expanded { of: value };
        self.add(Known { name, dtype, extents: Some(extents.to_vec()), kind })
    }

    /// Repeats axes of a value by an operator.
    pub(super) fn expand(&mut self, value: Value, extents: &[Extent]) -> Result<Value> {
        let from = self.extents(value).map(<[Extent]>::to_vec).unwrap_or_default();
        // An axis that stays may be given as 1.
        let missing = extents.len().saturating_sub(from.len());
        let shape: Vec<Extent> = extents
            .iter()
            .enumerate()
            .map(|(axis, to)| match axis.checked_sub(missing).and_then(|axis| from.get(axis)) {
                Some(from) if from == to => to.zip(to, |_, _| 1),
                _ => to.clone(),
            })
            .collect();
        let shape = self.shape(&shape)?;
        let dtype = self.dtype(value);
        self.operator("Expand", &[value, shape], vec![], dtype)
    }

    /// Takes operands that others repeat anyhow as they were before they were repeated; `matrices` is the number
    /// of last axes that do not broadcast.
    pub fn unexpanded(&self, inputs: &[Value], matrices: usize) -> Vec<Value> {
        let mut inputs = inputs.to_vec();
        let whole = self.broadcast(&inputs, matrices);
        for position in 0..inputs.len() {
            let Some(Kind::Expanded { of }) =
                inputs.get(position).and_then(|input| self.known(*input)).map(|known| &known.kind)
            else {
                continue;
            };
            let mut shorter = inputs.clone();
            if let Some(place) = shorter.get_mut(position) {
                *place = *of;
            }
            let last = |value: Value| {
                self.extents(value).map(|extents| extents.iter().rev().take(matrices).cloned().collect::<Vec<_>>())
            };
            let keeps_matrices = inputs.get(position).is_some_and(|input| last(*input) == last(*of));
            if keeps_matrices && whole.is_some() && self.broadcast(&shorter, matrices) == whole {
                inputs = shorter;
            }
        }
        inputs
    }
}

/// The number of operators on constants that are kept back at most, one after the other.
const DEEPEST: usize = 64;

/// Returns the items at these positions.
pub(super) fn pick<T: Clone>(items: &[T], order: &[usize]) -> Option<Vec<T>> {
    order.iter().map(|axis| items.get(*axis).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_undone() {
        let order = [0, 2, 3, 1];
        assert_eq!(inverse(&order), [0, 3, 1, 2]);
        assert_eq!(pick(&inverse(&order), &order).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn transposes_move_behind_element_wise_operators_and_cancel() {
        let mut graph = Graph::new(18, 1);
        let extents = [2, 3, 4, 5].map(|extent| Extent::new([extent])).to_vec();
        let x = graph.add_plain("x", DType::Float32, Some(extents));
        let last = graph.transposed(x, &[0, 2, 3, 1]);
        let bias = crate::tensor::Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]).unwrap();
        let bias = graph.constant("bias", bias).unwrap();
        let y = graph.elementwise("Add", &[last, bias], vec![], DType::Float32).unwrap();
        let y = graph.elementwise("Relu", &[y], vec![], DType::Float32).unwrap();
        let first = graph.transposed(y, &[0, 3, 1, 2]);
        assert!(graph.source(first).is_none());
        let names: Vec<&str> = graph.operators().iter().map(|operator| operator.name).collect();
        assert_eq!(names, ["Add", "Relu"]);
        let stored = &graph.initializers()[0];
        assert_eq!(
            (stored.shape.as_slice(), stored.order.as_slice()),
            ([1, 1, 1, 3].as_slice(), [0, 3, 1, 2].as_slice())
        );
    }
}
