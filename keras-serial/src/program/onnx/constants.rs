//! Constants that a layer made for the extents of its input: their shape or elements depend on an unknown
//! extent, and the graph makes them when it runs.

use super::extents::Extent;
use super::graph::{CONSTANT, Graph, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::program::Primitive;
use crate::program::primitives::{Range, Slice};
use crate::tensor::{DType, Tensor, cast};

/// Returns true if the constants are equal, element for element.
pub(super) fn are_equal(constants: &[&Tensor]) -> Result<bool> {
    let Some((first, rest)) = constants.split_first() else { return Ok(true) };
    if rest.iter().any(|other| other.shape() != first.shape() || other.dtype() != first.dtype()) {
        return Ok(false);
    }
    if rest.is_empty() {
        return Ok(true);
    }
    let bytes = first.to_bytes()?;
    for other in rest {
        if other.to_bytes()?.data != bytes.data {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds a constant that is the same in all programs: one of equal elements as a single one that is repeated.
///
/// # Errors
/// If the engine can't look at it.
pub(super) fn fixed(graph: &mut Graph, constant: &Tensor) -> Result<Value> {
    let bytes = constant.to_bytes()?;
    let mut elements = bytes.data.chunks(bytes.dtype.size().max(1));
    let first = elements.next();
    let count = elements.len() + 1;
    if count < 2 || !elements.all(|element| Some(element) == first) {
        return graph.constant(CONSTANT, constant.clone());
    }
    let ranges = bytes.shape.iter().map(|_| Range { start: 0, count: 1, step: 1 }).collect();
    let one = Slice(ranges).eval(&[constant])?;
    let one = graph.constant(CONSTANT, one)?;
    let extents: Vec<Extent> = bytes.shape.iter().map(|extent| Extent::new(vec![*extent; graph.programs])).collect();
    Ok(graph.expanded(one, &extents))
}

/// One constant as it is in each of the programs.
struct Family<'a> {
    first: &'a Tensor,
    elements: Vec<Vec<f64>>,
    shapes: Vec<Vec<usize>>,
    extents: Vec<Extent>,
    /// The axes whose extents differ.
    axes: Vec<usize>,
}

/// Adds operators that compute a constant from the unknown extents.
///
/// # Errors
/// If it is none of those that are known here: the same along the axis, a sequence, a triangle, or an extent.
pub(super) fn computed(graph: &mut Graph, constants: &[&Tensor]) -> Result<Value> {
    let family = Family::of(constants)?;
    let made = match (family.axes.as_slice(), family.uneven().as_slice()) {
        ([], _) => family.number(graph)?,
        (_, []) => Some(family.expanded(graph)?),
        (_, [axis]) => family.sequence(graph, *axis)?,
        (_, [rows, columns]) => family.triangle(graph, *rows, *columns)?,
        _ => None,
    };
    made.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "a constant depends on an unknown extent in a way that has no ONNX form")
            .received(format!("{} of shape {}", family.first.dtype(), family.first.shape()))
            .hint("export with fixed extents: `ExportOptions::input_shapes`")
    })
}

impl<'a> Family<'a> {
    fn of(constants: &[&'a Tensor]) -> Result<Self> {
        let first = *constants.first().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "no constants"))?;
        let numbers = |tensor: &&Tensor| cast::cast(tensor, DType::Float64)?.to_vec::<f64>();
        let elements = constants.iter().map(numbers).collect::<Result<Vec<_>>>()?;
        let shapes = constants.iter().map(|tensor| tensor.shape().known()).collect::<Result<Vec<_>>>()?;
        let rank = first.rank();
        let extents: Vec<Extent> = (0..rank)
            .map(|axis| Extent::new(shapes.iter().map(|shape| shape.get(axis).copied().unwrap_or_default())))
            .collect();
        let axes = (0..rank).filter(|axis| extents.get(*axis).is_some_and(|extent| extent.known().is_none())).collect();
        Ok(Self { first, elements, shapes, extents, axes })
    }

    /// Returns the element of a program's constant at the index of each axis.
    fn at(&self, program: usize, index: impl Fn(usize) -> usize) -> Option<f64> {
        let axes = self.shapes.get(program)?.iter().enumerate();
        let position = axes.fold(0, |position, (axis, extent)| position * extent + index(axis));
        self.elements.get(program)?.get(position).copied()
    }

    /// Returns true if `expected` gives all elements: of the program and the index.
    fn all(&self, expected: impl Fn(usize, &[usize]) -> Option<f64>) -> bool {
        self.shapes.iter().zip(&self.elements).enumerate().all(|(program, (shape, elements))| {
            let mut index = vec![0; shape.len()];
            elements.iter().all(|element| {
                let expected = expected(program, &index);
                for (i, extent) in index.iter_mut().zip(shape).rev() {
                    *i += 1;
                    if *i < *extent {
                        break;
                    }
                    *i = 0;
                }
                Some(*element) == expected || (element.is_nan() && expected.is_some_and(f64::is_nan))
            })
        })
    }

    /// Returns the axes along which the elements are not all the same, among those whose extents differ; all of
    /// those if they are not the same in all programs.
    fn uneven(&self) -> Vec<usize> {
        let index_of = |index: &[usize], axis: usize| index.get(axis).copied().unwrap_or_default();
        let along = |axis: &usize| {
            let first = |index: &[usize], other: usize| if other == *axis { 0 } else { index_of(index, other) };
            !self.all(|program, index| self.at(program, |other| first(index, other)))
        };
        let uneven: Vec<usize> = self.axes.iter().copied().filter(along).collect();
        let first = |index: &[usize], axis: usize| if self.axes.contains(&axis) { 0 } else { index_of(index, axis) };
        let is_same = !uneven.is_empty() || self.all(|_, index| self.at(0, |axis| first(index, axis)));
        if is_same { uneven } else { self.axes.clone() }
    }

    /// Repeats the first slice along the axes.
    fn expanded(&self, graph: &mut Graph) -> Result<Value> {
        let ranges = self.extents.iter().enumerate().map(|(axis, extent)| {
            let count = if self.axes.contains(&axis) { 1 } else { extent.first() };
            Range { start: 0, count, step: 1 }
        });
        let slice = Slice(ranges.collect()).eval(&[self.first])?;
        let slice = graph.constant(CONSTANT, slice)?;
        Ok(graph.expanded(slice, &self.extents))
    }

    /// Computes a single number: an extent, or one divided by it.
    fn number(&self, graph: &mut Graph) -> Result<Option<Value>> {
        let values: Option<Vec<f64>> = self
            .elements
            .iter()
            .map(|elements| match elements.as_slice() {
                [value] => Some(*value),
                _ => None,
            })
            .collect();
        let Some(values) = values else { return Ok(None) };
        let whole = |value: f64| ((0.0..1e9).contains(&value) && value.fract() == 0.0).then_some(value as usize);
        let inverse = |value: f64| {
            let whole = (1.0 / value).round();
            (((1.0 / value) - whole).abs() < 1e-4 * whole.abs()).then_some(whole as usize)
        };
        let dtype = self.first.dtype();
        let plain: Option<Vec<usize>> = values.iter().map(|value| whole(*value)).collect();
        let value = if let Some(plain) = plain {
            let value = graph.extent(&Extent::new(plain))?;
            graph.cast(value, dtype)?
        } else if let Some(inverse) = values.iter().map(|value| inverse(*value)).collect::<Option<Vec<usize>>>() {
            let value = graph.extent(&Extent::new(inverse))?;
            let value = graph.cast(value, DType::Float32)?;
            let value = graph.operator("Reciprocal", &[value], vec![], DType::Float32)?;
            graph.cast(value, dtype)?
        } else {
            return Ok(None);
        };
        let shape = graph.shape(&self.extents)?;
        graph.operator("Reshape", &[value, shape], vec![], dtype).map(Some)
    }

    /// Returns the positions along an axis as `int64`, in a shape of the constant's rank.
    fn positions(&self, graph: &mut Graph, axis: usize) -> Result<Value> {
        let (zero, one) = (graph.scalar(0.0, DType::Int64)?, graph.scalar(1.0, DType::Int64)?);
        let extent = self.extents.get(axis).cloned().unwrap_or_else(|| Extent::new([]));
        let count = graph.extent(&extent)?;
        let scalar = graph.ints(&[])?;
        let count = graph.operator("Reshape", &[count, scalar], vec![], DType::Int64)?;
        let positions = graph.operator("Range", &[zero, count, one], vec![], DType::Int64)?;
        let shape: Vec<i64> = (0..self.extents.len()).map(|other| if other == axis { -1 } else { 1 }).collect();
        let shape = graph.ints(&shape)?;
        graph.operator("Reshape", &[positions, shape], vec![], DType::Int64)
    }

    /// Computes a sequence of steps of one size along an axis.
    fn sequence(&self, graph: &mut Graph, axis: usize) -> Result<Option<Value>> {
        let index = |i: usize| move |other: usize| if other == axis { i } else { 0 };
        let (Some(first), Some(second)) = (self.at(0, index(0)), self.at(0, index(1))) else { return Ok(None) };
        let step = second - first;
        let expected = |start: f64, i: usize| start + step * i as f64;
        let starts: Option<Vec<f64>> = (0..self.shapes.len()).map(|program| self.at(program, index(0))).collect();
        let Some(starts) = starts else { return Ok(None) };
        let fits = self.all(|program, index| Some(expected(*starts.get(program)?, *index.get(axis)?)));
        if !fits || self.first.dtype() == DType::Bool {
            return Ok(None);
        }
        let dtype = self.first.dtype();
        let inner = if dtype.is_float() { DType::Float32 } else { DType::Int64 };
        let positions = self.positions(graph, axis)?;
        let mut value = graph.cast(positions, inner)?;
        if step != 1.0 {
            let step = graph.scalar(step, inner)?;
            value = graph.operator("Mul", &[value, step], vec![], inner)?;
        }
        if starts.iter().any(|start| *start != first) {
            let whole: Vec<usize> = starts.iter().map(|start| *start as usize).collect();
            let start = graph.extent(&Extent::new(whole))?;
            let start = graph.cast(start, inner)?;
            value = graph.operator("Add", &[value, start], vec![], inner)?;
        } else if first != 0.0 {
            let start = graph.scalar(first, inner)?;
            value = graph.operator("Add", &[value, start], vec![], inner)?;
        }
        let value = graph.cast(value, dtype)?;
        let shape = graph.shape(&self.extents)?;
        graph.operator("Expand", &[value, shape], vec![], dtype).map(Some)
    }

    /// Computes a constant of two numbers that a diagonal divides, as a causal mask.
    fn triangle(&self, graph: &mut Graph, rows: usize, columns: usize) -> Result<Option<Value>> {
        let index = |row: usize, column: usize| {
            move |axis: usize| {
                if axis == rows {
                    row
                } else if axis == columns {
                    column
                } else {
                    0
                }
            }
        };
        let last = |axis: usize| self.extents.get(axis).map_or(0, |extent| extent.first().saturating_sub(1));
        let (below, above) = (self.at(0, index(last(rows), 0)), self.at(0, index(0, last(columns))));
        let (Some(below), Some(above)) = (below, above) else { return Ok(None) };
        // How far the lower part reaches to the right of the diagonal.
        let width =
            (0..=last(columns)).take_while(|column| self.at(0, index(0, *column)) == Some(below)).count() as i64;
        let fits = self.all(|_, index| {
            let (row, column) = (*index.get(rows)? as i64, *index.get(columns)? as i64);
            Some(if column - row < width { below } else { above })
        });
        if !fits {
            return Ok(None);
        }
        let (row, column) = (self.positions(graph, rows)?, self.positions(graph, columns)?);
        let distance = graph.operator("Sub", &[column, row], vec![], DType::Int64)?;
        let width = graph.scalar(width as f64, DType::Int64)?;
        let is_below = graph.operator("Less", &[distance, width], vec![], DType::Bool)?;
        let dtype = self.first.dtype();
        let value = if dtype == DType::Bool {
            if below == 1.0 { is_below } else { graph.operator("Not", &[is_below], vec![], DType::Bool)? }
        } else {
            let (below, above) = (graph.scalar(below, DType::Float32)?, graph.scalar(above, DType::Float32)?);
            let value = graph.operator("Where", &[is_below, below, above], vec![], DType::Float32)?;
            graph.cast(value, dtype)?
        };
        let shape = graph.shape(&self.extents)?;
        graph.operator("Expand", &[value, shape], vec![], dtype).map(Some)
    }
}
