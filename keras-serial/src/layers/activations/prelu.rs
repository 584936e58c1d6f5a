//! Rectified linear units whose slope is learned.

use crate::config::ConfigField;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{AxisSpec, BuildContext, InputSpec, Layer, LayerBase, LayerTraits, Weight};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// `x` where positive, `alpha · x` elsewhere, with a learned `alpha` for each position.
///
/// # Arguments
/// - `alpha_initializer`: `Zeros`; `alpha_regularizer`, `alpha_constraint`: none.
/// - `shared_axes`: none; the axes along which one `alpha` serves all positions.
///
/// Follows <https://keras.io/api/layers/activation_layers/prelu>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[-2.0f32, 2.0], [1, 2])?;
/// assert_eq!(PReLU::new().alpha_initializer("ones").apply(&x)?.to_vec::<f32>()?, [-2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct PReLU {
    base: LayerBase,
    #[keras(default = Some("zeros".into()))]
    alpha_initializer: Option<Initializer>,
    #[keras(default)]
    alpha_regularizer: Option<Regularizer>,
    #[keras(default)]
    alpha_constraint: Option<Constraint>,
    #[keras(default, with = "one_or_more", field_type = Option::<AxisSpec>::field_type)]
    shared_axes: Option<Vec<isize>>,
    #[keras(weight)]
    alpha: Weight,
}

/// Reads a single axis as a list of one.
mod one_or_more {
    use super::{ConfigField, Result, Value};

    pub(super) fn to_value(axes: &Option<Vec<isize>>) -> Result<Value> {
        axes.to_value()
    }

    pub(super) fn from_value(value: &Value) -> Result<Option<Vec<isize>>> {
        match value {
            Value::Int(_) => isize::from_value(value).map(|axis| Some(vec![axis])),
            value => Option::from_value(value),
        }
    }
}

impl Layer for PReLU {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let mut shape: Shape = input.dims().iter().skip(1).copied().collect();
        for axis in self.shared_axes.iter().flatten() {
            shape = shape.with(axis - 1, Some(1))?;
        }
        self.alpha
            .make(cx, shape)
            .initializer(&self.alpha_initializer)
            .regularizer(&self.alpha_regularizer)
            .constraint(&self.alpha_constraint)
            .create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let below = ops::multiply(&self.alpha.value()?, ops::relu(&ops::negative(x)?)?)?;
        ops::subtract(&ops::relu(x)?, &below).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let alpha = self.alpha.variable()?.shape().clone();
        let mut spec = InputSpec::ndim(alpha.rank() + 1);
        let shared = self.shared_axes.as_ref().filter(|axes| !axes.is_empty())?;
        for (axis, extent) in (1isize..).zip(alpha.dims()).filter(|(axis, _)| !shared.contains(axis)) {
            spec = extent.iter().fold(spec, |spec, extent| spec.axis(axis, *extent));
        }
        Some(spec)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn shared_axes_have_one_slope() {
        let layer = PReLU::new().shared_axes([1]).shared();
        layer.build(&Shape::from([None, Some(4), Some(3)])).unwrap();
        assert_eq!(layer.weights()[0].shape().to_string(), "(1, 3)");
    }
}
