//! Dense layer with a ternary kernel: `activation(mean(|kernel|) · x · ternary(kernel) + bias)`.

use crate::activations::Activation;
use crate::config::Number;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerTraits, Weight, invalid_argument};
use crate::ops::{self, Axes};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// A dense layer that computes with its kernel rounded to -1, 0 or 1 while the floating-point kernel is
/// trained.
///
/// An element of the ternary kernel is the element's sign if its magnitude is above `threshold`, and 0
/// otherwise. Gradients pass to the floating-point kernel unchanged (a straight-through estimator).
///
/// # Arguments
/// - `units`: the number of outputs.
/// - `threshold`: none, which means half of `mean(|kernel|)`; outputs are then also scaled by
///   `mean(|kernel|)`.
/// - `activation`: `linear` by default; `use_bias`: true by default.
/// - `kernel_initializer`, `bias_initializer`: `glorot_uniform` and `zeros` by default.
/// - `kernel_regularizer`, `bias_regularizer`, `activity_regularizer`, `kernel_constraint`,
///   `bias_constraint`: none by default.
///
/// # Shapes
/// `(batch, …, inputs)` gives `(batch, …, units)`.
///
/// Keras has this layer since 3.16. Its packed form, `quantize("ternary")`, is not supported.
///
/// ```
/// use keras_serial::layers::TernaryDense;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let layer = TernaryDense::new(1).use_bias(false).kernel_initializer("ones");
/// assert_eq!(layer.apply(&x)?.to_vec::<f32>()?, [3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct TernaryDense {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    threshold: Option<Number>,
    #[keras(default)]
    activation: Activation,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    bias_regularizer: Option<Regularizer>,
    #[keras(default)]
    kernel_constraint: Option<Constraint>,
    #[keras(default)]
    bias_constraint: Option<Constraint>,
    #[keras(weight)]
    kernel: Weight,
    #[keras(weight)]
    bias: Weight,
}

impl TernaryDense {
    fn check(&self) -> Result<()> {
        if self.units == 0 {
            return Err(invalid_argument("units", "a positive integer", self.units));
        }
        match self.threshold.map(Number::get) {
            Some(threshold) if threshold.is_nan() || threshold < 0.0 => {
                Err(invalid_argument("threshold", "a non-negative float or None", threshold))
            }
            _ => Ok(()),
        }
    }

    /// Returns the ternary kernel, with a straight-through gradient to the kernel.
    fn ternary(&self, kernel: &Tensor, magnitude: &Tensor) -> Result<Tensor> {
        let threshold = match self.threshold {
            Some(threshold) => ops::multiply(&ops::ones_like(magnitude)?, threshold.get())?,
            None => ops::multiply(&ops::mean(magnitude, Axes::all(), false)?, 0.5)?,
        };
        let counts = ops::cast_to(&ops::greater(magnitude, &threshold)?, kernel.dtype())?;
        let ternary = ops::multiply(&ops::sign(kernel)?, &counts)?;
        ops::add(kernel, &ops::stop_gradient(&ops::subtract(&ternary, kernel)?)?)
    }
}

impl Layer for TernaryDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel
            .make(cx, [input.last()?, self.units])
            .initializer(&self.kernel_initializer)
            .regularizer(&self.kernel_regularizer)
            .constraint(&self.kernel_constraint)
            .create()?;
        if self.use_bias {
            self.bias
                .make(cx, [self.units])
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let kernel = self.kernel.value()?;
        let magnitude = ops::abs(&kernel)?;
        let mut y = ops::matmul(inputs.tensor()?, &self.ternary(&kernel, &magnitude)?)?;
        if self.threshold.is_none() {
            y = ops::multiply(&y, &ops::mean(&magnitude, Axes::all(), false)?)?;
        }
        if self.use_bias {
            y = ops::add(&y, self.bias.value()?)?;
        }
        self.activation.apply(&y).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let spec = InputSpec::min_ndim(2);
        let inputs = self.kernel.variable().and_then(|kernel| kernel.shape().dim(0).ok());
        Some(inputs.into_iter().fold(spec, |spec, inputs| spec.axis(-1, inputs)))
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{LayerExt, LayerRef};

    fn layer(layer: TernaryDense, kernel: &[f32]) -> LayerRef {
        let layer = layer.use_bias(false).shared();
        layer.build(&Shape::from([None, Some(2)])).unwrap();
        layer.set_weights(&[Tensor::from_slice(kernel, [2, 2]).unwrap()]).unwrap();
        layer
    }

    // keras.layers.TernaryDense(2, use_bias=False)([[1., 1.]]) with these kernels, in Keras 3.16
    #[test]
    fn the_mean_magnitude_scales_outputs_if_there_is_no_threshold() {
        let x = Tensor::from_slice(&[1.0f32, 1.0], [1, 2]).unwrap();
        let y = layer(TernaryDense::new(2), &[0.5, -0.5, 0.5, 0.5]).apply(&x).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn what_is_below_the_threshold_counts_as_zero() {
        let x = Tensor::from_slice(&[2.0f32, 3.0], [1, 2]).unwrap();
        let y = layer(TernaryDense::new(2).threshold(Number::from(0.5)), &[1.0, -1.0, 0.0, 1.0]).apply(&x).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [2.0, 1.0]);
    }

    #[test]
    fn a_negative_threshold_is_refused() {
        let config = TernaryDense::new(2).threshold(Number::from(-0.1)).get_config();
        let error = config.and_then(|config| TernaryDense::from_config(&config)).unwrap_err();
        assert!(error.to_string().contains("non-negative"), "{error}");
    }
}
