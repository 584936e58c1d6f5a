//! The transpose of a convolution over height and width.

use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, Weight, invalid_argument};
use crate::ops::conv::{self, DataFormat, Padding};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// The transpose (not the inverse) of a convolution: from its outputs' shape to its inputs'.
///
/// # Arguments
/// - `filters`: the number of outputs; `kernel_size`: the window.
/// - `strides`, `dilation_rate`: 1; `padding`: `valid`; `output_padding`: none;
///   `data_format`: `channels_last`.
/// - `activation`: linear; `use_bias`: true; `kernel_initializer`: `glorot_uniform`;
///   `bias_initializer`: `zeros`; no regularizers and constraints.
///
/// # Shapes
/// `(batch, height, width, channels)` gives `(batch, height · strides, width · strides, filters)` for
/// `same` padding.
///
/// Follows <https://keras.io/api/layers/convolution_layers/convolution2d_transpose>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[3.0f32], [1, 1, 1, 1])?;
/// let y = Conv2DTranspose::new(1, 2).kernel_initializer("ones").apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [3.0, 3.0, 3.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[config(new, setters, validate = Self::check, ignore("groups"))]
pub struct Conv2DTranspose {
    base: LayerBase,
    filters: usize,
    kernel_size: Dims<2>,
    #[config(default = 1.into())]
    strides: Dims<2>,
    #[config(default)]
    padding: Padding,
    #[config(default)]
    output_padding: Option<Dims<2>>,
    #[config(default)]
    data_format: DataFormat,
    #[config(default = 1.into())]
    dilation_rate: Dims<2>,
    #[config(default)]
    activation: Activation,
    #[config(default = true)]
    use_bias: bool,
    #[config(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[config(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[config(default)]
    kernel_regularizer: Option<Regularizer>,
    #[config(default)]
    bias_regularizer: Option<Regularizer>,
    #[config(base_or_null)]
    activity_regularizer: (),
    #[config(default)]
    kernel_constraint: Option<Constraint>,
    #[config(default)]
    bias_constraint: Option<Constraint>,
    #[weight]
    kernel: Weight,
    #[weight]
    bias: Weight,
}

impl Conv2DTranspose {
    fn check(&self) -> Result<()> {
        if self.filters == 0 {
            return Err(invalid_argument("filters", "a positive integer", self.filters));
        }
        if self.strides.0.iter().any(|s| *s > 1) && self.dilation_rate.0.iter().any(|d| *d > 1) {
            return Err(invalid_argument(
                "dilation_rate",
                "1, as `strides` are more than 1",
                format!("{:?}", self.dilation_rate.0),
            ));
        }
        if self.padding == Padding::Causal {
            return Err(invalid_argument("padding", "\"valid\" or \"same\"", "causal"));
        }
        Ok(())
    }
}

impl Layer for Conv2DTranspose {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let channels = input.dim(self.data_format.channel_axis())?;
        let [height, width] = self.kernel_size.0;
        self.kernel
            .make(cx, [height, width, self.filters, channels])
            .initializer(&self.kernel_initializer)
            .regularizer(&self.kernel_regularizer)
            .constraint(&self.kernel_constraint)
            .create()?;
        if self.use_bias {
            self.bias
                .make(cx, [self.filters])
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let mut y = conv::conv_transpose(
            inputs.tensor()?,
            &self.kernel.value()?,
            &self.strides.0,
            self.padding,
            self.output_padding.as_ref().map(|padding| padding.0.as_slice()),
            self.data_format,
            &self.dilation_rate.0,
        )?;
        if self.use_bias {
            y = conv::add_bias(&y, &self.bias.value()?, self.data_format)?;
        }
        self.activation.apply(&y).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let spec = InputSpec::ndim(4);
        let channels = self.kernel.variable().and_then(|kernel| kernel.shape().dim(-1).ok());
        Some(channels.into_iter().fold(spec, |spec, channels| spec.axis(self.data_format.channel_axis(), channels)))
    }
}
