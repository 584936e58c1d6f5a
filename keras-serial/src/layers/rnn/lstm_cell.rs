//! The cell of the LSTM.

use super::cell::{self, CellRun, RnnCell};
use super::dropout::{Factors, Rate, below_one, dropout_masks, dropped_product};
use super::forget_bias::forget_bias;
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, Signature, Weight, invalid_argument};
use crate::ops;
use crate::ops::recurrent::lstm;
use crate::ops::shape::index_axis;
use crate::random::{Seed, SeedGenerator};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// The cell of [`LSTM`](super::LSTM): one step.
///
/// ```text
/// i, f, c', o = x · kernel + h · recurrent_kernel + bias
/// c = sigmoid(f) * c + sigmoid(i) * tanh(c')
/// h = sigmoid(o) * tanh(c)
/// ```
///
/// # Arguments
/// - `units`: the number of outputs; `activation`: `tanh`; `recurrent_activation`: `sigmoid`;
///   `use_bias`: true; `unit_forget_bias`: true, the forget gate's bias starts at 1.
/// - `kernel_initializer`: `glorot_uniform`; `recurrent_initializer`: `orthogonal`;
///   `bias_initializer`: `zeros`; regularizers and constraints for `kernel`, `recurrent_kernel` and
///   `bias`: none.
/// - `dropout`, `recurrent_dropout`: 0; the fraction of elements of inputs and of states that training drops,
///   the same in all steps; `seed`: none.
/// - `implementation`: 2, one dropout mask for all gates; 1 (or a nonzero `recurrent_dropout`): one for each
///   gate.
///
/// # Shapes
/// Inputs `(batch, features)` and states `[h, c]`, each `(batch, units)`, give `h` and `[h, c]`.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/lstm>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let zero = Tensor::from_slice(&[0.0f32], [1, 1])?;
/// let cell = LSTMCell::new(1).kernel_initializer("zeros").unit_forget_bias(false).shared();
/// let results = cell.call(CallArgs::from(&x).and(vec![zero.clone(), zero]), &CallContext::inference())?;
/// assert_eq!(results.leaves()[0].to_vec::<f32>()?, [0.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct LSTMCell {
    pub(super) base: LayerBase,
    pub(super) units: usize,
    #[keras(default = "tanh".into())]
    pub(super) activation: Activation,
    #[keras(default = "sigmoid".into())]
    pub(super) recurrent_activation: Activation,
    #[keras(default = true)]
    pub(super) use_bias: bool,
    #[keras(default = true)]
    pub(super) unit_forget_bias: bool,
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
    /// As in Keras, read but not written.
    #[keras(default = 2, skip_if = super::recurrence::unwritten)]
    pub(super) implementation: usize,
    #[keras(weight)]
    pub(super) kernel: Weight,
    #[keras(weight)]
    pub(super) recurrent_kernel: Weight,
    #[keras(weight)]
    pub(super) bias: Weight,
    #[keras(seed_generator)]
    pub(super) generator: SeedGenerator,
}

impl LSTMCell {
    fn check(&self) -> Result<()> {
        if self.units == 0 { Err(invalid_argument("units", "a positive integer", self.units)) } else { Ok(()) }
    }
}

impl RnnCell for LSTMCell {
    fn state_size(&self) -> Nested<usize> {
        Nested::list([self.units, self.units])
    }

    fn output_size(&self) -> Option<usize> {
        Some(self.units)
    }

    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let masks = dropout_masks(self.implementation, self.recurrent_dropout, 4);
        let factors = |rate| Factors::new(&self.generator, &self.seed, below_one(rate), (masks, 2), cx);
        Ok(Some(Box::new(Run {
            cell: self,
            kernel: self.kernel.value()?,
            recurrent_kernel: self.recurrent_kernel.value()?,
            bias: self.use_bias.then(|| self.bias.value()).transpose()?,
            dropout: factors(self.dropout),
            recurrent_dropout: factors(self.recurrent_dropout),
        })))
    }
}

struct Run<'a> {
    cell: &'a LSTMCell,
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
        let [h, c] = states else { return Err(cell::wrong_states(2, states.len())) };
        let factors = self.recurrent_dropout.of(h)?;
        let inner = dropped_product(h, &self.recurrent_kernel, factors, -1, ops::matmul)?;
        gates(&ops::add(projected, inner)?, c, -1, &self.cell.activation, &self.cell.recurrent_activation)
    }

    fn sequence(&self, projected: &Tensor, states: &[Tensor]) -> Result<Option<(Tensor, Vec<Tensor>)>> {
        let [h, c] = states else { return Err(cell::wrong_states(2, states.len())) };
        let usual = self.cell.activation.is_builtin("tanh") && self.cell.recurrent_activation.is_builtin("sigmoid");
        if !usual || self.recurrent_dropout.drops() {
            return Ok(None);
        }
        let Some((all, cells)) = lstm(projected, &self.recurrent_kernel, h, c)? else { return Ok(None) };
        let last = vec![index_axis(&all, 0, -1)?, index_axis(&cells, 0, -1)?];
        Ok(Some((all, last)))
    }
}

/// Computes the output and the states from the sums of all gates, concatenated along `axis`.
pub(super) fn gates(
    sums: &Tensor,
    c: &Tensor,
    axis: isize,
    activation: &Activation,
    recurrent_activation: &Activation,
) -> Result<(Tensor, Vec<Tensor>)> {
    let gates = ops::split(sums, 4, axis)?;
    let [input, forget, candidate, output] = gates.as_slice() else {
        return Err(cell::wrong_states(4, gates.len()));
    };
    let kept = ops::multiply(&recurrent_activation.apply(forget)?, c)?;
    let added = ops::multiply(&recurrent_activation.apply(input)?, &activation.apply(candidate)?)?;
    let c = ops::add(&kept, &added)?;
    let h = ops::multiply(&recurrent_activation.apply(output)?, &activation.apply(&c)?)?;
    Ok((h.clone(), vec![h, c]))
}

impl Layer for LSTMCell {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let bias = forget_bias(&self.bias_initializer, self.unit_forget_bias, self.units);
        make_recurrent_weights!(self, cx,
            kernel: [input.last()?, self.units.saturating_mul(4)], recurrent: [self.units, self.units.saturating_mul(4)],
            bias: [self.units.saturating_mul(4)], &bias);
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        cell::call(self, inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "states", "training"])
    }

    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        Some(self)
    }
}
