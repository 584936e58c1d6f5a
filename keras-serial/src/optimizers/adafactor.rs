//! The Adafactor optimizer.

use super::kernel::{Scalar, number, squares};
use super::{LearningRate, Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::initializers::{Initializer, Zeros};
use crate::ops::reduce::mean_impl;
use crate::ops::shape::expand_at;
use crate::ops::{Axes, add, divide, multiply, sqrt, square, subtract};
use crate::tensor::{Shape, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Adafactor optimizer: steps relative to the size of the weights, by mean squares that are factored
/// for matrices into one row and one column.
///
/// With `ρ = min(learning_rate, 1/√t)`, `β = 1 - t^beta_2_decay` and `v` the moving mean of `g² +
/// epsilon_1` (for matrices the product of the means of its rows and columns), `u = g / √v` and `w ← w -
/// max(epsilon_2, rms(w)) · ρ · u / max(1, rms(u) / clip_threshold)`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_2_decay`: -0.8 by default.
/// - `epsilon_1`, `epsilon_2`: 1e-30 and 0.001 by default.
/// - `clip_threshold`: 1 by default.
/// - `relative_step`: whether the learning rate falls with 1/√t; true by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adafactor>.
///
/// ```
/// use keras_serial::optimizers::{Adafactor, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Adafactor::new().learning_rate(0.25));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert!((dense.weights()[0].read().item::<f32>()? - 0.75).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adafactor"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Adafactor {
    base: OptimizerBase,
    #[keras(default = (-0.8).into())]
    beta_2_decay: Number,
    #[keras(default = 1e-30.into())]
    epsilon_1: Number,
    #[keras(default = 1e-3.into())]
    epsilon_2: Number,
    #[keras(default = 1.0.into())]
    clip_threshold: Number,
    #[keras(default = true)]
    relative_step: bool,
}

impl Adafactor {
    /// Keras relates the learning rate to the step only if it is a number.
    fn is_relative(&self) -> Result<bool> {
        let constant = matches!(self.base.state().learning_rate()?, LearningRate::Constant(_));
        Ok(self.relative_step && constant)
    }
}

impl Optimize for Adafactor {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        let zeros = Initializer::new(Zeros);
        for variable in variables {
            match variable.shape().dims() {
                [outer @ .., rows, columns] => {
                    let dtype = variable.dtype();
                    let row_shape: Shape = outer.iter().chain([rows]).copied().collect();
                    let column_shape: Shape = outer.iter().chain([columns]).copied().collect();
                    let r = self.base.add_variable(&row_shape, dtype, &zeros, variable.name())?;
                    let c = self.base.add_variable(&column_shape, dtype, &zeros, variable.name())?;
                    self.base.keep_slot(variable, "r", &r);
                    self.base.keep_slot(variable, "c", &c);
                }
                // Vectors need neither; Keras has two scalars instead.
                _ => {
                    for _ in 0..2 {
                        self.base.add_bare(Tensor::scalar(0i32)?, variable.name())?;
                    }
                }
            }
            self.base.add_slot(variable, "velocity", &zeros)?;
        }
        Ok(())
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let count = self.iterations()? as f64 + 1.0;
        let scalar = |number| Scalar::of(number, variable.dtype());
        let falling = (scalar(1.0) / scalar(count).sqrt()).get();
        let rate = if self.is_relative()? { learning_rate.min(falling) } else { learning_rate };
        let weights = variable.read();
        let long = root_of_mean(&square(&weights)?)?;
        let alpha = (scalar(long.max(self.epsilon_2.get())) * scalar(rate.min(falling))).get();
        let squared = squares(gradient)?;
        let regulated = add(&squared, self.epsilon_1.get())?;
        let beta = scalar(count).powf(scalar(self.beta_2_decay.get())).complement().get();
        let follow = |mean: &Variable, new: &Tensor| -> Result<()> {
            mean.assign(&add(multiply(mean.read(), beta)?, multiply(new, 1.0 - beta)?)?)
        };
        let v = self.base.slot(variable, "velocity")?;
        if variable.shape().rank() >= 2 {
            let (r, c) = (self.base.slot(variable, "r")?, self.base.slot(variable, "c")?);
            follow(&r, &mean_impl(&regulated, &Axes::from(-1), false)?)?;
            follow(&c, &mean_impl(&regulated, &Axes::from(-2), false)?)?;
            let rows = divide(r.read(), mean_impl(&r.read(), &Axes::from(-1), true)?)?;
            v.assign(&multiply(expand_at(&rows, -1)?, expand_at(&c.read(), -2)?)?)?;
        } else {
            follow(&v, &regulated)?;
        }
        let step = divide(gradient, sqrt(&v.read())?)?;
        let long = match gradient.rows() {
            // Each lookup of a table's row counts separately.
            Some(_) => root_of_mean(&divide(squared, v.read())?)?,
            None => root_of_mean(&square(&step)?)?,
        };
        let limit = (scalar(long) / scalar(self.clip_threshold.get())).get().max(1.0);
        variable.assign(&subtract(weights, multiply(divide(step, limit)?, alpha)?)?)
    }
}

fn root_of_mean(squares: &Tensor) -> Result<f64> {
    number(&sqrt(&mean_impl(squares, &Axes::all(), false)?)?)
}
