//! What depthwise convolutions over one and two axes share.

/// Defines a depthwise convolution over `$rank` axes.
macro_rules! depthwise_convolution {
    ($(#[$doc:meta])* $name:ident, $rank:literal) => {
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::layers::convolutional::{refuse_causal};
        use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, Weight, invalid_argument};
        use crate::ops::conv::{self, DataFormat, Padding};
        use crate::regularizers::Regularizer;
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers")]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check, ignore("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint", "filters"))]
        pub struct $name {
            base: LayerBase,
            #[keras(default = 1)]
            depth_multiplier: usize,
            kernel_size: Dims<$rank>,
            #[keras(default = 1.into())]
            strides: Dims<$rank>,
            #[keras(default)]
            padding: Padding,
            #[keras(default, alias = "dim_ordering")]
            data_format: DataFormat,
            #[keras(default = 1.into())]
            dilation_rate: Dims<$rank>,
            #[keras(default)]
            activation: Activation,
            #[keras(default = true)]
            use_bias: bool,
            #[keras(default = Some("glorot_uniform".into()))]
            depthwise_initializer: Option<Initializer>,
            #[keras(default = Some("zeros".into()))]
            bias_initializer: Option<Initializer>,
            #[keras(default)]
            depthwise_regularizer: Option<Regularizer>,
            #[keras(default)]
            bias_regularizer: Option<Regularizer>,
            #[keras(base_or_null)]
            activity_regularizer: (),
            #[keras(default)]
            depthwise_constraint: Option<Constraint>,
            #[keras(default)]
            bias_constraint: Option<Constraint>,
            #[keras(weight)]
            kernel: Weight,
            #[keras(weight)]
            bias: Weight,
        }

        impl $name {
            fn check(&self) -> Result<()> {
                if self.depth_multiplier == 0 {
                    return Err(invalid_argument("depth_multiplier", "a strictly positive value", 0));
                }
                refuse_causal(self.padding)
            }
        }

        impl Layer for $name {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                let channels = input.dim(self.data_format.channel_axis())?;
                let shape: Vec<usize> = self.kernel_size.0.iter().copied().chain([channels, self.depth_multiplier]).collect();
                self.kernel
                    .make(cx, shape)
                    .initializer(&self.depthwise_initializer)
                    .regularizer(&self.depthwise_regularizer)
                    .constraint(&self.depthwise_constraint)
                    .create()?;
                if self.use_bias {
                    self.bias
                        .make(cx, [channels.saturating_mul(self.depth_multiplier)])
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
                let spec = InputSpec::ndim($rank + 2);
                let channels = self.kernel.variable().and_then(|kernel| kernel.shape().dim(-2).ok());
                Some(channels.into_iter().fold(spec, |spec, channels| spec.axis(self.data_format.channel_axis(), channels)))
            }
        }
    };
}
