//! Reshapes: several become one, and those that change nothing go.

use std::sync::Arc;

use super::{Rewriter, primitive};
use crate::error::Result;
use crate::program::Program;
use crate::program::primitives::Reshape;

/// Returns a program without reshapes of reshapes, and without those to the shape that the operand has.
pub(super) fn rewrite(program: &Program) -> Result<Program> {
    Rewriter::run(program, |rewriter, node| {
        let (Some(Reshape(shape)), &[operand]) = (primitive(&node), node.operands.as_slice()) else {
            return Ok(rewriter.keep(node));
        };
        let origin = rewriter.made_by::<Reshape>(operand).map_or(operand, |(inner, _)| inner);
        if rewriter.spec(origin)?.shape == *shape {
            return Ok(origin);
        }
        rewriter.add(Arc::new(Reshape(shape.clone())), vec![origin], &node.layer)
    })
}
