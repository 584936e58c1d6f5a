//! Normalization layers (`keras.layers`, normalization).

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

use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{AxisSpec, InputSpec, LayerBase};
use crate::tensor::Nested;

/// Writes the axes as a sorted list once the layer is built, as Keras does.
fn write_axes(axis: &AxisSpec, base: &LayerBase, config: &mut Config) -> Result<()> {
    if base.is_built() {
        config.insert("axis".into(), axis.sorted().to_value().at("axis")?);
    }
    Ok(())
}

/// Returns the rank, and the extent of an axis, that the layer was built with.
fn built_spec(base: &LayerBase, axis: isize) -> Option<InputSpec> {
    let shapes = base.built_shapes()?;
    let Some(Nested::Leaf(input)) = shapes.values().next() else { return None };
    let spec = InputSpec::ndim(input.rank());
    Some(input.get(axis).ok().flatten().into_iter().fold(spec, |spec, extent| spec.axis(axis, extent)))
}

/// Reads the axis from a list of one, as old files write it.
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
