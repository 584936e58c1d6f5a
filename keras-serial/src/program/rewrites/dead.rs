//! Dead code: nodes that no output needs are left out.

use crate::program::{Node, Operand, Program};

/// Returns a program without the nodes that nothing needs.
pub(super) fn rewrite(program: &Program) -> Program {
    let mut needed = vec![false; program.nodes().len()];
    let need = |needed: &mut [bool], operand: &Operand| {
        if let Operand::Node(position) = operand
            && let Some(place) = needed.get_mut(*position)
        {
            *place = true;
        }
    };
    program.outputs().leaves().into_iter().for_each(|output| need(&mut needed, output));
    for (position, node) in program.nodes().iter().enumerate().rev() {
        if needed.get(position) == Some(&true) {
            node.operands.iter().for_each(|operand| need(&mut needed, operand));
        }
    }
    // The new positions of the nodes that stay.
    let mut count = 0;
    let positions: Vec<usize> = needed
        .iter()
        .map(|needed| {
            count += usize::from(*needed);
            count.saturating_sub(1)
        })
        .collect();
    let moved = |operand: &Operand| match operand {
        Operand::Node(position) => Operand::Node(positions.get(*position).copied().unwrap_or_default()),
        other => *other,
    };
    let kept = program.nodes().iter().zip(&needed).filter(|(_, needed)| **needed).map(|(node, _)| node);
    let nodes = kept.map(|node| Node { operands: node.operands.iter().map(moved).collect(), ..node.clone() });
    program.with_nodes(nodes.collect(), program.outputs().map(moved))
}
