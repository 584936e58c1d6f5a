//! The cell of the GRU.

use super::cell::{self, CellRun, RnnCell};
use super::dropout::{Factors, Rate, below_one, columns, dropout_masks, dropped_product};
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, Signature, Weight, invalid_argument};
use crate::ops;
use crate::ops::shape::index_axis;
use crate::random::{Seed, SeedGenerator};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// The cell of [`GRU`](super::GRU): one step.
///
/// ```text
/// z, r = sigmoid(x · kernel + h · recurrent_kernel + bias), the update and the reset gate
/// h' = tanh(x · kernel + r * (h · recurrent_kernel) + bias)
/// h = z * h + (1 - z) * h'
/// ```
///
/// # Arguments
/// - `units`: the number of outputs; `activation`: `tanh`; `recurrent_activation`: `sigmoid`;
///   `use_bias`: true.
/// - `reset_after`: true; whether the reset gate is applied after the matrix product, with two biases, or
///   before, `(r * h) · recurrent_kernel`, with one.
/// - `kernel_initializer`: `glorot_uniform`; `recurrent_initializer`: `orthogonal`;
///   `bias_initializer`: `zeros`; regularizers and constraints for `kernel`, `recurrent_kernel` and
///   `bias`: none.
/// - `dropout`, `recurrent_dropout`: 0; the fraction of elements of inputs and of states that training drops,
///   the same in all steps; `seed`: none.
/// - `implementation`: 2, one dropout mask for all gates; 1 (or a nonzero `recurrent_dropout`): one for each
///   gate.
///
/// # Shapes
/// Inputs `(batch, features)` and a state `(batch, units)` give `(batch, units)` and the new state.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/gru>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let state = Tensor::from_slice(&[1.0f32], [1, 1])?;
/// let cell = GRUCell::new(1).kernel_initializer("zeros").recurrent_initializer("zeros").shared();
/// let results = cell.call(CallArgs::from(&x).and(vec![state]), &CallContext::inference())?;
/// assert_eq!(results.leaves()[0].to_vec::<f32>()?, [0.5]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct GRUCell {
    pub(super) base: LayerBase,
    pub(super) units: usize,
    #[keras(default = "tanh".into())]
    pub(super) activation: Activation,
    #[keras(default = "sigmoid".into())]
    pub(super) recurrent_activation: Activation,
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
    #[keras(default = true)]
    pub(super) reset_after: bool,
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

impl GRUCell {
    fn check(&self) -> Result<()> {
        if self.units == 0 { Err(invalid_argument("units", "a positive integer", self.units)) } else { Ok(()) }
    }
}

impl RnnCell for GRUCell {
    fn state_size(&self) -> Nested<usize> {
        Nested::Leaf(self.units)
    }

    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let masks = dropout_masks(self.implementation, self.recurrent_dropout, 3);
        let factors = |rate| Factors::new(&self.generator, &self.seed, below_one(rate), (masks, 2), cx);
        let (bias, recurrent_bias) = match (self.use_bias, self.reset_after) {
            (false, _) => (None, None),
            (true, false) => (Some(self.bias.value()?), None),
            (true, true) => {
                let both = self.bias.value()?;
                (Some(index_axis(&both, 0, 0)?), Some(index_axis(&both, 0, 1)?))
            }
        };
        Ok(Some(Box::new(Run {
            cell: self,
            kernel: self.kernel.value()?,
            recurrent_kernel: self.recurrent_kernel.value()?,
            bias,
            recurrent_bias,
            dropout: factors(self.dropout),
            recurrent_dropout: factors(self.recurrent_dropout),
        })))
    }
}

struct Run<'a> {
    cell: &'a GRUCell,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Option<Tensor>,
    recurrent_bias: Option<Tensor>,
    dropout: Factors<'a>,
    recurrent_dropout: Factors<'a>,
}

impl Run<'_> {
    /// Returns the states' contribution to the gates `z` and `r`, and, with `reset_after`, to the candidate.
    fn inner(&self, h: &Tensor, factors: &[Tensor]) -> Result<(Tensor, Option<Tensor>)> {
        let units = self.cell.units;
        if !self.cell.reset_after {
            let kernel = columns(&self.recurrent_kernel, 0, 2 * units)?;
            let factors = factors.split_at_checked(2).map_or(factors, |(gates, _)| gates);
            return Ok((dropped_product(h, &kernel, factors, -1, ops::matmul)?, None));
        }
        let mut all = dropped_product(h, &self.recurrent_kernel, factors, -1, ops::matmul)?;
        if let Some(bias) = &self.recurrent_bias {
            all = ops::add(&all, bias)?;
        }
        Ok((columns(&all, 0, 2 * units)?, Some(columns(&all, 2 * units, 3 * units)?)))
    }
}

impl CellRun for Run<'_> {
    fn project(&self, inputs: &Tensor) -> Result<Tensor> {
        let x = ops::cast_to(inputs, self.kernel.dtype())?;
        let y = dropped_product(&x, &self.kernel, self.dropout.of(&x)?, -1, ops::matmul)?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| ops::add(&y, bias))
    }

    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let [h] = states else { return Err(cell::wrong_states(1, states.len())) };
        let units = self.cell.units;
        let factors = self.recurrent_dropout.of(h)?;
        let (inner, candidate) = self.inner(h, factors)?;
        let sums = ops::add(&columns(projected, 0, 2 * units)?, &inner)?;
        let gates = self.cell.recurrent_activation.apply(&sums)?;
        let (update, reset) = (columns(&gates, 0, units)?, columns(&gates, units, 2 * units)?);
        let candidate = match candidate {
            Some(candidate) => ops::multiply(&reset, candidate)?,
            None => {
                let kernel = columns(&self.recurrent_kernel, 2 * units, 3 * units)?;
                let last = factors.last().map(std::slice::from_ref).unwrap_or_default();
                dropped_product(&ops::multiply(&reset, h)?, &kernel, last, -1, ops::matmul)?
            }
        };
        let candidate = ops::add(&columns(projected, 2 * units, 3 * units)?, candidate)?;
        let candidate = self.cell.activation.apply(&candidate)?;
        let kept = ops::multiply(&update, h)?;
        let output = ops::add(&kept, ops::multiply(&ops::subtract(1.0, &update)?, &candidate)?)?;
        Ok((output.clone(), vec![output]))
    }
}

impl Layer for GRUCell {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let width = self.units.saturating_mul(3);
        let bias = if self.reset_after { Shape::from([2, width]) } else { Shape::from([width]) };
        make_recurrent_weights!(self, cx,
            kernel: [input.last()?, width], recurrent: [self.units, width], bias: bias, &self.bias_initializer);
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
