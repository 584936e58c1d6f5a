//! What transposed convolutions over one, two and three axes share.

/// Defines a transposed convolution over `$rank` axes.
macro_rules! convolution_transpose {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $alias:literal) => {
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::layers::convolutional::{check_dilation, refuse_causal};
        use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, Weight, invalid_argument};
        use crate::ops::conv::{self, DataFormat, Padding};
        use crate::regularizers::Regularizer;
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers", alias($alias))]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check, ignore("groups"))]
        pub struct $name {
            base: LayerBase,
            filters: usize,
            kernel_size: Dims<$rank>,
            #[keras(default = 1.into())]
            strides: Dims<$rank>,
            #[keras(default)]
            padding: Padding,
            #[keras(default)]
            output_padding: Option<Dims<$rank, true>>,
            #[keras(default, alias = "dim_ordering")]
            data_format: DataFormat,
            #[keras(default = 1.into())]
            dilation_rate: Dims<$rank>,
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
            #[keras(base_or_null)]
            activity_regularizer: (),
            #[keras(default)]
            kernel_constraint: Option<Constraint>,
            #[keras(default)]
            bias_constraint: Option<Constraint>,
            #[keras(weight)]
            kernel: Weight,
            #[keras(weight)]
            bias: Weight,
        }

        impl $name {
            fn check(&self) -> Result<()> {
                if self.filters == 0 {
                    return Err(invalid_argument("filters", "a strictly positive value", self.filters));
                }
                let extra = self.output_padding.map(|padding| padding.0).unwrap_or_default();
                if extra != <[usize; $rank]>::default() && extra.iter().zip(&self.strides.0).any(|(extra, stride)| extra >= stride) {
                    let received = format!("{extra:?}, strides={:?}", self.strides.0);
                    return Err(invalid_argument("output_padding", "less than `strides` on every axis", received));
                }
                check_dilation(&self.strides.0, &self.dilation_rate.0)?;
                refuse_causal(self.padding)
            }
        }

        impl Layer for $name {
            fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
                let channels = input.dim(self.data_format.channel_axis())?;
                let shape: Vec<usize> = self.kernel_size.0.iter().copied().chain([self.filters, channels]).collect();
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
                let spec = InputSpec::ndim($rank + 2);
                let channels = self.kernel.variable().and_then(|kernel| kernel.shape().dim(-1).ok());
                Some(channels.into_iter().fold(spec, |spec, channels| spec.axis(self.data_format.channel_axis(), channels)))
            }
        }
    };
}
