//! The named variants of [`VarianceScaling`](super::VarianceScaling): Glorot's, He's and LeCun's.

use super::Initialize;
use super::variance_scaling::{FanMode, ScalingDistribution, draw, fans};
use crate::error::Result;
use crate::random::Seed;
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

macro_rules! variant {
    ($(#[$doc:meta])* $name:ident, $alias:literal, $scale:literal, $mode:ident, $distribution:ident) => {
        $(#[$doc])*
        ///
        /// `seed`, `input_axes` and `output_axes` are null by default. Follows
        /// <https://keras.io/api/layers/initializers/>.
        #[register(builtin = "keras.initializers", alias($alias))]
        #[derive(KerasSerializable, Clone, Debug, Default)]
        pub struct $name {
            #[keras(default)]
            seed: Seed,
            #[keras(default)]
            input_axes: Option<Vec<isize>>,
            #[keras(default)]
            output_axes: Option<Vec<isize>>,
        }

        impl $name {
            /// Creates the initializer without a seed.
            pub fn new() -> Self {
                Self::default()
            }

            /// Sets the seed.
            #[must_use]
            pub fn seed(mut self, seed: u64) -> Self {
                self.seed = seed.into();
                self
            }
        }

        impl Initialize for $name {
            fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
                let fans = fans(shape, self.input_axes.as_deref(), self.output_axes.as_deref())?;
                draw(&self.seed, shape, dtype, $scale, FanMode::$mode, ScalingDistribution::$distribution, fans)
            }

            fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
                fans(shape, self.input_axes.as_deref(), self.output_axes.as_deref())?;
                Ok(shape.is_known() && dtype.is_float())
            }
        }
    };
}

variant! {
    /// The Glorot uniform initializer, within ±√(6 / (inputs + outputs)): Keras's default for kernels.
    ///
    /// ```
    /// use keras_serial::initializers::{GlorotUniform, Initialize};
    /// use keras_serial::tensor::DType;
    /// let y = GlorotUniform::new().init(&[3, 3].into(), DType::Float32)?.to_vec::<f32>()?;
    /// assert!(y.iter().all(|y| y.abs() <= 1.0));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    GlorotUniform, "glorot_uniform", 1.0, FanAvg, Uniform
}
variant! {
    /// The Glorot normal initializer, truncated, with variance 2 / (inputs + outputs).
    GlorotNormal, "glorot_normal", 1.0, FanAvg, TruncatedNormal
}
variant! {
    /// The He uniform initializer, within ±√(6 / inputs).
    HeUniform, "he_uniform", 2.0, FanIn, Uniform
}
variant! {
    /// The He normal initializer, truncated, with variance 2 / inputs.
    HeNormal, "he_normal", 2.0, FanIn, TruncatedNormal
}
variant! {
    /// The LeCun uniform initializer, within ±√(3 / inputs).
    LecunUniform, "lecun_uniform", 1.0, FanIn, Uniform
}
variant! {
    /// The LeCun normal initializer, truncated, with variance 1 / inputs.
    LecunNormal, "lecun_normal", 1.0, FanIn, TruncatedNormal
}
