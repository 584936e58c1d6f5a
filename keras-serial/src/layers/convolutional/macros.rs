//! What convolutions over one, two and three axes share.

/// Defines a convolution layer over `$rank` axes.
macro_rules! convolution {
    ($(#[$doc:meta])* $name:ident, $rank:literal) => {
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, Weight, invalid_argument};
        use crate::ops::conv::{self, DataFormat, Padding};
        use crate::regularizers::Regularizer;
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers")]
        #[derive(KerasSerializable, Debug)]
        #[config(new, setters, validate = Self::check, ignore("lora_rank", "lora_alpha"))]
        pub struct $name {
            base: LayerBase,
            filters: usize,
            kernel_size: Dims<$rank>,
            #[config(default = 1.into())]
            strides: Dims<$rank>,
            #[config(default)]
            padding: Padding,
            #[config(default, alias = "dim_ordering")]
            data_format: DataFormat,
            #[config(default = 1.into())]
            dilation_rate: Dims<$rank>,
            #[config(default = 1)]
            groups: usize,
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

        impl $name {
            fn check(&self) -> Result<()> {
                if self.filters == 0 || self.groups == 0 || !self.filters.is_multiple_of(self.groups) {
                    return Err(invalid_argument("filters", "a positive multiple of `groups`", self.filters));
                }
                if self.strides.0.iter().any(|s| *s > 1) && self.dilation_rate.0.iter().any(|d| *d > 1) {
                    return Err(invalid_argument("dilation_rate", "1, as `strides` are more than 1", format!("{:?}", self.dilation_rate.0)));
                }
                if self.padding == Padding::Causal && $rank != 1 {
                    return Err(invalid_argument("padding", "\"valid\" or \"same\"", "causal"));
                }
                Ok(())
            }
        }

        impl Layer for $name {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                let channels = input.dim(self.data_format.channel_axis())?;
                if !channels.is_multiple_of(self.groups) {
                    return Err(invalid_argument("groups", format!("a divisor of the {channels} input channels"), self.groups));
                }
                let shape: Vec<usize> = self.kernel_size.0.iter().copied().chain([channels / self.groups, self.filters]).collect();
                self.kernel
                    .make(cx, shape)
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
                let mut y = conv::conv(
                    inputs.tensor()?,
                    &self.kernel.value()?,
                    &self.strides.0,
                    self.padding,
                    self.data_format,
                    &self.dilation_rate.0,
                    self.groups,
                )?;
                if self.use_bias {
                    y = conv::add_bias(&y, &self.bias.value()?, self.data_format)?;
                }
                self.activation.apply(&y).map(Into::into)
            }

            fn input_spec(&self) -> Option<InputSpec> {
                let spec = InputSpec::ndim($rank + 2);
                let channels = self.kernel.variable().and_then(|kernel| kernel.shape().dim(-2).ok());
                Some(channels.into_iter().fold(spec, |spec, channels| spec.axis(self.data_format.channel_axis(), channels * self.groups)))
            }
        }
    };
}
