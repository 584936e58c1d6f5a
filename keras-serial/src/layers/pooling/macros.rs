//! What pooling layers share.

/// Defines a pooling layer over `$rank` axes.
macro_rules! pooling {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $op:ident, $alias:literal) => {
        use crate::error::Result;
        use crate::layers::{Dims, InputSpec, Layer, LayerBase, LayerTraits, invalid_argument};
        use crate::ops::conv::{DataFormat, Padding};
        use crate::ops::pooling::{self, Pooling};
        use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
        use crate::{Config, KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers", alias($alias))]
        #[derive(KerasSerializable, Debug)]
        #[keras(setters, validate = Self::check, from_config = Self::complete)]
        pub struct $name {
            base: LayerBase,
            #[keras(default = 2.into())]
            pool_size: Dims<$rank>,
            #[keras(default)]
            padding: Padding,
            strides: Dims<$rank>,
            #[keras(default)]
            data_format: DataFormat,
        }

        impl $name {
            /// Creates a layer with this window: one number for all axes, or one for each.
            pub fn new(pool_size: impl Into<Dims<$rank>>) -> Self {
                let pool_size = pool_size.into();
                Self { base: LayerBase::default(), pool_size, padding: Padding::Valid, strides: pool_size, data_format: DataFormat::ChannelsLast }
            }

            /// Sets strides that are left out to the window's size.
            fn complete(config: &mut Config) -> Result<()> {
                if config.get("strides").is_none_or(|strides| strides.is_null()) {
                    let size = config.get("pool_size").cloned().unwrap_or(2.into());
                    config.insert("strides".into(), size);
                }
                Ok(())
            }

            fn check(&self) -> Result<()> {
                if self.padding == Padding::Causal {
                    return Err(invalid_argument("padding", "\"valid\" or \"same\"", "causal"));
                }
                Ok(())
            }
        }

        impl Layer for $name {
            fn traits(&self) -> LayerTraits {
                LayerTraits::new().built_at_init(true)
            }

            fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
                let x = inputs.tensor()?;
                pooling::pool(x, Pooling::$op, &self.pool_size.0, &self.strides.0, self.padding, self.data_format).map(Into::into)
            }

            fn input_spec(&self) -> Option<InputSpec> {
                Some(InputSpec::ndim($rank + 2))
            }
        }
    };
}
pub(super) use pooling;

/// Defines a pooling layer over all positions of `$rank` axes.
macro_rules! global_pooling {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $op:ident, $masked:literal, $alias:literal) => {
        use crate::error::Result;
        use crate::layers::{InputSpec, Layer, LayerBase, LayerTraits, Signature};
        use crate::ops::conv::DataFormat;
        use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers", alias($alias))]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, default, setters)]
        pub struct $name {
            base: LayerBase,
            #[keras(default)]
            data_format: DataFormat,
            #[keras(default)]
            keepdims: bool,
        }

        impl Layer for $name {
            fn traits(&self) -> LayerTraits {
                LayerTraits::new().built_at_init(true).supports_masking($masked)
            }

            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                let mask = if $masked { cx.mask() } else { None };
                super::macros::global::$op(inputs.tensor()?, mask, self.data_format, self.keepdims).map(Into::into)
            }

            fn signature(&self) -> Signature {
                if $masked { Signature::new(&["inputs", "mask"]) } else { Signature::default() }
            }

            fn input_spec(&self) -> Option<InputSpec> {
                Some(InputSpec::ndim($rank + 2))
            }

            fn compute_mask(&self, _: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
                Ok(vec![None])
            }
        }
    };
}
pub(super) use global_pooling;

/// Defines a pooling layer with a fixed number of output positions on each of `$rank` axes.
macro_rules! adaptive_pooling {
    ($(#[$doc:meta])* $name:ident, $rank:literal, $op:ident) => {
        use crate::error::Result;
        use crate::layers::{Dims, InputSpec, Layer, LayerBase};
        use crate::ops::conv::DataFormat;
        use crate::ops::pooling::{self, Pooling};
        use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers")]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters)]
        pub struct $name {
            base: LayerBase,
            output_size: Dims<$rank>,
            #[keras(default)]
            data_format: DataFormat,
        }

        impl Layer for $name {
            fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
                let x = inputs.tensor()?;
                pooling::adaptive_pool(x, Pooling::$op, &self.output_size.0, self.data_format).map(Into::into)
            }

            fn input_spec(&self) -> Option<InputSpec> {
                Some(InputSpec::ndim($rank + 2))
            }
        }
    };
}
pub(super) use adaptive_pooling;

/// Pooling over all positions: the helpers of the global pooling layers.
#[expect(non_snake_case, reason = "named by the kinds of pooling")]
pub(super) mod global {
    use crate::error::Result;
    use crate::ops::conv::DataFormat;
    use crate::ops::dtypes::cast;
    use crate::ops::reduce::{max_impl, mean_impl, sum_impl};
    use crate::ops::shape::expand_at;
    use crate::ops::{Axes, divide, where_};
    use crate::tensor::{DType, Tensor};

    fn positions(x: &Tensor, format: DataFormat) -> Axes {
        let rank = x.rank() as isize;
        Axes(Some(if format == DataFormat::ChannelsLast { (1..rank - 1).collect() } else { (2..rank).collect() }))
    }

    pub(in super::super) fn Max(x: &Tensor, _: Option<&Tensor>, format: DataFormat, keepdims: bool) -> Result<Tensor> {
        max_impl(x, &positions(x, format), keepdims)
    }

    pub(in super::super) fn Average(
        x: &Tensor,
        mask: Option<&Tensor>,
        format: DataFormat,
        keepdims: bool,
    ) -> Result<Tensor> {
        let axes = positions(x, format);
        let Some(mask) = mask else { return mean_impl(x, &axes, keepdims) };
        let mask = expand_at(&cast(mask, DType::Bool)?, if format == DataFormat::ChannelsLast { 2 } else { 1 })?;
        let counted = sum_impl(&where_(&mask, x, 0)?, &axes, keepdims)?;
        divide(counted, sum_impl(&cast(&mask, x.dtype())?, &axes, keepdims)?)
    }
}
