//! The Adam optimizer.

use super::kernel::{self, Kernel, Real, Slope, corrected_rate};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Adam optimizer: moving means of gradients and of their squares, corrected for their start at
/// zero: `m ← m + (1 - beta_1)(g - m)`, `v ← v + (1 - beta_2)(g² - v)`, `w ← w - learning_rate · √(1 -
/// beta_2ᵗ) / (1 - beta_1ᵗ) · m / (√v + epsilon)`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-7 by default.
/// - `amsgrad`: whether to divide by the largest `v` so far; false by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/adam>.
///
/// ```
/// use keras_serial::optimizers::{Adam, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 2].into())?;
/// let optimizer = Optimizer::from(Adam::new().learning_rate(0.25));
/// let gradient = Tensor::from_slice(&[3.0f32, -0.5], [2, 1])?;
/// optimizer.apply(&[Some(gradient)], &dense.weights())?;
/// let w = dense.weights()[0].read().to_vec::<f32>()?;
/// assert!((w[0] - 0.75).abs() < 1e-5 && (w[1] - 1.25).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("adam"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Adam {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
    #[keras(default = false)]
    amsgrad: bool,
}

impl Optimize for Adam {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        create_slots(&self.base, variables, self.amsgrad)
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let betas = (self.beta_1.get(), self.beta_2.get());
        let step = Step::new(betas, self.epsilon.get(), learning_rate, self.iterations()?, variable);
        update(&self.base, &step, gradient, variable)
    }
}

/// Creates the mean, the mean square, and its maximum with `amsgrad`.
pub(super) fn create_slots(base: &OptimizerBase, variables: &[Variable], amsgrad: bool) -> Result<()> {
    base.add_slots(variables, &["momentum", "velocity"])?;
    if amsgrad { base.add_slots(variables, &["velocity_hat"]) } else { Ok(()) }
}

pub(super) fn update(base: &OptimizerBase, step: &Step, gradient: &Tensor, variable: &Variable) -> Result<()> {
    let (m, v) = (base.slot(variable, "momentum")?, base.slot(variable, "velocity")?);
    match base.find_slot(variable, "velocity_hat") {
        None => kernel::run::<3>(step, gradient, [variable, &m, &v]),
        Some(v_hat) => kernel::run::<4>(step, gradient, [variable, &m, &v, &v_hat]),
    }
}

/// The arithmetic of Adam, which Muon uses too.
pub(super) struct Step {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    alpha: f64,
}

impl Step {
    pub fn new((beta_1, beta_2): (f64, f64), epsilon: f64, rate: f64, iterations: i64, variable: &Variable) -> Self {
        let alpha = corrected_rate((beta_1, beta_2), rate, iterations + 1, variable.dtype());
        Self { beta_1, beta_2, epsilon, alpha }
    }

    fn means<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, m: R, v: R) -> (R, R) {
        (m + (g - m) * R::of(1.0 - self.beta_1), v + (square - v) * R::of(1.0 - self.beta_2))
    }

    fn down<R: Real>(&self, m: R, v: R) -> R {
        m * R::of(self.alpha) / (v.sqrt() + R::of(self.epsilon))
    }
}

impl Kernel<3> for Step {
    fn step<R: Real>(&self, g: Slope<R>, [w, m, v]: [R; 3]) -> [R; 3] {
        let (m, v) = self.means(g, m, v);
        [w - self.down(m, v), m, v]
    }
}

impl Kernel<4> for Step {
    fn step<R: Real>(&self, g: Slope<R>, [w, m, v, v_hat]: [R; 4]) -> [R; 4] {
        let (m, v) = self.means(g, m, v);
        let v_hat = v_hat.max(v);
        [w - self.down(m, v_hat), m, v, v_hat]
    }
}
