//! An axis argument of a layer: one axis, or several.

use crate::config::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;
use crate::ops::Axes;
use crate::tensor::Shape;

/// An axis, or a list of axes, as an argument of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AxisSpec {
    /// One axis.
    One(isize),
    /// Several axes.
    Several(Vec<isize>),
}

impl AxisSpec {
    /// Returns the axes in ascending order, negative ones first.
    pub(crate) fn sorted(&self) -> Vec<isize> {
        match self {
            Self::One(axis) => vec![*axis],
            Self::Several(axes) => {
                let mut axes = axes.clone();
                axes.sort_unstable();
                axes
            }
        }
    }

    /// Returns the axes in the order in which they were given.
    pub(crate) fn list(&self) -> Vec<isize> {
        match self {
            Self::One(axis) => vec![*axis],
            Self::Several(axes) => axes.clone(),
        }
    }

    pub(crate) fn axes(&self) -> Axes {
        Axes(Some(self.sorted()))
    }

    /// Returns the shape of weights along these axes of an input.
    pub(crate) fn weight_shape(&self, input: &Shape) -> Result<Shape> {
        self.sorted().into_iter().map(|axis| input.dim(axis).map(Some)).collect::<Result<Vec<_>>>().map(Shape::from)
    }
}

impl From<isize> for AxisSpec {
    fn from(axis: isize) -> Self {
        Self::One(axis)
    }
}

impl From<i32> for AxisSpec {
    fn from(axis: i32) -> Self {
        Self::One(axis as isize)
    }
}

impl<const N: usize> From<[isize; N]> for AxisSpec {
    fn from(axes: [isize; N]) -> Self {
        Self::Several(axes.to_vec())
    }
}

impl From<Vec<isize>> for AxisSpec {
    fn from(axes: Vec<isize>) -> Self {
        Self::Several(axes)
    }
}

impl ConfigField for AxisSpec {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![isize::field_type(), crate::config::FieldType::list(isize::field_type())])
    }

    fn to_value(&self) -> Result<Value> {
        match self {
            Self::One(axis) => axis.to_value(),
            Self::Several(axes) => axes.to_value(),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(_) => isize::from_value(value).map(Self::One),
            Value::List(_) => Vec::from_value(value).map(Self::Several),
            _ => Err(wrong_type("an int or a list of ints", value)),
        }
    }
}
