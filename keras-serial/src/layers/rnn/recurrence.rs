//! The loop over the time steps of a sequence.

use std::sync::Mutex;

use super::cell::{self, CellRun};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{BuildContext, LayerBase, LayerRef};
use crate::ops;
use crate::ops::dtypes::cast;
use crate::ops::shape::{Span, flip_axes, index_axis, reshape_to, slice_axis, transpose_to, unstack};
use crate::program;
use crate::program::{keeps_loops, refuse_while_tracing};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::utils::Locked;

/// Returns the base of a cell that a recurrent layer constructs.
pub(super) fn cell_base(layer: &LayerBase, name: &str) -> LayerBase {
    let mut base = LayerBase::default();
    base.set_name(name);
    base.set_dtype_policy(layer.dtype_policy().clone());
    base.set_trainable(layer.is_trainable());
    base
}

/// The states that a stateful layer keeps from batch to batch.
#[derive(Debug, Default)]
pub(super) struct KeptStates(Mutex<Option<Nested<Tensor>>>);

impl KeptStates {
    pub(super) fn get(&self) -> Option<Nested<Tensor>> {
        self.0.locked().clone()
    }

    fn set(&self, states: Nested<Tensor>) {
        *self.0.locked() = Some(states);
    }

    pub(super) fn reset(&self) -> Result<()> {
        match self.get() {
            Some(states) => {
                self.set(states.try_map(&mut ops::zeros_like)?);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// A recurrent layer's arguments and its cell.
pub(super) struct Recurrence<'a> {
    pub base: &'a LayerBase,
    pub cell: &'a LayerRef,
    pub return_sequences: bool,
    pub return_state: bool,
    pub go_backwards: bool,
    pub stateful: bool,
    pub unroll: bool,
    pub zero_output_for_mask: bool,
    pub kept: &'a KeptStates,
}

/// The last output, all outputs if they are asked for, and the last states.
struct Results {
    last: Tensor,
    all: Option<Tensor>,
    states: Vec<Tensor>,
}

impl Recurrence<'_> {
    pub(super) fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let dims = input.dims();
        let step: Shape = dims.iter().take(1).chain(dims.iter().skip(2)).copied().collect();
        cx.build_layer(self.cell, &step)?;
        if !self.stateful {
            return Ok(());
        }
        let Some(batch) = dims.first().copied().flatten() else {
            return Err(Error::new(
                ErrorKind::Shape,
                "When using `stateful=True` in a RNN, the batch size must be static",
            )
            .expected("an input with a known batch size")
            .received(format!("sequence.shape={input}"))
            .hint("give `batch_shape` to the `Input`"));
        };
        let states = cell::listed(cell::of(self.cell)?.get_initial_state(Some(batch), self.cell_dtype()?)?);
        let kept = self.base.dtype_policy().variable_dtype()?;
        // Symbols stand for states that are too large to allocate before a file is known to contain them.
        let values = program::unless_symbolic(&states.leaves(), || states.try_map(&mut |state| cast(state, kept)))?;
        self.kept.set(values.ok_or_else(|| {
            let shapes: Vec<String> = states.leaves().into_iter().map(|state| state.shape().to_string()).collect();
            Error::new(ErrorKind::Limit, "the states of a stateful RNN are too large")
                .received(format!("shape {}", shapes.join(", ")))
        })?);
        Ok(())
    }

    fn cell_dtype(&self) -> Result<DType> {
        self.cell.base().dtype_policy().compute_dtype()
    }

    pub(super) fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let &[batch, steps, ..] = x.shape().dims() else {
            return Err(Error::new(ErrorKind::Shape, "wrong rank of a sequence")
                .expected("(batch, time, …)")
                .received(format!("shape {}", x.shape())));
        };
        if self.unroll && steps.is_none() {
            return Err(Error::new(ErrorKind::Shape, "Cannot unroll a RNN if the time dimension is undefined")
                .expected("a known number of steps")
                .received(format!("shape {}", x.shape()))
                .hint("give the number of steps to the `Input`"));
        }
        let structure = self.initial_states(inputs, batch)?;
        let dtype = self.cell_dtype()?;
        let states = structure.leaves().into_iter().map(|state| cast(state, dtype)).collect::<Result<Vec<_>>>()?;
        let run = cell::start(self.cell, cx)?;
        let computed = program::unless_symbolic(&[x], || match cx.mask() {
            None => self.plain(&*run, x, states.clone()),
            Some(mask) => self.masked(&*run, x, mask, states.clone()),
        })?;
        let results = match computed {
            Some(results) => results,
            None => self.infer(&*run, x, states)?,
        };
        let compute = self.base.dtype_policy().compute_dtype()?;
        let states = results.states.iter().map(|state| cast(state, compute)).collect::<Result<Vec<_>>>()?;
        let states = structure.pack(states)?;
        if self.stateful {
            program::infer_or_compute(&[x], (), || {
                refuse_while_tracing("a stateful recurrent layer keeps its states")?;
                let kept = self.base.dtype_policy().variable_dtype()?;
                self.kept.set(states.try_map(&mut |state| cast(&state.detached()?, kept))?);
                Ok(())
            })?;
        }
        let output = cast(results.all.as_ref().unwrap_or(&results.last), compute)?;
        if !self.return_state {
            return Ok(output.into());
        }
        let states = states.items().map(<[_]>::to_vec).unwrap_or_default();
        Ok(Nested::Tuple([Nested::Leaf(output)].into_iter().chain(states).collect()))
    }

    /// Returns the states before the first step: the caller's, the previous batch's, or the cell's own.
    fn initial_states(&self, inputs: &CallArgs, batch: Option<usize>) -> Result<Nested<Tensor>> {
        let cell = cell::of(self.cell)?;
        let kept = self.kept.get().filter(|_| self.stateful);
        if let Some(expected) = kept.as_ref().and_then(|kept| kept.leaves().first()?.shape().dims().first().copied()?)
            && let Some(received) = batch.filter(|batch| *batch != expected)
        {
            return Err(Error::new(
                ErrorKind::Shape,
                "If an RNN is stateful, the batch size of the input sequences must be the same as the batch size of the initial state",
            )
            .expected(format!("batch size {expected}"))
            .received(format!("batch size {received}")));
        }
        let Some(given) = inputs.structure("initial_state")? else {
            return match kept {
                Some(kept) => Ok(kept),
                None => cell.get_initial_state(batch, self.cell_dtype()?).map(cell::listed),
            };
        };
        let size = cell::listed(cell.state_size());
        let (expected, received) = (size.leaves().len(), given.leaves().len());
        if expected != received {
            return Err(Error::new(ErrorKind::InvalidArgument, "wrong number of initial states")
                .expected(format!("{expected}, as the cell's `state_size` says"))
                .received(received.to_string())
                .at("initial_state"));
        }
        size.pack(given.leaves().into_iter().cloned())
    }

    /// Infers shapes from a single step.
    fn infer(&self, run: &dyn CellRun, x: &Tensor, states: Vec<Tensor>) -> Result<Results> {
        let (output, states) = run.step(&run.project(&index_axis(x, 1, 0)?)?, &states)?;
        let all = self.return_sequences.then(|| {
            let steps = x.shape().dims().get(1).copied();
            let dims = output.shape().dims();
            let shape: Shape = dims.iter().take(1).copied().chain(steps).chain(dims.iter().skip(1).copied()).collect();
            Tensor::symbol(shape, output.dtype())
        });
        Ok(Results { last: output, all, states })
    }

    /// Projects the inputs of all steps at once, in the order of the steps: `(step, batch, …)`.
    fn project(&self, run: &dyn CellRun, x: &Tensor) -> Result<Tensor> {
        if x.shape().dim(1)? == 0 {
            return Err(Error::new(ErrorKind::Shape, "a sequence without steps")
                .expected("at least one step")
                .received(format!("shape {}", x.shape())));
        }
        self.in_order(&run.project(&exchanged(x)?)?)
    }

    /// Reorders from the input's order to that of the steps.
    fn in_order(&self, x: &Tensor) -> Result<Tensor> {
        if self.go_backwards { flip_axes(x, &[0]) } else { Ok(x.clone()) }
    }

    fn plain(&self, run: &dyn CellRun, x: &Tensor, mut states: Vec<Tensor>) -> Result<Results> {
        let projected = self.project(run, x)?;
        if let Some((all, states)) = run.sequence(&projected, &states)? {
            let last = index_axis(&all, 0, -1)?;
            let all = self.return_sequences.then(|| exchanged(&all)).transpose()?;
            return Ok(Results { last, all, states });
        }
        if keeps_loops() {
            return self.looped(run, &projected, None, states);
        }
        let mut outputs = Vec::new();
        for step in unstack(&projected)? {
            let output;
            (output, states) = run.step(&step, &states)?;
            self.keep(&mut outputs, output);
        }
        self.finish(outputs, states)
    }

    /// Runs a masked sequence: where the mask is false, states stay, and the output is the previous one or
    /// zero.
    fn masked(&self, run: &dyn CellRun, x: &Tensor, mask: &Tensor, mut states: Vec<Tensor>) -> Result<Results> {
        let mask = cast(mask, DType::Bool)?;
        let holds = self.in_order(&exchanged(&mask)?)?;
        if keeps_loops() && !self.unroll {
            return self.looped(run, &self.project(run, x)?, Some(&holds), states);
        }
        let holds = unstack(&holds)?;
        let mut outputs: Vec<Tensor> = Vec::new();
        for (step, holds) in unstack(&self.project(run, x)?)?.iter().zip(&holds) {
            let (output, new) = run.step(step, &states)?;
            let previous = match outputs.last() {
                Some(previous) if self.unroll || !self.zero_output_for_mask => previous.clone(),
                _ => ops::zeros_like(&output)?,
            };
            let output = choose(holds, &output, &previous)?;
            states = new.iter().zip(&states).map(|(new, old)| choose(holds, new, old)).collect::<Result<_>>()?;
            self.keep(&mut outputs, output);
        }
        let mut results = self.finish(outputs, states)?;
        if self.unroll && self.zero_output_for_mask {
            // Keras applies the mask in the order of the input, even to steps that run backwards.
            if let Some(holds) = holds.last() {
                results.last = choose(holds, &results.last, &ops::zeros_like(&results.last)?)?;
            }
            if let Some(all) = &results.all {
                results.all = Some(choose(&mask, all, &ops::zeros_like(all)?)?);
            }
        }
        Ok(results)
    }

    /// Runs a sequence as one loop of a program: what it collects are the output and the states of each step, flat
    /// and one after the other.
    fn looped(
        &self,
        run: &dyn CellRun,
        projected: &Tensor,
        holds: Option<&Tensor>,
        mut states: Vec<Tensor>,
    ) -> Result<Results> {
        let (first, _) = run.step(&index_axis(projected, 0, 0)?, &states)?;
        let count = states.len();
        // Where the mask is false, the output is the previous one, which is then a state too.
        if holds.is_some() && !self.zero_output_for_mask {
            states.push(ops::zeros(first.shape(), first.dtype())?);
        }
        let sequences: Vec<Tensor> = std::iter::once(projected).chain(holds).cloned().collect();
        let shapes: Vec<Shape> =
            std::iter::once(&first).chain(&states).take(1 + count).map(|x| x.shape().clone()).collect();
        let collected = ops::recurrent::scan(&states, &sequences, |states, step| {
            let (Some((own, previous)), Some(projected)) = (states.split_at_checked(count), step.first()) else {
                return Err(Error::new(ErrorKind::InvalidArgument, "a loop without a step"));
            };
            let (mut output, mut new) = run.step(projected, own)?;
            if let Some(holds) = step.get(1) {
                let previous =
                    previous.first().map_or_else(|| ops::zeros(first.shape(), first.dtype()), |x| Ok(x.clone()))?;
                output = choose(holds, &output, &previous)?;
                new = new.iter().zip(own).map(|(new, old)| choose(holds, new, old)).collect::<Result<_>>()?;
            }
            let flat = std::iter::once(&output).chain(&new).map(flattened).collect::<Result<Vec<_>>>()?;
            new.extend(previous.first().map(|_| output));
            Ok((new, ops::concatenate(&flat, -1)?))
        })?;
        let last = index_axis(&collected, 0, -1)?;
        let mut start = 0;
        let mut parts = Vec::with_capacity(shapes.len());
        for shape in &shapes {
            let width: usize = shape.known()?.iter().skip(1).product();
            let part = slice_axis(&last, -1, Span::range(start, start + width))?;
            parts.push(reshape_to(&part, shape)?);
            start += width;
        }
        let (Some(last), Some(shape)) = (parts.first().cloned(), shapes.first()) else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a cell without an output"));
        };
        let all = if self.return_sequences {
            let width: usize = shape.known()?.iter().skip(1).product();
            let all = slice_axis(&collected, -1, Span::range(0, width))?;
            let steps = collected.shape().dims().first().copied().into_iter();
            let full: Shape = steps.chain(shape.dims().iter().copied()).collect();
            Some(exchanged(&reshape_to(&all, &full)?)?)
        } else {
            None
        };
        Ok(Results { last, all, states: parts.into_iter().skip(1).collect() })
    }

    fn keep(&self, outputs: &mut Vec<Tensor>, output: Tensor) {
        if !self.return_sequences {
            outputs.clear();
        }
        outputs.push(output);
    }

    fn finish(&self, outputs: Vec<Tensor>, states: Vec<Tensor>) -> Result<Results> {
        let last = outputs.last().cloned().ok_or_else(|| Error::new(ErrorKind::Shape, "a sequence without steps"))?;
        let all = self.return_sequences.then(|| ops::stack(&outputs, 1)).transpose()?;
        Ok(Results { last, all, states })
    }
}

/// Returns a tensor as rows of one axis.
fn flattened(x: &Tensor) -> Result<Tensor> {
    let dims = x.shape().known()?;
    let (batch, width) = (dims.first().copied().unwrap_or(1), dims.iter().skip(1).product::<usize>());
    reshape_to(x, &Shape::from([batch, width]))
}

/// Swaps the axes of batch and steps.
fn exchanged(x: &Tensor) -> Result<Tensor> {
    transpose_to(x, &[1, 0].into_iter().chain(2..x.rank()).collect::<Vec<_>>())
}

/// Selects `x` where the mask is true, else `y`; the mask has fewer axes.
fn choose(mask: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let missing = x.rank().saturating_sub(mask.rank());
    let shape = mask.shape().dims().iter().copied().chain(std::iter::repeat_n(Some(1), missing)).collect();
    ops::where_(&reshape_to(mask, &shape)?, x, y)
}

/// Returns true: for arguments that Keras reads but does not write.
pub(super) fn unwritten<T>(_: &T) -> bool {
    true
}

/// Returns an error if `use_cudnn` is true, which only NVIDIA's library supports.
pub(super) fn check_cudnn(use_cudnn: &Value) -> Result<()> {
    match use_cudnn {
        Value::Bool(false) => Ok(()),
        Value::Str(auto) if auto == "auto" => Ok(()),
        Value::Bool(true) => Err(Error::new(
            ErrorKind::Unsupported,
            "use_cudnn=True was specified, but cuDNN is not supported for this layer configuration with this backend",
        )
        .hint("pass use_cudnn='auto'")),
        other => Err(crate::layers::invalid_argument("use_cudnn", "one of {'auto', True, False}", other.short())),
    }
}

/// Reverses the order of steps.
pub(super) fn reversed(x: &Tensor) -> Result<Tensor> {
    flip_axes(x, &[1])
}
