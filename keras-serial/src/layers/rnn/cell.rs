//! `RnnCell`: the interface between an RNN layer and its cell.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::LayerRef;
use crate::ops;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::variable::Autocast;

/// A recurrent cell: a layer that computes one step of a sequence.
///
/// Its `call` takes `inputs` and `states` (a list) and returns the output and the list of new states. The
/// layer declares it with [`Layer::rnn_cell`](crate::layers::Layer::rnn_cell):
///
/// ```
/// use keras_serial::layers::RnnCell;
/// use keras_serial::ops;
/// use keras_serial::prelude::*;
///
/// #[register]
/// #[derive(KerasSerializable)]
/// struct MinimalCell {
///     base: LayerBase,
///     units: usize,
///     #[keras(weight)]
///     kernel: Weight,
/// }
///
/// impl RnnCell for MinimalCell {
///     fn state_size(&self) -> Nested<usize> {
///         Nested::Leaf(self.units)
///     }
/// }
///
/// impl Layer for MinimalCell {
///     fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
///         self.kernel.make(cx, [input.last()?, self.units]).create()
///     }
///
///     fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
///         let states = inputs.required("states")?;
///         let output = ops::add(&ops::matmul(inputs.tensor()?, &self.kernel.value()?)?, states)?;
///         Ok(Nested::Tuple(vec![output.clone().into(), Nested::list([output])]))
///     }
///
///     fn signature(&self) -> Signature {
///         Signature::new(&["inputs", "states"])
///     }
///
///     fn rnn_cell(&self) -> Option<&dyn RnnCell> {
///         Some(self)
///     }
/// }
///
/// let x = Tensor::from_slice(&[1.0f32; 6], [1, 3, 2])?;
/// let cell = MinimalCell { base: LayerBase::default(), units: 4, kernel: Weight::default() };
/// assert_eq!(RNN::new(cell).apply(&x)?.shape(), &Shape::from([1, 4]));
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub trait RnnCell {
    /// Returns the sizes of the states without the batch (`state_size`): one, or a list.
    fn state_size(&self) -> Nested<usize>;

    /// Returns the size of the output; by default that of the first state.
    fn output_size(&self) -> Option<usize> {
        None
    }

    /// Returns the initial states; zeros by default, and symbols for an unknown batch.
    ///
    /// # Errors
    /// If the shapes of states are not known yet.
    fn get_initial_state(&self, batch: Option<usize>, dtype: DType) -> Result<Nested<Tensor>> {
        self.state_size().try_map(&mut |size| zeros(&[batch, Some(*size)].into_iter().collect(), dtype))
    }

    /// Begins a sequence, for a cell that can compute steps without a call of its layer for each.
    ///
    /// # Errors
    /// If the cell is not built.
    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let _ = cx;
        Ok(None)
    }
}

/// A cell's run over one sequence: weights and dropout stay the same for all steps.
pub trait CellRun {
    /// Computes the part of a step that does not depend on states, for one step `(batch, …)` or for many at
    /// once `(steps, batch, …)`.
    ///
    /// # Errors
    /// If the inputs do not suit the cell.
    fn project(&self, inputs: &Tensor) -> Result<Tensor>;

    /// Computes one step from its projected inputs and the flat states: the output and the new states.
    ///
    /// # Errors
    /// If the states do not suit the cell.
    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)>;

    /// Computes all steps at once, if the cell has a faster way (a fused kernel): the outputs,
    /// `(steps, batch, …)`, and the last states.
    ///
    /// # Errors
    /// If the states do not suit the cell.
    fn sequence(&self, projected: &Tensor, states: &[Tensor]) -> Result<Option<(Tensor, Vec<Tensor>)>> {
        let _ = (projected, states);
        Ok(None)
    }
}

/// Returns zeros, or a symbol if an extent is not known.
pub(super) fn zeros(shape: &Shape, dtype: DType) -> Result<Tensor> {
    if shape.is_known() { ops::zeros(shape, dtype) } else { Ok(Tensor::symbol(shape, dtype)) }
}

/// Returns the layer's cell, or an error if it is none.
pub(super) fn of(layer: &LayerRef) -> Result<&dyn RnnCell> {
    layer.layer().rnn_cell().ok_or_else(|| {
        if let Some(placeholder) = layer.placeholder() {
            return placeholder.error();
        }
        Error::new(ErrorKind::Config, "The RNN cell should have a `state_size` attribute")
            .expected("a layer whose `rnn_cell` gives an `RnnCell`")
            .received(format!("cell={layer:?}"))
            .hint("implement `RnnCell` for the layer, and `rnn_cell` in its `Layer`")
    })
}

/// Returns the output size of a cell, built or not.
pub(super) fn output_size(cell: &dyn RnnCell) -> Result<usize> {
    let first = || cell.state_size().leaves().first().map(|size| **size);
    cell.output_size()
        .or_else(first)
        .ok_or_else(|| Error::new(ErrorKind::Config, "the RNN cell has no states").expected("at least one state"))
}

/// Begins a sequence with any cell.
pub(super) fn start<'a>(layer: &'a LayerRef, cx: &CallContext) -> Result<Box<dyn CellRun + 'a>> {
    let cell = of(layer)?;
    let cx = cx.with_masks(Vec::new());
    let _autocast = Autocast::enter(Some(layer.base().dtype_policy().compute_dtype()?));
    Ok(match cell.start(&cx)? {
        Some(run) => run,
        None => Box::new(Calls { layer, states: cell.state_size(), cx }),
    })
}

/// Runs a cell by calling its layer for each step.
struct Calls<'a> {
    layer: &'a LayerRef,
    states: Nested<usize>,
    cx: CallContext,
}

impl CellRun for Calls<'_> {
    fn project(&self, inputs: &Tensor) -> Result<Tensor> {
        Ok(inputs.clone())
    }

    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let states = listed(self.states.pack(states.iter().cloned())?);
        let results = self.layer.call(CallArgs::one(projected.clone()).and(states), &self.cx)?;
        match results.items() {
            Some([output, states]) => Ok((output.single()?.clone(), states.leaves().into_iter().cloned().collect())),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "a cell gave something else than an output and states")
                .expected("a list of the output and the list of new states")
                .received(format!("{:?}", results.map(Tensor::outline)))
                .at(self.layer.name().to_owned())),
        }
    }
}

/// Wraps a single value in a list.
pub(super) fn listed<T>(value: Nested<T>) -> Nested<T> {
    match value {
        Nested::Leaf(_) => Nested::List(vec![value]),
        value => value,
    }
}

/// Computes one step: the `call` of built-in cells.
pub(super) fn call(cell: &dyn RnnCell, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
    let states = inputs.structure("states")?.ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "missing argument `states`").expected("the states of the previous step")
    })?;
    let flat: Vec<Tensor> = states.leaves().into_iter().cloned().collect();
    let expected = cell.state_size().leaves().len();
    if flat.len() != expected {
        return Err(wrong_states(expected, flat.len()));
    }
    let run = cell.start(cx)?.ok_or_else(|| Error::new(ErrorKind::Unsupported, "the cell has no steps of its own"))?;
    let (output, new) = run.step(&run.project(inputs.tensor()?)?, &flat)?;
    Ok(Nested::Tuple(vec![output.into(), states.pack(new)?]))
}

/// Returns the error for a wrong number of states.
pub(super) fn wrong_states(expected: usize, received: usize) -> Error {
    Error::new(ErrorKind::InvalidArgument, "wrong number of states")
        .expected(expected.to_string())
        .received(received.to_string())
}
