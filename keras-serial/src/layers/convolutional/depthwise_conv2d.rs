//! Each channel under kernels of its own.

use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, Weight, invalid_argument};
use crate::ops::conv::{self, DataFormat, Padding};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Convolution of each channel with `depth_multiplier` kernels of its own.
///
/// # Arguments
/// - `kernel_size`: the window; `depth_multiplier`: 1.
/// - `strides`, `dilation_rate`: 1; `padding`: `valid`; `data_format`: `channels_last`.
/// - `activation`: linear; `use_bias`: true; `depthwise_initializer`: `glorot_uniform`;
///   `bias_initializer`: `zeros`; no regularizers and constraints.
///
/// # Shapes
/// `(batch, height, width, channels)` gives the same with `channels · depth_multiplier` channels.
///
/// Follows <https://keras.io/api/layers/convolution_layers/depthwise_convolution2d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 10.0, 2.0, 20.0], [1, 1, 2, 2])?;
/// let y = DepthwiseConv2D::new([1, 2]).depthwise_initializer("ones").apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [3.0, 30.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[config(new, setters, validate = Self::check, ignore("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint", "filters"))]
pub struct DepthwiseConv2D {
    base: LayerBase,
    #[config(default = 1)]
    depth_multiplier: usize,
    kernel_size: Dims<2>,
    #[config(default = 1.into())]
    strides: Dims<2>,
    #[config(default)]
    padding: Padding,
    #[config(default)]
    data_format: DataFormat,
    #[config(default = 1.into())]
    dilation_rate: Dims<2>,
    #[config(default)]
    activation: Activation,
    #[config(default = true)]
    use_bias: bool,
    #[config(default = Some("glorot_uniform".into()))]
    depthwise_initializer: Option<Initializer>,
    #[config(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[config(default)]
    depthwise_regularizer: Option<Regularizer>,
    #[config(default)]
    bias_regularizer: Option<Regularizer>,
    #[config(base_or_null)]
    activity_regularizer: (),
    #[config(default)]
    depthwise_constraint: Option<Constraint>,
    #[config(default)]
    bias_constraint: Option<Constraint>,
    #[weight]
    kernel: Weight,
    #[weight]
    bias: Weight,
}

impl DepthwiseConv2D {
    fn check(&self) -> Result<()> {
        if self.depth_multiplier == 0 {
            return Err(invalid_argument("depth_multiplier", "a positive integer", 0));
        }
        if self.padding == Padding::Causal {
            return Err(invalid_argument("padding", "\"valid\" or \"same\"", "causal"));
        }
        Ok(())
    }
}

impl Layer for DepthwiseConv2D {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let channels = input.dim(self.data_format.channel_axis())?;
        let [height, width] = self.kernel_size.0;
        self.kernel
            .make(cx, [height, width, channels, self.depth_multiplier])
            .initializer(&self.depthwise_initializer)
            .regularizer(&self.depthwise_regularizer)
            .constraint(&self.depthwise_constraint)
            .create()?;
        if self.use_bias {
            self.bias
                .make(cx, [channels * self.depth_multiplier])
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let mut y = conv::depthwise_conv(
            inputs.tensor()?,
            &self.kernel.value()?,
            &self.strides.0,
            self.padding,
            self.data_format,
            &self.dilation_rate.0,
        )?;
        if self.use_bias {
            y = conv::add_bias(&y, &self.bias.value()?, self.data_format)?;
        }
        self.activation.apply(&y).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let channels = self.kernel.variable().and_then(|kernel| kernel.shape().dim(-2).ok());
        let spec = InputSpec::ndim(4);
        Some(channels.into_iter().fold(spec, |spec, channels| spec.axis(self.data_format.channel_axis(), channels)))
    }
}
