//! Long short-term memory (LSTM).

use super::LSTMCell;
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

/// A long short-term memory (LSTM). In each step:
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
/// - `implementation`: 2; `use_cudnn`: `auto`. As in Keras, both are read but not written.
/// - `return_sequences`: false, which returns the last output only; `return_state`: false; `go_backwards`:
///   false; `stateful`: false, which resets the states for each batch; `unroll`: false;
///   `zero_output_for_mask`: false, so that masked steps repeat the previous output.
///
/// # Shapes
/// `(batch, time, features)` gives `(batch, units)`, or `(batch, time, units)` with
/// `return_sequences`; with `return_state` also the last states, each `(batch, units)`.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/lstm>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3, 1])?;
/// let lstm = LSTM::new(1).kernel_initializer("ones").recurrent_initializer("ones").return_sequences(true);
/// let y = lstm.apply(&x)?.to_vec::<f32>()?;
/// let expected = [0.369_606, 0.816_692, 0.962_590];
/// assert!(y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-5));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
#[allow(clippy::struct_excessive_bools, reason = "Keras's arguments")]
pub struct LSTM {
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
    #[keras(default = true)]
    unit_forget_bias: bool,
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

impl LSTM {
    fn check(&self) -> Result<()> {
        if self.units == 0 {
            return Err(invalid_argument("units", "a positive integer", self.units));
        }
        super::recurrence::check_cudnn(&self.use_cudnn)
    }
}

recurrent_layer!(LSTM, ndim: 3, cell: LSTMCell(units) as "lstm_cell" {
    activation, recurrent_activation, use_bias, unit_forget_bias,
    kernel_initializer, recurrent_initializer, bias_initializer,
    kernel_regularizer, recurrent_regularizer, bias_regularizer,
    kernel_constraint, recurrent_constraint, bias_constraint,
    dropout, recurrent_dropout, seed, implementation,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{LayerExt, LayerRef};
    use crate::ops::{self, Axes};
    use crate::variable::GradientTape;

    fn lstm() -> LSTM {
        LSTM::new(1).kernel_initializer("ones").recurrent_initializer("ones")
    }

    fn run(layer: &LayerRef, x: &[f32]) -> Vec<f32> {
        let x = Tensor::from_slice(x, [1, x.len(), 1]).unwrap();
        layer.apply(&x).unwrap().to_vec().unwrap()
    }

    #[test]
    fn a_stateful_layer_goes_on_until_it_is_reset() {
        let whole = run(&lstm().shared(), &[1.0, 2.0, 3.0]);
        let layer = lstm().stateful(true).shared();
        let first = run(&layer, &[1.0, 2.0]);
        assert_eq!(run(&layer, &[3.0]), whole);
        layer.reset_state().unwrap();
        assert_eq!(run(&layer, &[1.0, 2.0]), first);
        let error = layer.apply(Tensor::from_slice(&[1.0f32; 4], [2, 2, 1]).unwrap()).unwrap_err();
        assert!(error.to_string().contains("batch size of the initial state"), "{error}");
    }

    /// Returns outputs, states, and the gradients of weights and input.
    fn trained(activation: Activation, backwards: bool) -> Vec<Vec<f32>> {
        let layer = LSTM::new(3).activation(activation).return_sequences(true).return_state(true);
        let layer = layer.go_backwards(backwards).shared();
        let number = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
        let x = Tensor::from_vec(number(40), [2, 5, 4]).unwrap().watched().unwrap();
        layer.build(&Shape::from([2, 5, 4])).unwrap();
        for weight in layer.weights() {
            let shape = weight.shape().known().unwrap();
            weight.assign(&Tensor::from_vec(number(shape.iter().product()), shape).unwrap()).unwrap();
        }
        let tape = GradientTape::new();
        let results = layer.call(&x, &CallContext::training()).unwrap();
        let squares = results.leaves().into_iter().map(|y| ops::sum(&ops::square(y).unwrap(), Axes::all(), false));
        let loss = squares.reduce(|a, b| ops::add(&a?, &b?)).unwrap().unwrap();
        let (of_weights, of_x) = tape.gradient(&loss, &layer.weights(), &[x]).unwrap();
        let gradients = of_weights.into_iter().chain(of_x).map(Option::unwrap);
        results.leaves().into_iter().cloned().chain(gradients).map(|tensor| tensor.to_vec().unwrap()).collect()
    }

    #[test]
    fn a_whole_sequence_is_as_step_by_step() {
        for backwards in [false, true] {
            let whole = trained("tanh".into(), backwards);
            // A custom activation has no fused kernel, so steps are computed one by one.
            let stepwise = trained(Activation::function(|x: &Tensor| ops::tanh(x)), backwards);
            assert_eq!(whole.len(), 7);
            for (a, b) in whole.iter().zip(&stepwise) {
                assert_eq!(a.len(), b.len());
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 + 1e-4 * b.abs()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn masked_steps_are_skipped() {
        let mask = Tensor::from_slice(&[true, false, true], [1, 3]).unwrap();
        let x = Tensor::from_slice(&[1.0f32, 9.0, 3.0], [1, 3, 1]).unwrap().with_mask(Some(mask));
        assert_eq!(lstm().apply(&x).unwrap().to_vec::<f32>().unwrap(), run(&lstm().shared(), &[1.0, 3.0]));
    }

    #[test]
    fn the_same_seed_drops_the_same_elements_in_all_steps() {
        let x = Tensor::from_slice(&[0.01f32; 64], [1, 2, 32]).unwrap();
        let train = || {
            let layer = LSTM::new(4)
                .dropout(0.5)
                .recurrent_dropout(0.5)
                .seed(3u64)
                .kernel_initializer("ones")
                .recurrent_initializer("ones")
                .shared();
            layer.call(&x, &CallContext::training()).unwrap().into_single().unwrap().to_vec::<f32>().unwrap()
        };
        assert_eq!(train(), train());
        let inference = LSTM::new(4).kernel_initializer("ones").recurrent_initializer("ones").apply(&x).unwrap();
        assert_ne!(train(), inference.to_vec::<f32>().unwrap());
    }

    #[test]
    fn wrong_initial_states_are_named() {
        let x = Tensor::from_slice(&[1.0f32], [1, 1, 1]).unwrap();
        let state = Tensor::from_slice(&[1.0f32], [1, 1]).unwrap();
        let error = lstm().apply(CallArgs::from(&x).with("initial_state", state)).unwrap_err();
        assert!(error.to_string().contains("wrong number of initial states"), "{error}");
    }
}
