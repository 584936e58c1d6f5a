//! Layers that normalize (`keras.layers`, normalization).

mod batch_normalization;
mod group_normalization;
mod layer_normalization;
mod rms_normalization;
mod spectral_normalization;
mod unit_normalization;

pub use batch_normalization::BatchNormalization;
pub use group_normalization::GroupNormalization;
pub use layer_normalization::LayerNormalization;
pub use rms_normalization::RMSNormalization;
pub use spectral_normalization::SpectralNormalization;
pub use unit_normalization::UnitNormalization;

use crate::config::{Config, ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{InputSpec, LayerBase};
use crate::ops::Axes;
use crate::tensor::{Nested, Shape};

/// The axes over which a layer normalizes: one, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NormAxes {
    /// One axis.
    One(isize),
    /// Several axes.
    Several(Vec<isize>),
}

impl NormAxes {
    /// In rising order, negative ones first.
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

    pub(crate) fn axes(&self) -> Axes {
        Axes(Some(self.sorted()))
    }

    /// The shape of weights for these axes of an input.
    pub(crate) fn weight_shape(&self, input: &Shape) -> Result<Shape> {
        self.sorted().into_iter().map(|axis| input.dim(axis).map(Some)).collect::<Result<Vec<_>>>().map(Shape::from)
    }

    /// Keras writes a sorted list as soon as the layer is built.
    pub(crate) fn write_built(&self, base: &LayerBase, config: &mut Config) -> Result<()> {
        if base.is_built() {
            config.insert("axis".into(), self.sorted().to_value().at("axis")?);
        }
        Ok(())
    }
}

impl From<isize> for NormAxes {
    fn from(axis: isize) -> Self {
        Self::One(axis)
    }
}

impl From<i32> for NormAxes {
    fn from(axis: i32) -> Self {
        Self::One(axis as isize)
    }
}

impl<const N: usize> From<[isize; N]> for NormAxes {
    fn from(axes: [isize; N]) -> Self {
        Self::Several(axes.to_vec())
    }
}

impl ConfigField for NormAxes {
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
            _ => Err(wrong_type("an int or a list of ints for the argument 'axis'", value)),
        }
    }
}

/// The rank and the extent on an axis that a layer was built with.
fn built_spec(base: &LayerBase, axis: isize) -> Option<InputSpec> {
    let shapes = base.built_shapes()?;
    let Some(Nested::Leaf(input)) = shapes.values().next() else { return None };
    let spec = InputSpec::ndim(input.rank());
    Some(input.get(axis).ok().flatten().into_iter().fold(spec, |spec, extent| spec.axis(axis, extent)))
}

/// Old files write the one axis as a list.
fn single_axis(config: &mut Config) -> Result<()> {
    if let Some(axis) = config.get_mut("axis")
        && let Value::List(axes) = axis
    {
        match axes.as_slice() {
            [one] => *axis = one.clone(),
            _ => {
                return Err(Error::new(ErrorKind::Config, "invalid value for argument `axis`")
                    .expected("one axis")
                    .received(Value::List(axes.clone()).short()));
            }
        }
    }
    Ok(())
}
