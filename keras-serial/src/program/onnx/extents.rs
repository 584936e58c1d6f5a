//! Extents that are known only when a graph runs, and how it computes them.

use super::graph::{Attribute, Graph, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

/// An extent, position or count, with its value in each of the programs that were traced with different
/// unknown extents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extent(Vec<usize>);

impl Extent {
    /// Creates an extent from its value in each program.
    pub fn new(values: impl IntoIterator<Item = usize>) -> Self {
        Self(values.into_iter().collect())
    }

    /// Returns the value, if it is the same in all programs.
    pub fn known(&self) -> Option<usize> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().all(|value| value == first).then_some(*first)
    }

    /// Returns the values in each program.
    pub fn values(&self) -> &[usize] {
        &self.0
    }

    /// Returns the value in the first program.
    pub fn first(&self) -> usize {
        self.0.first().copied().unwrap_or_default()
    }

    /// Combines two extents, value by value.
    pub fn zip(&self, other: &Self, combine: impl Fn(usize, usize) -> usize) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| combine(*a, *b)).collect())
    }

    /// Returns how much larger this is than another, if it is so by the same number in all programs.
    pub fn minus(&self, other: &Self) -> Option<i64> {
        let mut differences = self.0.iter().zip(&other.0).map(|(a, b)| *a as i64 - *b as i64);
        let first = differences.next()?;
        differences.all(|difference| difference == first).then_some(first)
    }

    /// Returns the integers `a` and `b` with which this is `a · other + b` in all programs.
    fn affine(&self, other: &Self) -> Option<(i64, i64)> {
        let points: Vec<(i64, i64)> = self.0.iter().zip(&other.0).map(|(y, x)| (*x as i64, *y as i64)).collect();
        let (x, y) = points.first()?;
        let (u, v) = points.iter().find(|(u, _)| u != x)?;
        let a = (v - y).checked_div(u - x)?;
        let b = y - a * x;
        (a != 0 && points.iter().all(|(x, y)| *y == a * x + b)).then_some((a, b))
    }
}

/// The axis of a value where an extent can be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    value: Value,
    axis: usize,
}

impl Graph {
    /// Remembers the unknown extents of a value, so that others can be computed from them.
    pub(super) fn note_extents(&mut self, value: Value) {
        let Some(extents) = self.extents(value).map(<[Extent]>::to_vec) else { return };
        for (axis, extent) in extents.into_iter().enumerate() {
            if extent.known().is_none() {
                let (value, axis) = self.origin(value, axis);
                self.places.entry(extent).or_insert(Place { value, axis });
            }
        }
    }

    /// Returns the extents as a vector of `int64` that is computed when the graph runs.
    ///
    /// # Errors
    /// If one can't be computed from the shapes of the values so far.
    pub fn shape(&mut self, extents: &[Extent]) -> Result<Value> {
        let known: Option<Vec<i64>> = extents.iter().map(|extent| extent.known().map(|known| known as i64)).collect();
        if let Some(known) = known {
            return self.ints(&known);
        }
        let mut parts: Vec<Value> = Vec::new();
        let mut run: Vec<i64> = Vec::new();
        for extent in extents {
            match extent.known() {
                Some(known) => run.push(known as i64),
                None => {
                    if !run.is_empty() {
                        parts.push(self.ints(&std::mem::take(&mut run))?);
                    }
                    parts.push(self.extent(extent)?);
                }
            }
        }
        if !run.is_empty() {
            parts.push(self.ints(&run)?);
        }
        match parts.as_slice() {
            [part] => Ok(*part),
            parts => self.operator("Concat", parts, vec![("axis", Attribute::Int(0))], DType::Int64),
        }
    }

    /// Returns one extent as a vector of one `int64`.
    ///
    /// # Errors
    /// If it can't be computed from the shapes of the values so far.
    pub fn extent(&mut self, extent: &Extent) -> Result<Value> {
        if let Some(known) = extent.known() {
            return self.ints(&[known as i64]);
        }
        if let Some(value) = self.computed.get(extent) {
            return Ok(*value);
        }
        let value = match self.places.get(extent) {
            Some(place) => self.read(*place)?,
            None => self.derived(extent)?,
        };
        self.computed.insert(extent.clone(), value);
        Ok(value)
    }

    fn read(&mut self, Place { value, axis }: Place) -> Result<Value> {
        let value = self.plain(value)?;
        let axis = axis as i64;
        if self.opset() >= 15 {
            let part = vec![("start", Attribute::Int(axis)), ("end", Attribute::Int(axis + 1))];
            return self.operator("Shape", &[value], part, DType::Int64);
        }
        let shape = self.operator("Shape", &[value], vec![], DType::Int64)?;
        let axis = self.ints(&[axis])?;
        self.operator("Gather", &[shape, axis], vec![], DType::Int64)
    }

    /// Computes an extent from one or two others.
    fn derived(&mut self, extent: &Extent) -> Result<Value> {
        let known: Vec<Extent> = self.places.keys().cloned().collect();
        for other in &known {
            if let Some((factor, offset)) = extent.affine(other) {
                return self.linear(other, factor, offset);
            }
        }
        for (i, x) in known.iter().enumerate() {
            for y in known.iter().skip(i) {
                let product = x.zip(y, usize::saturating_mul);
                if let Some((factor, offset)) = extent.affine(&product) {
                    let (x, y) = (self.extent(x)?, self.extent(y)?);
                    let product_value = self.operator("Mul", &[x, y], vec![], DType::Int64)?;
                    self.computed.insert(product.clone(), product_value);
                    return self.linear(&product, factor, offset);
                }
            }
        }
        for other in &known {
            // Each window of `divisor` positions gives one, the last one also if it is not full.
            for divisor in 2..=64 {
                for shift in (1 - divisor as i64)..divisor as i64 {
                    let quotient = |x: usize| (x as i64 + shift).div_euclid(divisor as i64);
                    let fits = other.values().iter().zip(extent.values()).all(|(x, y)| quotient(*x) == *y as i64);
                    if fits {
                        let shifted = self.linear(other, 1, shift)?;
                        let divisor = self.ints(&[divisor as i64])?;
                        return self.operator("Div", &[shifted, divisor], vec![], DType::Int64);
                    }
                }
            }
        }
        Err(Error::new(ErrorKind::Unsupported, "an extent depends on an unknown extent in a way that has no ONNX form")
            .received(format!("{:?} where the unknown extents differ", extent.values()))
            .hint("export with fixed extents: `ExportOptions::input_shapes`"))
    }

    /// Computes `factor · x + offset`.
    fn linear(&mut self, x: &Extent, factor: i64, offset: i64) -> Result<Value> {
        let mut value = self.extent(x)?;
        if factor != 1 {
            let factor = self.ints(&[factor])?;
            value = self.operator("Mul", &[value, factor], vec![], DType::Int64)?;
        }
        if offset != 0 {
            let offset = self.ints(&[offset])?;
            value = self.operator("Add", &[value, offset], vec![], DType::Int64)?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_compared_in_all_programs() {
        let (x, y) = (Extent::new([5, 7, 11]), Extent::new([13, 17, 25]));
        assert_eq!((x.known(), Extent::new([3, 3]).known()), (None, Some(3)));
        assert_eq!(y.affine(&x), Some((2, 3)));
        assert_eq!(y.minus(&x), None);
        assert_eq!(Extent::new([4, 6, 10]).minus(&x), Some(-1));
        assert_eq!(Extent::new([13, 17, 26]).affine(&x), None);
    }
}
