//! The cell of the simple RNN.

use super::cell::{self, CellRun, RnnCell};
use super::dropout::{Factors, Rate, dropped_product};
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, Signature, Weight, invalid_argument};
use crate::ops;
use crate::random::{Seed, SeedGenerator};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// The cell of [`SimpleRNN`](super::SimpleRNN): `activation(x · kernel + h · recurrent_kernel + bias)` is
/// both the output and the new state.
///
/// # Arguments
/// - `units`: the number of outputs; `activation`: `tanh`; `use_bias`: true.
/// - `kernel_initializer`: `glorot_uniform`; `recurrent_initializer`: `orthogonal`;
///   `bias_initializer`: `zeros`; regularizers and constraints for `kernel`, `recurrent_kernel` and
///   `bias`: none.
/// - `dropout`, `recurrent_dropout`: 0; the fraction of elements of inputs and of states that training drops,
///   the same in all steps; `seed`: none.
///
/// # Shapes
/// Inputs `(batch, features)` and a state `(batch, units)` give `(batch, units)` and the new state.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/simple_rnn>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let state = Tensor::from_slice(&[0.0f32], [1, 1])?;
/// let cell = SimpleRNNCell::new(1).activation("linear").kernel_initializer("ones").shared();
/// let results = cell.call(CallArgs::from(&x).and(vec![state]), &CallContext::inference())?;
/// assert_eq!(results.leaves()[0].to_vec::<f32>()?, [3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct SimpleRNNCell {
    pub(super) base: LayerBase,
    pub(super) units: usize,
    #[keras(default = "tanh".into())]
    pub(super) activation: Activation,
    #[keras(default = true)]
    pub(super) use_bias: bool,
    #[keras(default = Some("glorot_uniform".into()))]
    pub(super) kernel_initializer: Option<Initializer>,
    #[keras(default = Some("orthogonal".into()))]
    pub(super) recurrent_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    pub(super) bias_initializer: Option<Initializer>,
    #[keras(default)]
    pub(super) kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) recurrent_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) bias_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) kernel_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) recurrent_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) bias_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) dropout: Rate,
    #[keras(default)]
    pub(super) recurrent_dropout: Rate,
    #[keras(default)]
    pub(super) seed: Seed,
    #[keras(weight)]
    pub(super) kernel: Weight,
    #[keras(weight)]
    pub(super) recurrent_kernel: Weight,
    #[keras(weight)]
    pub(super) bias: Weight,
    #[keras(seed_generator)]
    pub(super) generator: SeedGenerator,
}

impl SimpleRNNCell {
    fn check(&self) -> Result<()> {
        if self.units == 0 { Err(invalid_argument("units", "a positive integer", self.units)) } else { Ok(()) }
    }
}

impl RnnCell for SimpleRNNCell {
    fn state_size(&self) -> Nested<usize> {
        Nested::Leaf(self.units)
    }

    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let factors = |rate| Factors::new(&self.generator, &self.seed, rate, (1, 2), cx);
        Ok(Some(Box::new(Run {
            activation: &self.activation,
            kernel: self.kernel.value()?,
            recurrent_kernel: self.recurrent_kernel.value()?,
            bias: self.use_bias.then(|| self.bias.value()).transpose()?,
            dropout: factors(self.dropout),
            recurrent_dropout: factors(self.recurrent_dropout),
        })))
    }
}

struct Run<'a> {
    activation: &'a Activation,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Option<Tensor>,
    dropout: Factors<'a>,
    recurrent_dropout: Factors<'a>,
}

impl CellRun for Run<'_> {
    fn project(&self, inputs: &Tensor) -> Result<Tensor> {
        let x = ops::cast_to(inputs, self.kernel.dtype())?;
        let y = dropped_product(&x, &self.kernel, self.dropout.of(&x)?, -1, ops::matmul)?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| ops::add(&y, bias))
    }

    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let [state] = states else { return Err(cell::wrong_states(1, states.len())) };
        let factors = self.recurrent_dropout.of(state)?;
        let inner = dropped_product(state, &self.recurrent_kernel, factors, -1, ops::matmul)?;
        let output = self.activation.apply(&ops::add(projected, inner)?)?;
        Ok((output.clone(), vec![output]))
    }
}

impl Layer for SimpleRNNCell {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        make_recurrent_weights!(self, cx,
            kernel: [input.last()?, self.units], recurrent: [self.units, self.units],
            bias: [self.units], &self.bias_initializer);
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        cell::call(self, inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["sequence", "states", "training"])
    }

    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        Some(self)
    }
}
