//! Layer normalization.

use super::write_axes;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{AxisSpec, BuildContext, Layer, LayerBase, LayerTraits, Weight};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Layer normalization: `gamma · (x - mean) / √(variance + epsilon) + beta`, with each sample's mean and
/// variance over axes.
///
/// # Arguments
/// - `axis`: -1; one axis, or a list.
/// - `epsilon`: 0.001.
/// - `center`, `scale`: true; whether there is a `beta` and a `gamma`.
/// - `rms_scaling`: false; Keras's legacy option that leaves out mean and beta.
/// - `beta_initializer`, `gamma_initializer`: `zeros` and `ones`.
/// - `beta_regularizer`, `gamma_regularizer`, `beta_constraint`, `gamma_constraint`: none.
///
/// Follows <https://keras.io/api/layers/normalization_layers/layer_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 2])?;
/// let y = LayerNormalization::new().epsilon(0.0).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, get_config = Self::write)]
pub struct LayerNormalization {
    base: LayerBase,
    #[keras(default = AxisSpec::One(-1))]
    axis: AxisSpec,
    #[keras(default = 1e-3)]
    epsilon: f64,
    #[keras(default = true)]
    center: bool,
    #[keras(default = true)]
    scale: bool,
    #[keras(default)]
    rms_scaling: bool,
    #[keras(default = Some("zeros".into()))]
    beta_initializer: Option<Initializer>,
    #[keras(default = Some("ones".into()))]
    gamma_initializer: Option<Initializer>,
    #[keras(default)]
    beta_regularizer: Option<Regularizer>,
    #[keras(default)]
    gamma_regularizer: Option<Regularizer>,
    #[keras(default)]
    beta_constraint: Option<Constraint>,
    #[keras(default)]
    gamma_constraint: Option<Constraint>,
    #[keras(weight)]
    gamma: Weight,
    #[keras(weight)]
    beta: Weight,
}

impl LayerNormalization {
    fn write(&self, config: &mut Config) -> Result<()> {
        write_axes(&self.axis, &self.base, config)
    }
}

impl Layer for LayerNormalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let shape = self.axis.weight_shape(input)?;
        if self.scale || self.rms_scaling {
            self.gamma
                .make(cx, &shape)
                .initializer(&self.gamma_initializer)
                .regularizer(&self.gamma_regularizer)
                .constraint(&self.gamma_constraint)
                .autocast(false)
                .create()?;
        }
        if self.center && !self.rms_scaling {
            self.beta
                .make(cx, &shape)
                .initializer(&self.beta_initializer)
                .regularizer(&self.beta_regularizer)
                .constraint(&self.beta_constraint)
                .autocast(false)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let gamma = self.gamma.variable().map(|gamma| gamma.value()).transpose()?;
        let beta = self.beta.variable().map(|beta| beta.value()).transpose()?;
        let (gamma, beta) = (gamma.as_ref(), beta.as_ref());
        let axes = self.axis.sorted();
        let y = ops::layer_normalization(inputs.tensor()?, gamma, beta, &axes, self.epsilon, self.rms_scaling)?;
        ops::cast_to(&y, self.base.dtype_policy().compute_dtype()?).map(Into::into)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false).supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use crate::layers::LayerExt;

    #[test]
    fn the_axis_is_a_list_once_built() {
        let layer = LayerNormalization::new().shared();
        assert_eq!(layer.get_config().unwrap().get("axis"), Some(&Value::Int(-1)));
        layer.build(&Shape::from([None, Some(3)])).unwrap();
        assert_eq!(layer.get_config().unwrap().get("axis"), Some(&Value::from(vec![-1isize])));
        assert!(LayerNormalization::new().shared().build(&Shape::from([Some(3), None])).is_err());
    }
}
