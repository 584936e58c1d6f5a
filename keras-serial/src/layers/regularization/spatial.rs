//! What the layers share that drop whole channels.

use crate::config::{Config, ConfigField};
use crate::error::Result;
use crate::json::Value;
use crate::layers::LayerBase;

/// Writes Keras's configuration of these layers: `rate`, `seed`, `name`, the weights' dtype, `data_format`.
pub(super) fn write_config(base: &LayerBase, config: &mut Config) -> Result<()> {
    let dtype = base.dtype_policy().variable_dtype()?.name().to_owned().to_value()?;
    let entries = ["rate", "seed", "name", "dtype", "data_format"].into_iter().filter_map(|key| {
        let value = if key == "dtype" { Some(dtype.clone()) } else { config.get(key).cloned() };
        value.map(|value: Value| (key.to_owned(), value))
    });
    *config = entries.collect();
    Ok(())
}

/// Defines a layer that drops channels of inputs with `$axes` axes between batch and channels.
macro_rules! spatial_dropout {
    ($(#[$doc:meta])* $name:ident, $axes:literal $(, $data_format:ident: $type:ty)?) => {
        use crate::config::{Config, Number};
        use crate::error::Result;
        use crate::layers::regularization::{check_share, drop_out, spatial};
        use crate::layers::{InputSpec, Layer, LayerBase, LayerTraits, Signature};
        use crate::random::{Seed, SeedGenerator};
        use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.layers")]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check, get_config = Self::write)]
        pub struct $name {
            base: LayerBase,
            rate: Number,
            #[keras(default)]
            seed: Seed,
            $(#[keras(default)]
            $data_format: $type,)?
            /// Advances with each call.
            #[keras(seed_generator)]
            generator: SeedGenerator,
        }

        impl $name {
            fn check(&self) -> Result<()> {
                check_share("rate", self.rate)
            }

            fn write(&self, config: &mut Config) -> Result<()> {
                spatial::write_config(&self.base, config)
            }
        }

        impl Layer for $name {
            fn traits(&self) -> LayerTraits {
                LayerTraits::new().built_at_init(true).supports_masking(true)
            }

            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                let x = inputs.tensor()?;
                if !cx.is_training() {
                    return Ok(x.clone().into());
                }
                #[allow(unused_mut, unused_assignments, reason = "one axis has one layout")]
                let mut channels = $axes + 1;
                $(channels = x.shape().axis(self.$data_format.channel_axis())?;)?
                let noise: Shape = (0..$axes + 2).map(|i| if i == 0 || i == channels { None } else { Some(1) }).collect();
                drop_out(x, self.rate.get(), Some(&noise), &self.seed, &self.generator).map(Into::into)
            }

            fn signature(&self) -> Signature {
                Signature::new(&["inputs", "training"])
            }

            fn input_spec(&self) -> Option<InputSpec> {
                Some(InputSpec::ndim($axes + 2))
            }
        }
    };
}
