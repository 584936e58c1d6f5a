//! Convolutions: direct, by Winograd's transform, and depthwise; with zeros around the input and what follows.

use crate::error::Result;
use crate::inference::graph::Graph;
use crate::inference::kernel::{Fused, Kernel, failed, operand};
use crate::inference::tail::Tail;
use crate::program::primitives::{Concat, Conv, Steps};
use crate::program::{Node, Operand};
use keras_serial_kernels::conv::{self, Geometry};
use keras_serial_kernels::depthwise::Depthwise;
use keras_serial_kernels::window::Axis;
use keras_serial_kernels::winograd::{self, Winograd};
use keras_serial_kernels::{self as kernels, Context};

#[derive(Debug)]
enum Convolution {
    Direct(conv::Conv),
    Winograd(Winograd),
    Depthwise(Depthwise),
}

impl Kernel for Convolution {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        let (x, residual) = (operand(operands, 0)?, operands.get(1).copied());
        match self {
            Self::Direct(kernel) => kernel.run(context, x, residual, out),
            Self::Winograd(kernel) => kernel.run(context, x, residual, out),
            Self::Depthwise(kernel) => kernel.run(context, x, residual, out),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Direct(kernel) => kernel.bytes(),
            Self::Winograd(kernel) => kernel.bytes(),
            Self::Depthwise(kernel) => kernel.bytes(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Direct(_) => "conv",
            Self::Winograd(_) => "conv_winograd",
            Self::Depthwise(_) => "conv_depthwise",
        }
    }
}

pub(super) fn lower(context: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    let Some(primitive) = crate::inference::graph::primitive::<Conv>(node) else { return Ok(None) };
    let &[x, kernel] = node.operands.as_slice() else { return Ok(None) };
    let (Some(weights), Some(kernel)) = (graph.numbers(kernel), graph.extents(kernel)) else { return Ok(None) };
    let mut axes = primitive.axes.clone();
    let x = without_zeros(graph, x, &mut axes);
    let Some(input) = graph.extents(x) else { return Ok(None) };
    let ([batch, spatial @ .., inputs], [window @ .., share, outputs]) = (input.as_slice(), kernel.as_slice()) else {
        return Ok(None);
    };
    let geometry = Geometry {
        axes: geometry(spatial, window, &axes)?,
        inputs: *inputs,
        outputs: *outputs,
        groups: primitive.groups,
    };
    let tail = Tail::of(graph, position)?;
    let weights = tail.scaled(weights);
    let (level, bias, activation) = (context.level, tail.bias.as_deref(), tail.activation);
    let kernel = if *share == 1 && primitive.groups == *inputs && *inputs > 1 {
        Depthwise::new(geometry, &weights, bias, activation).map(Convolution::Depthwise)
    } else if winograd::pays(&geometry, *batch) && graph.may_pack(weights.len() * 16 / 9) {
        Winograd::new(level, geometry, &weights, bias, activation).map(Convolution::Winograd)
    } else {
        conv::Conv::new(level, geometry, &weights, bias, activation).map(Convolution::Direct)
    };
    Ok(Some(tail.fused(kernel.map_err(failed)?, x)))
}

/// Returns the axes of a kernel; those that a convolution over one or two axes lacks come first.
pub(super) fn geometry(spatial: &[usize], window: &[usize], steps: &[Steps]) -> Result<[Axis; 3]> {
    let mut axes = [Axis::NONE; 3];
    let places = axes.iter_mut().skip(3usize.saturating_sub(spatial.len()));
    for (((place, extent), window), steps) in places.zip(spatial).zip(window).zip(steps) {
        let pads = [steps.before, steps.after];
        *place = Axis::padded(*extent, *window, steps.stride, steps.dilation, pads).map_err(failed)?;
    }
    Ok(axes)
}

/// Returns the operand without constant zeros before and after its spatial axes, which become padding.
pub(super) fn without_zeros(graph: &Graph<'_>, mut x: Operand, axes: &mut [Steps]) -> Operand {
    while let Some((node, Concat(axis))) = graph.made_by::<Concat>(x)
        && let Some(steps) = axis.checked_sub(1).and_then(|axis| axes.get_mut(axis))
    {
        let mut inner = None;
        let [mut before, mut after] = [0, 0];
        for part in &node.operands {
            let is_zero = graph.numbers(*part).is_some_and(|numbers| numbers.iter().all(|number| *number == 0.0));
            let extent = graph.extents(*part).and_then(|extents| extents.get(*axis).copied()).unwrap_or_default();
            match (is_zero, inner) {
                (true, None) => before += extent,
                (true, Some(_)) => after += extent,
                (false, None) => inner = Some(*part),
                (false, Some(_)) => return x,
            }
        }
        let Some(inner) = inner else { return x };
        steps.before += before;
        steps.after += after;
        x = inner;
    }
    x
}
