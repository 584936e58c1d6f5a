//! Initializers with normally distributed numbers, full or truncated.

use super::Initialize;
use crate::error::Result;
use crate::random::{self, Seed};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

macro_rules! normal {
    ($(#[$doc:meta])* $name:ident, $truncated:literal, $($alias:literal),*) => {
        $(#[$doc])*
        #[register(builtin = "keras.initializers", alias($($alias),*))]
        #[derive(KerasSerializable, Clone, Debug)]
        pub struct $name {
            #[keras(default)]
            seed: Seed,
            #[keras(default)]
            mean: f64,
            #[keras(default = 0.05)]
            stddev: f64,
        }

        impl $name {
            /// Creates the initializer with this mean and standard deviation.
            pub fn new(mean: f64, stddev: f64) -> Self {
                Self { seed: Seed::default(), mean, stddev }
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
                random::normal(&mut self.seed.generator(), shape, self.mean, self.stddev, $truncated, dtype)
            }

            fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
                Ok(shape.is_known() && dtype.is_float())
            }
        }
    };
}

normal! {
    /// An initializer with normally distributed numbers; `mean` is 0 and `stddev` 0.05 by default.
    ///
    /// Follows <https://keras.io/api/layers/initializers/#randomnormal-class>.
    ///
    /// ```
    /// use keras_serial::initializers::{Initialize, RandomNormal};
    /// use keras_serial::tensor::DType;
    /// let draw = || RandomNormal::new(0.0, 1.0).seed(7).init(&[4].into(), DType::Float32)?.to_vec::<f32>();
    /// assert_eq!(draw()?, draw()?);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    RandomNormal, false, "random_normal", "normal"
}

normal! {
    /// An initializer like [`RandomNormal`] that redraws numbers beyond two standard deviations.
    ///
    /// Follows <https://keras.io/api/layers/initializers/#truncatednormal-class>.
    ///
    /// ```
    /// use keras_serial::initializers::{Initialize, TruncatedNormal};
    /// use keras_serial::tensor::DType;
    /// let y = TruncatedNormal::new(0.0, 1.0).init(&[500].into(), DType::Float32)?.to_vec::<f32>()?;
    /// assert!(y.iter().all(|y| y.abs() <= 2.0));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    TruncatedNormal, true, "truncated_normal"
}
