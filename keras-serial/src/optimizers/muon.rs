//! The Muon optimizer: orthogonalized updates for matrices.

use regex::Regex;

use super::adam::{self, Step};
use super::kernel::{self, Kernel, Real, Slope, number};
use super::{Optimize, OptimizerBase};
use crate::config::{ConfigField, Number};
use crate::error::Result;
use crate::ops::linalg::matmul_impl;
use crate::ops::shape::transpose_to;
use crate::ops::{Axes, add, divide, multiply, reduce::sum_impl, sqrt, square, subtract};
use crate::tensor::Tensor;
use crate::utils::pattern;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Muon optimizer. For matrices: the accumulated gradient `m`, made nearly orthogonal by `ns_steps`
/// of the Newton-Schulz iteration `x ← a x + (b x xᵀ + c (x xᵀ)²) x`. For everything else: Adam.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default; Adam's is this times `adam_lr_ratio` (1).
/// - `adam_beta_1`, `adam_beta_2`, `epsilon`: Adam's, 0.9, 0.999 and 1e-7 by default.
/// - `weight_decay`, `adam_weight_decay`: 0.004 by default.
/// - `exclude_layers`: regular expressions; variables whose paths match one use Adam.
/// - `exclude_embeddings`: whether embeddings use Adam too; true by default.
/// - `muon_a`, `muon_b`, `muon_c`: 3.4445, -4.775 and 2.0315 by default.
/// - `momentum`: 0.95 by default, and `nesterov`: true by default.
/// - `ns_steps`: 5 by default.
/// - `rms_rate`: 0.2 by default; a factor of the steps, together with the root of the longer side.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/muon>.
///
/// ```
/// use keras_serial::optimizers::{Muon, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).kernel_initializer("zeros"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Muon::new().learning_rate(0.25));
/// let gradients = [[3.0f32].as_slice(), &[3.0]];
/// let gradients = [Tensor::from_slice(gradients[0], [1, 1])?, Tensor::from_slice(gradients[1], [1])?];
/// optimizer.apply(&gradients.map(Some), &dense.weights())?;
/// // The bias, a vector, is Adam's.
/// assert!((dense.weights()[1].read().item::<f32>()? + 0.25).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("muon"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Muon {
    #[keras(default = OptimizerBase::with_weight_decay(0.004))]
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    adam_beta_1: Number,
    #[keras(default = 0.999.into())]
    adam_beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
    #[keras(default, with = nullable, field_type = Option::<Vec<String>>::field_type)]
    exclude_layers: Vec<String>,
    #[keras(default = 3.4445.into())]
    muon_a: Number,
    #[keras(default = (-4.775).into())]
    muon_b: Number,
    #[keras(default = 2.0315.into())]
    muon_c: Number,
    #[keras(default = 1.into())]
    adam_lr_ratio: Number,
    #[keras(default = 0.95.into())]
    momentum: Number,
    #[keras(default = 5)]
    ns_steps: usize,
    #[keras(default = true)]
    nesterov: bool,
    #[keras(default = true)]
    exclude_embeddings: bool,
    #[keras(default = Some(0.004.into()))]
    adam_weight_decay: Option<Number>,
    #[keras(default = Some(0.2.into()))]
    rms_rate: Option<Number>,
}

/// Converts a list; null is read as an empty one.
mod nullable {
    use crate::config::ConfigField;
    use crate::error::Result;
    use crate::json::Value;

    pub fn to_value(items: &Vec<String>) -> Result<Value> {
        items.to_value()
    }

    pub fn from_value(value: &Value) -> Result<Vec<String>> {
        Ok(Option::from_value(value)?.unwrap_or_default())
    }
}

impl Muon {
    fn is_adams(&self, variable: &Variable, excluded: &[Regex]) -> bool {
        let path = variable.path();
        variable.shape().rank() != 2
            || (self.exclude_embeddings && path.to_lowercase().contains("embedding"))
            || excluded.iter().any(|pattern| pattern.is_match(path))
    }

    fn excluded(&self) -> Result<Vec<Regex>> {
        self.exclude_layers.iter().map(|layer| pattern::search(layer)).collect()
    }

    /// Computes the Newton-Schulz iteration, on the wide form of a matrix.
    fn orthogonalized(&self, x: &Tensor) -> Result<Tensor> {
        let tall = x.shape().dim(-2)? > x.shape().dim(-1)?;
        let mut x = if tall { transposed(x)? } else { x.clone() };
        let norm = number(&sqrt(&sum_impl(&square(&x)?, &Axes::all(), false)?)?)?;
        x = divide(x, norm + 1e-7)?;
        for _ in 0..self.ns_steps {
            let gram = matmul_impl(&x, &transposed(&x)?)?;
            let squared = multiply(matmul_impl(&gram, &gram)?, self.muon_c.get())?;
            let correction = add(multiply(gram, self.muon_b.get())?, squared)?;
            x = add(multiply(&x, self.muon_a.get())?, matmul_impl(&correction, &x)?)?;
        }
        if tall { transposed(&x) } else { Ok(x) }
    }
}

fn transposed(x: &Tensor) -> Result<Tensor> {
    transpose_to(x, &[1, 0])
}

impl Optimize for Muon {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        let excluded = self.excluded()?;
        for variable in variables {
            let is_adams = self.is_adams(variable, &excluded);
            let names: &[&str] = if is_adams { &["momentum", "velocity"] } else { &["momentum"] };
            self.base.add_slots(std::slice::from_ref(variable), names)?;
        }
        Ok(())
    }

    fn decay_of(&self, variable: &Variable) -> Result<Option<f64>> {
        let adams = self.adam_weight_decay.map(Number::get);
        Ok(if self.is_adams(variable, &self.excluded()?) { adams } else { self.base.weight_decay() })
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        if self.base.find_slot(variable, "velocity").is_some() {
            let rate = learning_rate * self.adam_lr_ratio.get();
            let betas = (self.adam_beta_1.get(), self.adam_beta_2.get());
            let step = Step::new(betas, self.epsilon.get(), rate, self.iterations()?, variable);
            return adam::update(&self.base, &step, gradient, variable);
        }
        let m = self.base.slot(variable, "momentum")?;
        let momentum = self.momentum.get();
        kernel::run(&Gather { momentum }, gradient, [&m])?;
        let direction = if self.nesterov { add(gradient, multiply(m.read(), momentum)?)? } else { m.read() };
        let size = match self.rms_rate {
            Some(rate) => {
                let longer = variable.shape().dim(0)?.max(variable.shape().dim(1)?);
                rate.get() * (longer as f64).sqrt()
            }
            None => 1.0,
        };
        let step = multiply(self.orthogonalized(&direction)?, learning_rate * size)?;
        variable.assign(&subtract(variable.read(), step)?)
    }
}

struct Gather {
    momentum: f64,
}

impl Kernel<1> for Gather {
    fn step<R: Real>(&self, Slope { sum: g, .. }: Slope<R>, [m]: [R; 1]) -> [R; 1] {
        [m + (g + m * R::of(self.momentum - 1.0))]
    }
}
