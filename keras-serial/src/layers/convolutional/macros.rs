//! What convolutions over one, two and three axes share.

/// Defines a convolution layer over `$rank` axes.
macro_rules! convolution {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $alias:literal) => {
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::json::Value;
        use crate::layers::convolutional::{check_dilation, refuse_causal};
        use crate::layers::core::lora;
        use crate::layers::{BuildContext, Dims, InputSpec, Layer, LayerBase, OwnState, Weight, invalid_argument};
        use crate::ops::conv::{self, DataFormat, Padding};
        use crate::ops;
        use crate::regularizers::Regularizer;
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{Config, KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers", alias($alias))]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check, get_config = Self::name_alpha, from_config = Self::drop_lora)]
        pub struct $name {
            base: LayerBase,
            filters: usize,
            kernel_size: Dims<$rank>,
            #[keras(default = 1.into())]
            strides: Dims<$rank>,
            #[keras(default)]
            padding: Padding,
            #[keras(default, alias = "dim_ordering")]
            data_format: DataFormat,
            #[keras(default = 1.into())]
            dilation_rate: Dims<$rank>,
            #[keras(default = 1)]
            groups: usize,
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
            /// The rank of the kernel's low-rank update (LoRA), if there is one.
            #[keras(default, skip_if = Option::is_none)]
            lora_rank: Option<usize>,
            #[keras(default, skip_if = Option::is_none)]
            lora_alpha: Option<Value>,
            #[keras(weight)]
            kernel: Weight,
            #[keras(weight)]
            bias: Weight,
            #[keras(weight)]
            lora_kernel_a: Weight,
            #[keras(weight)]
            lora_kernel_b: Weight,
        }

        impl $name {
            fn check(&self) -> Result<()> {
                if self.filters == 0 {
                    return Err(invalid_argument("filters", "a strictly positive value", self.filters));
                }
                if self.groups == 0 || !self.filters.is_multiple_of(self.groups) {
                    let expected = format!("a positive divisor of the number of filters, {}", self.filters);
                    return Err(invalid_argument("groups", expected, self.groups));
                }
                if self.lora_rank.is_some() && self.kernel_constraint.is_some() {
                    return Err(invalid_argument("lora_rank", "none: Lora is incompatible with kernel constraints", "set"));
                }
                check_dilation(&self.strides.0, &self.dilation_rate.0)?;
                if $rank == 1 { Ok(()) } else { refuse_causal(self.padding) }
            }

            /// Writes the rank as alpha if alpha was left out, as Keras does.
            fn name_alpha(&self, config: &mut Config) -> Result<()> {
                if let (Some(rank), None) = (self.lora_rank, &self.lora_alpha) {
                    config.insert("lora_alpha".into(), rank.into());
                }
                Ok(())
            }

            /// Removes the low-rank entries if there is no rank.
            fn drop_lora(config: &mut Config) -> Result<()> {
                let has_rank = config.get("lora_rank").is_some_and(|rank| !rank.is_null() && rank.as_i64() != Some(0));
                if !has_rank {
                    config.shift_remove("lora_rank");
                    config.shift_remove("lora_alpha");
                }
                Ok(())
            }

            /// Returns the kernel, without its low-rank update.
            pub fn kernel(&self) -> &Weight {
                &self.kernel
            }

            /// Returns the bias.
            pub fn bias(&self) -> &Weight {
                &self.bias
            }

            /// Returns the kernel with its low-rank update.
            fn updated_kernel(&self) -> Result<Tensor> {
                let kernel = self.kernel.value()?;
                let Some(rank) = self.lora_rank else { return Ok(kernel) };
                let update = ops::matmul(&self.lora_kernel_a.value()?, &self.lora_kernel_b.value()?)?;
                let scale = lora::scale(rank, self.lora_alpha.as_ref());
                ops::cast_to(&ops::add(&kernel, ops::multiply(&update, scale)?)?, kernel.dtype())
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
                    .make(cx, shape.as_slice())
                    .initializer(&self.kernel_initializer)
                    .regularizer(&self.kernel_regularizer)
                    .constraint(&self.kernel_constraint)
                    .trainable(self.lora_rank.is_none())
                    .create()?;
                if self.use_bias {
                    self.bias
                        .make(cx, [self.filters])
                        .initializer(&self.bias_initializer)
                        .regularizer(&self.bias_regularizer)
                        .constraint(&self.bias_constraint)
                        .create()?;
                }
                if let Some(rank) = self.lora_rank {
                    let factors = (&self.lora_kernel_a, &self.lora_kernel_b);
                    let update = (rank, self.lora_alpha.as_ref());
                    lora::make(cx, &self.kernel, factors, update, &shape, &self.kernel_regularizer)?;
                }
                Ok(())
            }

            fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
                let mut y = conv::conv(
                    inputs.tensor()?,
                    &self.updated_kernel()?,
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

            fn own_state(&self) -> Option<&dyn OwnState> {
                Some(self)
            }
        }

        impl OwnState for $name {
            fn saved_weights(&self) -> Option<Vec<&Weight>> {
                Some(vec![&self.kernel, &self.bias])
            }
        }
    };
}
