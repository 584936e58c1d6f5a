//! Gated recurrent unit (GRU).

use super::GRUCell;
use super::dropout::Rate;
use super::recurrence::{KeptStates, Recurrence};
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerRef, Sublayer, invalid_argument};
use crate::random::Seed;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// A gated recurrent unit (GRU). In each step:
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
/// - `implementation`: 2; `use_cudnn`: `auto`. As in Keras, both are read but not written.
/// - `return_sequences`: false, which returns the last output only; `return_state`: false; `go_backwards`:
///   false; `stateful`: false, which resets the states for each batch; `unroll`: false;
///   `zero_output_for_mask`: false, so that masked steps repeat the previous output.
///
/// # Shapes
/// `(batch, time, features)` gives `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with
/// `return_state` also the last states, each `(batch, units)`.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/gru>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.0f32; 3], [1, 3, 1])?;
/// let state = Tensor::from_slice(&[1.0f32], [1, 1])?;
/// let gru = GRU::new(1).recurrent_initializer("zeros").return_sequences(true);
/// let y = gru.apply(CallArgs::from(&x).with("initial_state", state))?;
/// assert_eq!(y.to_vec::<f32>()?, [0.5, 0.25, 0.125]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
#[allow(clippy::struct_excessive_bools, reason = "Keras's arguments")]
pub struct GRU {
    base: LayerBase,
    #[keras(default)]
    return_sequences: bool,
    #[keras(default)]
    return_state: bool,
    #[keras(default)]
    go_backwards: bool,
    #[keras(default)]
    stateful: bool,
    #[keras(default)]
    unroll: bool,
    #[keras(default)]
    zero_output_for_mask: bool,
    units: usize,
    #[keras(default = "tanh".into())]
    activation: Activation,
    #[keras(default = "sigmoid".into())]
    recurrent_activation: Activation,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[keras(default = Some("orthogonal".into()))]
    recurrent_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    recurrent_regularizer: Option<Regularizer>,
    #[keras(default)]
    bias_regularizer: Option<Regularizer>,
    #[keras(base_or_null)]
    activity_regularizer: (),
    #[keras(default)]
    kernel_constraint: Option<Constraint>,
    #[keras(default)]
    recurrent_constraint: Option<Constraint>,
    #[keras(default)]
    bias_constraint: Option<Constraint>,
    #[keras(default)]
    dropout: Rate,
    #[keras(default)]
    recurrent_dropout: Rate,
    #[keras(default = true)]
    reset_after: bool,
    #[keras(default)]
    seed: Seed,
    /// As in Keras, read but not written.
    #[keras(default = 2, skip_if = super::recurrence::unwritten)]
    implementation: usize,
    /// As in Keras, read but not written.
    #[keras(default = Value::from("auto"), skip_if = super::recurrence::unwritten)]
    use_cudnn: Value,
    #[keras(sublayer)]
    cell: Sublayer,
    #[keras(skip)]
    states: KeptStates,
}

impl GRU {
    fn check(&self) -> Result<()> {
        if self.units == 0 {
            return Err(invalid_argument("units", "a positive integer", self.units));
        }
        super::recurrence::check_cudnn(&self.use_cudnn)
    }
}

recurrent_layer!(GRU, ndim: 3, cell: GRUCell(units) as "gru_cell" {
    activation, recurrent_activation, use_bias, reset_after,
    kernel_initializer, recurrent_initializer, bias_initializer,
    kernel_regularizer, recurrent_regularizer, bias_regularizer,
    kernel_constraint, recurrent_constraint, bias_constraint,
    dropout, recurrent_dropout, seed, implementation,
});
