//! RNN: any cell over the time steps of a sequence.

use super::recurrence::{KeptStates, Recurrence};
use super::{StackedRNNCells, cell};
use crate::config::{ConfigField, FieldVisitor};
use crate::error::Result;
use crate::json::Value;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerRef};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Runs a cell over the time steps of a sequence.
///
/// # Arguments
/// - `cell`: a layer that is an [`RnnCell`](super::RnnCell), or a list of them, which is stacked to
///   [`StackedRNNCells`].
/// - `return_sequences`: false, which returns the last output only; `return_state`: false; `go_backwards`:
///   false; `stateful`: false, which resets the states for each batch; `unroll`: false;
///   `zero_output_for_mask`: false, so that masked steps repeat the previous output.
///
/// # Shapes
/// `(batch, time, …)` gives the cell's output for the last step, or `(batch, time, …)` with
/// `return_sequences`; with `return_state` also the last states.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/rnn>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3, 1])?;
/// let cell = SimpleRNNCell::new(1).activation("linear").kernel_initializer("ones").recurrent_initializer("ones");
/// assert_eq!(RNN::new(cell).apply(&x)?.to_vec::<f32>()?, [6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
#[allow(clippy::struct_excessive_bools, reason = "Keras's arguments")]
pub struct RNN {
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
    cell: Cell,
    #[keras(skip)]
    states: KeptStates,
}

impl RNN {
    fn check(&self) -> Result<()> {
        cell::of(self.cell()).map(|_| ())
    }

    /// Returns the cell.
    pub fn cell(&self) -> &LayerRef {
        &self.cell.0
    }
}

recurrent_layer!(RNN, None);

/// The `cell` argument: a layer, or a list of layers that is stacked to one.
#[derive(Debug, Clone)]
pub struct Cell(LayerRef);

impl<T: Layer> From<T> for Cell {
    fn from(cell: T) -> Self {
        Self(LayerRef::new(cell))
    }
}

impl From<LayerRef> for Cell {
    fn from(cell: LayerRef) -> Self {
        Self(cell)
    }
}

impl From<Vec<LayerRef>> for Cell {
    fn from(cells: Vec<LayerRef>) -> Self {
        StackedRNNCells::new(cells).into()
    }
}

impl ConfigField for Cell {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![LayerRef::field_type(), Vec::<LayerRef>::field_type()])
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::List(_) => Vec::<LayerRef>::from_value(value).map(Self::from),
            value => LayerRef::from_value(value).map(Self),
        }
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}
