//! Models from the middle of a graph: the part between two sets of symbols.

use super::graph::Graph;
use crate::error::Result;
use crate::layers::{Input, InputLayer};
use crate::tensor::symbolic::Fresh;
use crate::tensor::{CallContext, Nested, Tensor};

/// Gives a graph that starts at symbols in the middle of another graph input layers of its own.
pub(super) fn from_inputs(inputs: Nested<Tensor>, outputs: Nested<Tensor>) -> Result<(Nested<Tensor>, Nested<Tensor>)> {
    let is_input = |t: &&Tensor| t.history().is_none_or(|history| history.node.is_input());
    if inputs.leaves().iter().all(is_input) {
        return Ok((inputs, outputs));
    }
    let _fresh = Fresh::enter();
    let graph = Graph::new(inputs.clone(), outputs)?;
    let fresh = inputs.try_map(&mut |tensor| match tensor.history() {
        Some(history) if !history.node.is_input() => {
            let name = format!("{}CLONE", history.node.operation.name());
            InputLayer::output(&Input::with_batch_shape(tensor.shape().clone(), tensor.dtype(), Some(name), false))
        }
        _ => Ok(tensor.clone()),
    })?;
    let values = fresh.leaves().into_iter().cloned().map(Some).collect();
    let outputs = graph.run(values, &CallContext::inference())?;
    let outputs = graph.outputs.pack(outputs.leaves().into_iter().cloned().collect::<Vec<_>>())?;
    Ok((fresh, outputs))
}
