//! Stacked cells.

use super::cell::{self, CellRun, RnnCell};
use crate::error::Result;
use crate::layers::{BuildContext, Layer, LayerBase, LayerRef, Signature};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Stacks cells to a single one: each gets the output of the previous one.
///
/// # Arguments
/// - `cells`: layers that are [`RnnCell`]s.
///
/// # Shapes
/// Inputs `(batch, features)` and a list of each cell's states give the last cell's output and the
/// list of new states.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/stacked_rnn_cell>.
///
/// ```
/// use keras_serial::prelude::*;
/// let cell = || SimpleRNNCell::new(1).activation("linear").kernel_initializer("ones").recurrent_initializer("ones");
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3, 1])?;
/// let rnn = RNN::new(StackedRNNCells::new(vec![cell().shared(), cell().shared()]));
/// assert_eq!(rnn.apply(&x)?.to_vec::<f32>()?, [10.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, validate = Self::check)]
pub struct StackedRNNCells {
    base: LayerBase,
    cells: Vec<LayerRef>,
}

impl StackedRNNCells {
    fn check(&self) -> Result<()> {
        if self.cells.is_empty() {
            return Err(crate::layers::invalid_argument("cells", "at least one cell", "[]"));
        }
        self.cells.iter().try_for_each(|layer| cell::of(layer).map(|_| ()))
    }
}

/// Returns the state sizes of a cell; none for a layer that is no cell, which is an error when the layer is
/// built.
fn size(layer: &LayerRef) -> Nested<usize> {
    layer.layer().rnn_cell().map_or(Nested::List(Vec::new()), RnnCell::state_size)
}

impl RnnCell for StackedRNNCells {
    fn state_size(&self) -> Nested<usize> {
        Nested::List(self.cells.iter().map(size).collect())
    }

    fn output_size(&self) -> Option<usize> {
        cell::output_size(self.cells.last()?.layer().rnn_cell()?).ok()
    }

    fn get_initial_state(&self, batch: Option<usize>, dtype: DType) -> Result<Nested<Tensor>> {
        let states = self.cells.iter().map(|layer| cell::of(layer)?.get_initial_state(batch, dtype));
        states.collect::<Result<_>>().map(Nested::List)
    }

    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let runs = self.cells.iter().map(|layer| Ok((cell::start(layer, cx)?, size(layer).leaves().len())));
        Ok(Some(Box::new(Run(runs.collect::<Result<_>>()?))))
    }
}

/// The runs of the cells, each with the number of its states.
struct Run<'a>(Vec<(Box<dyn CellRun + 'a>, usize)>);

impl CellRun for Run<'_> {
    fn project(&self, inputs: &Tensor) -> Result<Tensor> {
        self.0.first().map_or(Ok(inputs.clone()), |(first, _)| first.project(inputs))
    }

    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let mut output = projected.clone();
        let (mut rest, mut new) = (states, Vec::with_capacity(states.len()));
        for (index, (cell, count)) in self.0.iter().enumerate() {
            let (own, others) = rest.split_at_checked(*count).ok_or_else(|| cell::wrong_states(*count, rest.len()))?;
            if index > 0 {
                output = cell.project(&output)?;
            }
            let stepped;
            (output, stepped) = cell.step(&output, own)?;
            new.extend(stepped);
            rest = others;
        }
        Ok((output, new))
    }
}

impl Layer for StackedRNNCells {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.check()?;
        let mut shape = input.clone();
        for layer in &self.cells {
            cx.build_layer(layer, &shape)?;
            shape = Shape::from([input.get(0)?, Some(cell::output_size(cell::of(layer)?)?)]);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind as Kind;
    use crate::layers::Dense;

    #[test]
    fn what_is_no_cell_is_refused() {
        let error = super::super::RNN::from_config(
            &super::super::RNN::new(vec![LayerRef::new(Dense::new(2))]).get_config().unwrap(),
        )
        .unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains("state_size"), "{error}");
    }
}
