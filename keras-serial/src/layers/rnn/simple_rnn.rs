//! Simple (fully connected) RNN.

use super::SimpleRNNCell;
use super::dropout::Rate;
use super::recurrence::{KeptStates, Recurrence};
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerRef, Sublayer, invalid_argument};
use crate::random::Seed;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// A fully connected RNN. In each step: `h = activation(x · kernel + h · recurrent_kernel + bias)`.
///
/// # Arguments
/// - `units`: the number of outputs; `activation`: `tanh`; `use_bias`: true.
/// - `kernel_initializer`: `glorot_uniform`; `recurrent_initializer`: `orthogonal`;
///   `bias_initializer`: `zeros`; regularizers and constraints for `kernel`, `recurrent_kernel` and
///   `bias`: none.
/// - `dropout`, `recurrent_dropout`: 0; the fraction of elements of inputs and of states that training drops,
///   the same in all steps; `seed`: none.
/// - `return_sequences`: false, which returns the last output only; `return_state`: false; `go_backwards`:
///   false; `stateful`: false, which resets the states for each batch; `unroll`: false;
///   `zero_output_for_mask`: false, so that masked steps repeat the previous output.
///
/// # Shapes
/// `(batch, time, features)` gives `(batch, units)`, or `(batch, time, units)` with
/// `return_sequences`; with `return_state` also the last states, each `(batch, units)`.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/simple_rnn>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3, 1])?;
/// let rnn = SimpleRNN::new(1).activation("linear").kernel_initializer("ones").recurrent_initializer("ones");
/// assert_eq!(rnn.return_sequences(true).apply(&x)?.to_vec::<f32>()?, [1.0, 3.0, 6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
#[allow(clippy::struct_excessive_bools, reason = "Keras's arguments")]
pub struct SimpleRNN {
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
    /// As in Keras, read but not written.
    #[keras(default, skip_if = super::recurrence::unwritten)]
    seed: Seed,
    #[keras(sublayer)]
    cell: Sublayer,
    #[keras(skip)]
    states: KeptStates,
}

impl SimpleRNN {
    fn check(&self) -> Result<()> {
        if self.units == 0 { Err(invalid_argument("units", "a positive integer", self.units)) } else { Ok(()) }
    }
}

recurrent_layer!(SimpleRNN, ndim: 3, cell: SimpleRNNCell(units) as "simple_rnn_cell" {
    activation, use_bias,
    kernel_initializer, recurrent_initializer, bias_initializer,
    kernel_regularizer, recurrent_regularizer, bias_regularizer,
    kernel_constraint, recurrent_constraint, bias_constraint,
    dropout, recurrent_dropout, seed,
});
