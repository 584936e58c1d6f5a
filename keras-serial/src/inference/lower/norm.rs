//! Layer normalization and RMS normalization over the last axis.

use crate::error::Result;
use crate::inference::graph::{Graph, primitive};
use crate::inference::kernel::{Fused, Kernel, operand};
use crate::program::primitives::{Binary, Reduce, Reduction, Unary};
use crate::program::{Node, Operand};
use keras_serial_kernels::norm::{Kind, Normalize};
use keras_serial_kernels::{self as kernels, Context};

#[derive(Debug)]
struct Normalization {
    kind: Kind,
    epsilon: f32,
    gamma: Option<Vec<f32>>,
    beta: Option<Vec<f32>>,
    columns: usize,
}

impl Kernel for Normalization {
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> kernels::Result<()> {
        let (gamma, beta) = (self.gamma.as_deref(), self.beta.as_deref());
        let normalize = Normalize { kind: self.kind, epsilon: self.epsilon, gamma, beta };
        normalize.run(context, operand(operands, 0)?, self.columns, out)
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Layer => "layer_normalization",
            _ => "rms_normalization",
        }
    }
}

/// Reads patterns backwards.
struct Reader<'a> {
    graph: &'a Graph<'a>,
    columns: usize,
}

impl Reader<'_> {
    /// Returns the operands of a node with this function; reshapes and broadcasts don't count.
    fn binary(&self, operand: Operand, function: Binary) -> Option<[Operand; 2]> {
        let (node, _) = self.graph.made_by::<Binary>(self.plain(operand)).filter(|(_, found)| **found == function)?;
        node.operands.as_slice().try_into().ok()
    }

    fn unary(&self, operand: Operand, function: Unary) -> Option<Operand> {
        let (node, _) = self.graph.made_by::<Unary>(self.plain(operand)).filter(|(_, found)| **found == function)?;
        node.operands.first().copied()
    }

    fn plain(&self, operand: Operand) -> Operand {
        let before = self.graph.before_broadcasts(self.graph.before_reshapes(operand));
        if before == operand { operand } else { self.plain(before) }
    }

    /// Returns both orders of two operands.
    fn either([x, y]: [Operand; 2]) -> [[Operand; 2]; 2] {
        [[x, y], [y, x]]
    }

    /// Returns what an operand is the mean of, along the last axis.
    fn mean(&self, operand: Operand) -> Option<Operand> {
        let (node, reduce) = self.graph.made_by::<Reduce>(self.plain(operand))?;
        let &[x] = node.operands.as_slice() else { return None };
        let rank = self.graph.extents(x)?.len();
        let fits = reduce.by == Reduction::Mean && reduce.axis + 1 == rank;
        fits.then_some(x)
    }

    fn is_mean_of(&self, operand: Operand, x: Operand) -> bool {
        self.mean(operand) == Some(x)
    }

    /// Returns true for `mean((x - mean(x))²)`.
    fn is_variance_of(&self, operand: Operand, x: Operand) -> bool {
        let centered = self.mean(operand).and_then(|squares| self.squared(squares));
        let difference = centered.and_then(|centered| self.binary(centered, Binary::Sub));
        difference.is_some_and(|[left, mean]| left == x && self.is_mean_of(mean, x))
    }

    /// Returns what an operand is the square of.
    fn squared(&self, operand: Operand) -> Option<Operand> {
        let product = || self.binary(operand, Binary::Mul).filter(|[x, y]| x == y).map(|[x, _]| x);
        self.unary(operand, Unary::Square).or_else(product)
    }

    /// Returns true for `mean(x²)`.
    fn is_mean_square_of(&self, operand: Operand, x: Operand) -> bool {
        self.mean(operand).and_then(|squares| self.squared(squares)) == Some(x)
    }

    fn per_channel(&self, operand: Operand) -> Option<Vec<f32>> {
        self.graph.per_channel(operand, &[self.columns], self.columns)
    }

    /// Reads `1 / √(moment + epsilon)`; returns the moment and epsilon.
    fn inverse_deviation(&self, operand: Operand) -> Option<(Operand, f32)> {
        let sum = self.unary(operand, Unary::Rsqrt).or_else(|| {
            let root = self.unary(operand, Unary::Reciprocal)?;
            self.unary(root, Unary::Sqrt)
        })?;
        self.shifted(sum)
    }

    /// Reads `moment + epsilon`.
    fn shifted(&self, sum: Operand) -> Option<(Operand, f32)> {
        let operands = self.binary(sum, Binary::Add)?;
        Self::either(operands).into_iter().find_map(|[moment, epsilon]| Some((moment, self.graph.number(epsilon)?)))
    }

    /// Reads `inverse · gamma` or `inverse` alone.
    fn scale(&self, operand: Operand) -> Option<(Operand, f32, Option<Vec<f32>>)> {
        if let Some((moment, epsilon)) = self.inverse_deviation(operand) {
            return Some((moment, epsilon, None));
        }
        Self::either(self.binary(operand, Binary::Mul)?).into_iter().find_map(|[inverse, gamma]| {
            let (moment, epsilon) = self.inverse_deviation(inverse)?;
            Some((moment, epsilon, Some(self.per_channel(gamma)?)))
        })
    }

    /// Reads `x · scale + (beta - mean · scale)`, as the layers of this crate compute it.
    fn folded(&self, operand: Operand) -> Option<(Operand, Normalization)> {
        Self::either(self.binary(operand, Binary::Add)?).into_iter().find_map(|[product, shift]| {
            let factors = self.binary(product, Binary::Mul)?;
            Self::either(factors).into_iter().find_map(|[x, scale]| {
                let (variance, epsilon, gamma) = self.scale(scale)?;
                if !self.is_variance_of(variance, x) {
                    return None;
                }
                let (shift, beta) = match self.unary(shift, Unary::Neg) {
                    Some(shift) => (shift, None),
                    None => Self::either(self.binary(shift, Binary::Add)?).into_iter().find_map(|[shift, beta]| {
                        Some((self.unary(shift, Unary::Neg)?, Some(self.per_channel(beta)?)))
                    })?,
                };
                let fits = Self::either(self.binary(shift, Binary::Mul)?)
                    .into_iter()
                    .any(|[mean, again]| self.is_mean_of(mean, x) && self.plain(again) == self.plain(scale));
                fits.then(|| (x, self.kernel(Kind::Layer, epsilon, gamma, beta)))
            })
        })
    }

    /// Reads `(x - mean) / √(variance + epsilon) · gamma + beta`, as one writes it out.
    fn plainly(&self, operand: Operand) -> Option<(Operand, Normalization)> {
        let with = |function, operand| {
            let pairs = self.binary(operand, function).map(Self::either)?;
            pairs.into_iter().find_map(|[rest, row]| Some((rest, self.per_channel(row)?)))
        };
        let (rest, beta) = with(Binary::Add, operand).map_or((operand, None), |(rest, beta)| (rest, Some(beta)));
        let (rest, gamma) = with(Binary::Mul, rest).map_or((rest, None), |(rest, gamma)| (rest, Some(gamma)));
        let (centered, variance, epsilon) = match self.binary(rest, Binary::Div) {
            Some([centered, root]) => {
                let (variance, epsilon) = self.shifted(self.unary(root, Unary::Sqrt)?)?;
                (centered, variance, epsilon)
            }
            None => Self::either(self.binary(rest, Binary::Mul)?).into_iter().find_map(|[centered, inverse]| {
                let (variance, epsilon) = self.inverse_deviation(inverse)?;
                Some((centered, variance, epsilon))
            })?,
        };
        if self.is_mean_square_of(variance, centered) && self.binary(centered, Binary::Sub).is_none() {
            return Some((centered, self.kernel(Kind::RootMeanSquare, epsilon, gamma, beta)));
        }
        let [x, mean] = self.binary(centered, Binary::Sub)?;
        let fits = self.is_mean_of(mean, x) && self.is_variance_of(variance, x);
        fits.then(|| (x, self.kernel(Kind::Layer, epsilon, gamma, beta)))
    }

    fn kernel(&self, kind: Kind, epsilon: f32, gamma: Option<Vec<f32>>, beta: Option<Vec<f32>>) -> Normalization {
        Normalization { kind, epsilon, gamma, beta, columns: self.columns }
    }
}

pub(super) fn lower(_: &Context<'_>, graph: &Graph<'_>, position: usize, node: &Node) -> Result<Option<Fused>> {
    if !matches!(primitive(node), Some(Binary::Add | Binary::Mul | Binary::Div)) {
        return Ok(None);
    }
    let reader = Reader { graph, columns: node.spec.shape.last()? };
    let here = Operand::Node(position);
    let Some((x, kernel)) = reader.folded(here).or_else(|| reader.plainly(here)) else { return Ok(None) };
    if graph.extents(x) != Some(node.spec.shape.known()?) {
        return Ok(None);
    }
    let inner = graph.between(position, &[x]);
    Ok(Some(Fused { inner, ..Fused::one(position, kernel, [x]) }))
}
