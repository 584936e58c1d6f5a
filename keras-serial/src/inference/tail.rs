//! Tails of kernels: bias, residual add and activation, fused into the product or convolution before them.

use super::graph::{Graph, primitive};
use super::kernel::{Fused, Kernel};
use crate::error::Result;
use crate::program::Operand;
use crate::program::primitives::{Binary, Gelu, Reshape, Unary};
use crate::tensor::DType;
use keras_serial_kernels::epilogue::Activation;

/// What follows a product or convolution and is computed with it.
#[derive(Debug)]
pub(super) struct Tail {
    /// Factors of the output channels, which go into the weights.
    pub scale: Option<Vec<f32>>,
    pub bias: Option<Vec<f32>>,
    pub residual: Option<Operand>,
    pub activation: Activation,
    /// The node whose result the kernel gives.
    pub last: usize,
    /// The nodes that are not computed on their own.
    pub absorbed: Vec<usize>,
}

/// Returns true if so many channels are whole along the last axes.
fn splits(extents: &[usize], channels: usize) -> bool {
    let mut count = 1;
    let mut sizes = extents.iter().rev().map(|extent| {
        count *= extent;
        count
    });
    channels == 1 || sizes.any(|size| size == channels)
}

impl Tail {
    /// Follows the users of a node's result as far as one kernel can compute them.
    pub(super) fn of(graph: &Graph<'_>, first: usize) -> Result<Self> {
        let channels = match graph.node(first) {
            Some(node) => node.spec.shape.last()?,
            None => 0,
        };
        let mut tail = Self {
            scale: None,
            bias: None,
            residual: None,
            activation: Activation::Linear,
            last: first,
            absorbed: Vec::new(),
        };
        while tail.step(graph, channels) {}
        Ok(tail)
    }

    /// Absorbs what comes next; false if it can't.
    fn step(&mut self, graph: &Graph<'_>, channels: usize) -> bool {
        let Some(here) = graph.node(self.last) else { return false };
        if self.activation == Activation::Linear && self.silu(graph) {
            return true;
        }
        let Some((position, user)) = graph.only_user(self.last) else { return false };
        if user.spec.dtype != DType::Float32 {
            return false;
        }
        if primitive::<Reshape>(user).is_some() {
            // The channels stay together, along one or more of the last axes.
            let is_whole = user.spec.shape.known().is_ok_and(|extents| splits(&extents, channels));
            return self.residual.is_none() && is_whole && self.absorb(position);
        }
        let own = Operand::Node(self.last);
        if let Some(function) = primitive::<Unary>(user)
            && self.activation == Activation::Linear
        {
            let activation = match function {
                Unary::Relu => Activation::Relu,
                Unary::Sigmoid => Activation::Sigmoid,
                Unary::Tanh => Activation::Tanh,
                Unary::Exp => Activation::Exp,
                Unary::Erf => Activation::Erf,
                _ => return false,
            };
            return self.activate(activation, position);
        }
        if let Some(Gelu { approximate }) = primitive(user)
            && self.activation == Activation::Linear
        {
            return self.activate(if *approximate { Activation::GeluTanh } else { Activation::Gelu }, position);
        }
        let Some(function) = primitive::<Binary>(user) else { return false };
        let &[x, y] = user.operands.as_slice() else { return false };
        if x == y || user.spec.shape != here.spec.shape {
            return false;
        }
        let (other, is_left) = if x == own { (y, true) } else { (x, false) };
        if let Some(number) = graph.number(other)
            && is_left
            && let Some(activation) = self.clipped(*function, number)
        {
            return self.activate(activation, position);
        }
        if self.activation != Activation::Linear || self.residual.is_some() {
            return false;
        }
        let extents = here.spec.shape.known().unwrap_or_default();
        match (function, graph.per_channel(other, &extents, channels)) {
            (Binary::Mul, Some(factors)) => self.multiply(&factors),
            (Binary::Div, Some(divisors)) if is_left => {
                self.multiply(&divisors.iter().map(|divisor| 1.0 / divisor).collect::<Vec<_>>());
            }
            (Binary::Add, Some(terms)) => self.add(&terms),
            (Binary::Sub, Some(terms)) if is_left => {
                self.add(&terms.iter().map(|term| -term).collect::<Vec<_>>());
            }
            (Binary::Add, None) => {
                let spec = graph.spec(other);
                if spec.as_ref() != Some(&here.spec) {
                    return false;
                }
                self.residual = Some(other);
            }
            _ => return false,
        }
        self.absorb(position)
    }

    /// Absorbs `x · sigmoid(x)`.
    fn silu(&mut self, graph: &Graph<'_>) -> bool {
        let &[a, b] = graph.users(self.last) else { return false };
        let (Some(first), Some(second)) = (graph.node(a), graph.node(b)) else { return false };
        let own = Operand::Node(self.last);
        let is_product = second.operands.as_slice() == [own, Operand::Node(a)]
            || second.operands.as_slice() == [Operand::Node(a), own];
        let fits = primitive(first) == Some(&Unary::Sigmoid) && primitive(second) == Some(&Binary::Mul) && is_product;
        if !fits
            || !graph.is_free(a)
            || !graph.is_free(b)
            || graph.only_user(a).is_none()
            || first.spec.dtype != DType::Float32
        {
            return false;
        }
        self.absorbed.push(self.last);
        self.absorbed.push(a);
        self.activation = Activation::Silu;
        self.last = b;
        true
    }

    /// Returns the clip that a bound makes of the activation so far.
    fn clipped(&self, function: Binary, bound: f32) -> Option<Activation> {
        let (low, high) = match self.activation {
            Activation::Linear => (f32::NEG_INFINITY, f32::INFINITY),
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Clip { low, high } => (low, high),
            _ => return None,
        };
        let clip = match function {
            Binary::Max if bound <= high => Activation::Clip { low: low.max(bound), high },
            Binary::Min if bound >= low => Activation::Clip { low, high: high.min(bound) },
            _ => return None,
        };
        Some(clip)
    }

    fn multiply(&mut self, factors: &[f32]) {
        let times = |numbers: &mut Vec<f32>| numbers.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
        self.bias.iter_mut().for_each(times);
        match &mut self.scale {
            Some(scale) => times(scale),
            none => *none = Some(factors.to_vec()),
        }
    }

    fn add(&mut self, terms: &[f32]) {
        match &mut self.bias {
            Some(bias) => bias.iter_mut().zip(terms).for_each(|(x, term)| *x += term),
            none => *none = Some(terms.to_vec()),
        }
    }

    fn activate(&mut self, activation: Activation, position: usize) -> bool {
        self.activation = activation;
        self.absorb(position)
    }

    fn absorb(&mut self, position: usize) -> bool {
        self.absorbed.push(self.last);
        self.last = position;
        true
    }

    /// Returns the kernel of a producer with this tail.
    pub(super) fn fused(self, kernel: impl Kernel + 'static, x: Operand) -> Fused {
        let operands = [x].into_iter().chain(self.residual).collect();
        Fused { kernel: Box::new(kernel), operands, last: self.last, inner: self.absorbed }
    }

    /// Multiplies weights, whose last axis is that of the channels, with the factors.
    pub(super) fn scaled(&self, mut weights: Vec<f32>) -> Vec<f32> {
        if let Some(scale) = &self.scale {
            for row in weights.chunks_mut(scale.len().max(1)) {
                row.iter_mut().zip(scale).for_each(|(weight, factor)| *weight *= factor);
            }
        }
        weights
    }
}
