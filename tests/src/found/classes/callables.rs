//! Functions and objects where Keras accepts any callable.

use keras_serial::activations::Activate;
use keras_serial::constraints::Constrain;
use keras_serial::initializers::Initialize;
use keras_serial::prelude::*;

/// Twice the hyperbolic tangent.
#[register(package = "call23")]
pub fn my_act(x: &Tensor) -> Result<Tensor> {
    ops::multiply(&ops::tanh(x)?, 2.0)
}

/// A penalty on the size of weights.
#[register(package = "call23")]
pub fn my_regularizer(x: &Tensor) -> Result<Tensor> {
    ops::multiply(&ops::sum(&ops::abs(x)?, ops::Axes::all(), false)?, 0.1)
}

/// Keeps weights near zero.
#[register(package = "call23")]
pub fn my_constraint(w: &Tensor) -> Result<Tensor> {
    ops::clip(w, -0.2, 0.2)
}

/// Returns one number everywhere.
#[register(package = "call23")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new)]
pub struct MyInit {
    #[keras(default = 0.3)]
    value: f64,
}

impl Initialize for MyInit {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        ops::full(shape, self.value, dtype)
    }
}

/// Keeps weights near zero.
#[register(package = "call23")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new)]
pub struct MyConstraint {
    #[keras(default = 0.2)]
    limit: f64,
}

impl Constrain for MyConstraint {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        ops::clip(w, -self.limit, self.limit)
    }
}

/// Holds any callable.
#[register(package = "call23")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Frac {
    base: LayerBase,
    #[keras(rename = "fn")]
    function: Activation,
}

impl Layer for Frac {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.function.apply(inputs.tensor()?).map(Into::into)
    }
}

/// A callable object used as an activation.
#[register(package = "call23")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Growth {
    #[keras(default = 0.5)]
    factor: f64,
}

impl Activate for Growth {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, self.factor)
    }
}

/// Returns a quarter everywhere.
#[register(package = "call23")]
pub fn my_initializer(shape: &Shape, dtype: DType) -> Result<Tensor> {
    ops::full(shape, 0.25, dtype)
}
