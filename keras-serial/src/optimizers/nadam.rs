//! The Nadam optimizer: Adam with Nesterov momentum.

use super::kernel::{self, Kernel, Real, Scalar, Slope, number};
use super::{Optimize, OptimizerBase};
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Tensor};
use crate::utils::auto_name;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The Nadam optimizer: [`Adam`](super::Adam) with Nesterov momentum: with `u(t) = beta_1 (1 - 0.5 ·
/// 0.96ᵗ)`, means `m` and `v` as Adam's, and `p` the product of all `u` so far,
/// `w ← w - learning_rate · (u(t+1) m / (1 - p u(t+1)) + (1 - u(t)) g / (1 - p)) / (√(v / (1 - beta_2ᵗ))
/// + epsilon)`.
///
/// # Arguments
/// - `learning_rate`: 0.001 by default.
/// - `beta_1`, `beta_2`: 0.9 and 0.999 by default.
/// - `epsilon`: 1e-7 by default.
/// - those of [`OptimizerBase`].
///
/// Follows <https://keras.io/api/optimizers/Nadam>.
///
/// ```
/// use keras_serial::optimizers::{Nadam, Optimizer, OptimizerExt};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).use_bias(false).kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let optimizer = Optimizer::from(Nadam::new().learning_rate(0.0));
/// optimizer.apply(&[Some(Tensor::from_slice(&[3.0f32], [1, 1])?)], &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().item::<f32>()?, 1.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers", alias("nadam"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Nadam {
    base: OptimizerBase,
    #[keras(default = 0.9.into())]
    beta_1: Number,
    #[keras(default = 0.999.into())]
    beta_2: Number,
    #[keras(default = 1e-7.into())]
    epsilon: Number,
    /// The product of all momentums so far.
    #[keras(skip)]
    product: std::sync::OnceLock<Variable>,
}

impl Nadam {
    fn product(&self) -> Result<&Variable> {
        self.product.get().ok_or_else(|| Error::new(ErrorKind::NotBuilt, "the optimizer has not been built"))
    }

    /// Returns the momentum of a step, counted from 1.
    fn momentum(&self, step: i64, dtype: DType) -> Scalar {
        let scalar = |number| Scalar::of(number, dtype);
        scalar(self.beta_1.get()) * (scalar(0.5) * scalar(0.96).powf(scalar(step as f64))).complement()
    }
}

impl Optimize for Nadam {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["momentum", "velocity"])?;
        let dtype = variables.first().map_or(DType::Float32, Variable::dtype);
        let one = cast(&Tensor::scalar(1f32)?, dtype)?;
        let product = self.base.add_bare(one, &auto_name("variable"))?;
        self.product.set(product).map_err(|_| Error::new(ErrorKind::InvalidArgument, "the optimizer is built already"))
    }

    fn begin_step(&self) -> Result<()> {
        let product = self.product()?;
        let dtype = product.dtype();
        let next = Scalar::of(number(&product.read())?, dtype) * self.momentum(self.iterations()? + 1, dtype);
        product.assign(&cast(&Tensor::scalar(next.get())?, dtype)?)
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let (m, v) = (self.base.slot(variable, "momentum")?, self.base.slot(variable, "velocity")?);
        let dtype = variable.dtype();
        let count = self.iterations()? + 1;
        let (now, next) = (self.momentum(count, dtype), self.momentum(count + 1, dtype));
        let scalar = |number| Scalar::of(number, dtype);
        let product = scalar(number(&self.product()?.read())?);
        let beta_2 = scalar(self.beta_2.get());
        let step = Step {
            learning_rate,
            beta_1: scalar(self.beta_1.get()).get(),
            beta_2: beta_2.get(),
            epsilon: self.epsilon.get(),
            of_mean: [next.get(), (product * next).complement().get()],
            of_gradient: [now.complement().get(), product.complement().get()],
            correction: beta_2.powf(scalar(count as f64)).complement().get(),
        };
        kernel::run(&step, gradient, [variable, &m, &v])
    }
}

struct Step {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    /// The factors of the mean and of the gradient, each as numerator and denominator.
    of_mean: [f64; 2],
    of_gradient: [f64; 2],
    correction: f64,
}

impl Kernel<3> for Step {
    fn step<R: Real>(&self, Slope { sum: g, part: square }: Slope<R>, [w, m, v]: [R; 3]) -> [R; 3] {
        let m = m + (g - m) * R::of(1.0 - self.beta_1);
        let v = v + (square - v) * R::of(1.0 - self.beta_2);
        let scaled = |[times, over]: [f64; 2], x: R| R::of(times) * x / R::of(over);
        let mean = scaled(self.of_mean, m) + scaled(self.of_gradient, g);
        let root = (v / R::of(self.correction)).sqrt() + R::of(self.epsilon);
        [w - mean * R::of(self.learning_rate) / root, m, v]
    }
}
