//! Common nodes: what computes the same from the same operands is computed once.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use super::Rewriter;
use crate::error::Result;
use crate::program::{Operand, Program};

/// Returns a program in which no two nodes compute the same.
pub(super) fn rewrite(program: &Program) -> Result<Program> {
    let mut known: HashMap<(TypeId, String, Vec<Operand>), Operand> = HashMap::new();
    Rewriter::run(program, |rewriter, node| {
        // The attributes are all that a primitive of one type can differ in, and `Debug` prints them.
        let primitive: &dyn Any = &*node.primitive;
        let key = (primitive.type_id(), format!("{:?}", node.primitive), node.operands.clone());
        Ok(*known.entry(key).or_insert_with(|| rewriter.keep(node)))
    })
}
