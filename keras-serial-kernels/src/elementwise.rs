//! Chains of element-wise operations, unary and binary, in one pass over memory.
//!
//! A chain is applied to some hundred elements at a time, which stay in the first cache from its first
//! operation to its last. Operands may repeat: a number for each channel, or for each channel of an image.

use super::Context;
use super::epilogue::Activation;
use super::error::{Error, Result, check, check_length};
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd};

/// Elements that go through a whole chain at a time.
const STRIP: usize = 512;

/// Elements of a task at least.
const BLOCK: usize = 16 * 1024;

/// One operation of a chain, on the value so far.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// An activation function.
    Activation(Activation),
    /// value + operand.
    Add(Operand),
    /// value - operand.
    Subtract(Operand),
    /// operand - value.
    SubtractFrom(Operand),
    /// value · operand.
    Multiply(Operand),
    /// value / operand.
    Divide(Operand),
    /// operand / value.
    DivideInto(Operand),
    /// The larger one of value and operand.
    Maximum(Operand),
    /// The smaller one of value and operand.
    Minimum(Operand),
    /// value².
    Square,
    /// √value.
    SquareRoot,
    /// |value|.
    Absolute,
    /// -value.
    Negative,
}

/// The other side of a binary operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A number.
    Scalar(f32),
    /// One of the inputs, by its place in the list.
    Input(usize),
    /// One of the inputs that has one number for each row, by its place in the list.
    Row(usize),
}

/// An input of a chain: rows as wide as those of the output.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The rows; one number for each, for [`Operand::Row`].
    pub values: &'a [f32],
    /// How many rows of the output one row of the input serves, before the next one comes; after the last row,
    /// the first one comes again. So `1` is for an input like the output, and also for one row for all; the
    /// positions of an image are for one row for each image.
    pub repeat: usize,
}

/// A chain of operations on the first input.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    steps: Vec<Step>,
}

impl Chain {
    /// A chain of operations in their order.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }

    /// The operations.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Applies the chain to the first input. All rows have so many columns; inputs that are all like the output
    /// may be given as one row.
    pub fn run(&self, context: &Context<'_>, inputs: &[Input<'_>], columns: usize, out: &mut [f32]) -> Result<()> {
        check(columns > 0 && out.len().is_multiple_of(columns), "rows have the same number of columns, at least one")?;
        check(!inputs.is_empty(), "a chain has an input")?;
        for step in &self.steps {
            if let Some(Operand::Input(at) | Operand::Row(at)) = step.operand() {
                check(at < inputs.len(), "operands are inputs of the chain")?;
            }
        }
        let rows = out.len() / columns;
        for (place, Input { values, repeat }) in inputs.iter().enumerate() {
            check(*repeat > 0, "inputs repeat at least once")?;
            let is_row = self.steps.iter().any(|step| step.operand() == Some(Operand::Row(place)));
            let width = if is_row { 1 } else { columns };
            let given = values.len() / width;
            let is_whole = values.len().is_multiple_of(width) && (given > 0 || rows == 0);
            if !is_whole || !rows.is_multiple_of(given.saturating_mul(*repeat).max(1)) {
                return Err(Error::Length { what: "an input", expected: out.len(), received: values.len() });
            }
        }
        if out.is_empty() {
            return Ok(());
        }
        // A long row is cut, many short ones are joined.
        let block_columns = columns.min(BLOCK);
        let grid = Grid { block_columns, ..Grid::of_rows(rows, columns, (BLOCK / columns).max(1)) };
        let pool = context.pool_for(out.len().saturating_mul(self.steps.len() + 1));
        region::for_each(pool, out, &grid, &|out| context.level.run(Strips { chain: self, inputs, out }));
        Ok(())
    }

    /// Applies a chain without inputs to numbers in place.
    pub fn apply(&self, context: &Context<'_>, values: &mut [f32]) -> Result<()> {
        check(
            self.steps.iter().all(|step| !matches!(step.operand(), Some(Operand::Input(_) | Operand::Row(_)))),
            "no operand is an input",
        )?;
        let grid = Grid::of_rows(1, values.len(), 1);
        let grid = Grid { block_columns: BLOCK, ..grid };
        check_length("the values", grid.columns, values)?;
        let pool = context.pool_for(values.len().saturating_mul(self.steps.len() + 1));
        region::for_each(pool, values, &grid, &|mut out| {
            context.level.run(InPlace { chain: self, values: out.row(0) });
        });
        Ok(())
    }
}

impl Step {
    /// The operation with the inputs at other places: input `i` stands at `places[i]`.
    #[must_use]
    pub fn with_inputs(self, places: &[usize]) -> Self {
        let place = |at: usize| places.get(at).copied().unwrap_or(usize::MAX);
        self.with_operand(|operand| match operand {
            Operand::Input(at) => Operand::Input(place(at)),
            Operand::Row(at) => Operand::Row(place(at)),
            scalar => scalar,
        })
    }

    /// The operation with another operand.
    #[inline(always)]
    fn with_operand(self, moved: impl Fn(Operand) -> Operand) -> Self {
        match self {
            Self::Add(operand) => Self::Add(moved(operand)),
            Self::Subtract(operand) => Self::Subtract(moved(operand)),
            Self::SubtractFrom(operand) => Self::SubtractFrom(moved(operand)),
            Self::Multiply(operand) => Self::Multiply(moved(operand)),
            Self::Divide(operand) => Self::Divide(moved(operand)),
            Self::DivideInto(operand) => Self::DivideInto(moved(operand)),
            Self::Maximum(operand) => Self::Maximum(moved(operand)),
            Self::Minimum(operand) => Self::Minimum(moved(operand)),
            step => step,
        }
    }

    fn operand(&self) -> Option<Operand> {
        match self {
            Self::Add(operand)
            | Self::Subtract(operand)
            | Self::SubtractFrom(operand)
            | Self::Multiply(operand)
            | Self::Divide(operand)
            | Self::DivideInto(operand)
            | Self::Maximum(operand)
            | Self::Minimum(operand) => Some(*operand),
            Self::Activation(_) | Self::Square | Self::SquareRoot | Self::Absolute | Self::Negative => None,
        }
    }

    /// Applies a binary operation to vectors.
    #[inline(always)]
    fn binary<S: Simd>(self, s: S, a: S::V, b: S::V) -> S::V {
        match self {
            Self::Add(_) => s.add(a, b),
            Self::Subtract(_) => s.sub(a, b),
            Self::SubtractFrom(_) => s.sub(b, a),
            Self::Multiply(_) => s.mul(a, b),
            Self::Divide(_) => s.div(a, b),
            Self::DivideInto(_) => s.div(b, a),
            Self::Maximum(_) => s.max_nan(a, b),
            Self::Minimum(_) => s.min_nan(a, b),
            Self::Square => s.mul(a, a),
            Self::SquareRoot => s.sqrt(a),
            Self::Absolute => s.abs(a),
            Self::Negative => s.sub(s.splat(-0.0), a),
            Self::Activation(activation) => activation.of(s, a),
        }
    }

    /// Applies the operation to a strip; `operand` is its other side.
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, values: &mut [f32], operand: Option<&[f32]>) {
        match (self, operand) {
            (Self::Activation(activation), _) => activation.apply(s, values),
            (step, Some(operand)) => {
                for (values, operand) in values.chunks_mut(S::LANES).zip(operand.chunks(S::LANES)) {
                    let result = step.binary(s, s.load_slice(values), s.load_slice(operand));
                    s.store_slice(values, result);
                }
            }
            (step, None) => {
                let scalar = match step.operand() {
                    Some(Operand::Scalar(scalar)) => scalar,
                    _ => 0.0,
                };
                for values in values.chunks_mut(S::LANES) {
                    let result = step.binary(s, s.load_slice(values), s.splat(scalar));
                    s.store_slice(values, result);
                }
            }
        }
    }
}

struct InPlace<'a> {
    chain: &'a Chain,
    values: &'a mut [f32],
}

impl Kernel for InPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for strip in self.values.chunks_mut(STRIP) {
            for step in &self.chain.steps {
                step.apply(s, strip, None);
            }
        }
    }
}

struct Strips<'a, 'b> {
    chain: &'a Chain,
    inputs: &'a [Input<'b>],
    out: Region<'a>,
}

impl Kernel for Strips<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (columns, width) = (self.out.columns(), self.out.stride());
        for row in self.out.rows() {
            for first in columns.clone().step_by(STRIP) {
                let here = first..(first + STRIP).min(columns.end);
                let strip = &mut self.out.row(row)[here.start - columns.start..here.end - columns.start];
                strip.copy_from_slice(self.inputs[0].strip(row, width, here.clone()));
                for step in &self.chain.steps {
                    match step.operand() {
                        Some(Operand::Input(at)) => {
                            step.apply(s, strip, Some(self.inputs[at].strip(row, width, here.clone())));
                        }
                        Some(Operand::Row(at)) => {
                            let number = self.inputs[at].number(row);
                            step.with_operand(|_| Operand::Scalar(number)).apply(s, strip, None);
                        }
                        _ => step.apply(s, strip, None),
                    }
                }
            }
        }
    }
}

impl Input<'_> {
    /// The number of a row.
    #[inline(always)]
    fn number(&self, row: usize) -> f32 {
        self.values[(row / self.repeat) % self.values.len()]
    }

    /// What stands beside some columns of a row of the output.
    #[inline(always)]
    fn strip(&self, row: usize, width: usize, columns: std::ops::Range<usize>) -> &[f32] {
        let row = (row / self.repeat) % (self.values.len() / width);
        &self.values[row * width + columns.start..row * width + columns.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers};

    #[test]
    fn a_number_for_each_row() {
        let x: Vec<f32> = (0..12).map(|x| x as f32).collect();
        let chain = Chain::new(vec![Step::Multiply(Operand::Row(1)), Step::SubtractFrom(Operand::Row(2))]);
        everywhere(|context| {
            let mut out = [0.0; 12];
            let inputs = [
                Input { values: &x, repeat: 1 },
                Input { values: &[2.0, 3.0], repeat: 2 },
                Input { values: &[10.0, 20.0], repeat: 1 },
            ];
            chain.run(context, &inputs, 3, &mut out).unwrap();
            let expected: Vec<f32> =
                (0..12).map(|i| [10.0, 20.0, 10.0, 20.0][i / 3] - x[i] * [2.0, 2.0, 3.0, 3.0][i / 3]).collect();
            assert_eq!(out.to_vec(), expected);
            let wrong = [inputs[0], Input { values: &[1.0; 3], repeat: 1 }, inputs[2]];
            assert!(chain.run(context, &wrong, 3, &mut out).is_err());
        });
    }

    #[test]
    fn every_operation() {
        use Operand::{Input as At, Scalar};
        type Function = fn(f64, f64) -> f64;
        let cases: [(Step, Function); 14] = [
            (Step::Add(At(1)), |a, b| a + b),
            (Step::Subtract(At(1)), |a, b| a - b),
            (Step::SubtractFrom(At(1)), |a, b| b - a),
            (Step::Multiply(At(1)), |a, b| a * b),
            (Step::Divide(At(1)), |a, b| a / b),
            (Step::DivideInto(At(1)), |a, b| b / a),
            (Step::Maximum(At(1)), f64::max),
            (Step::Minimum(At(1)), f64::min),
            (Step::Add(Scalar(2.5)), |a, _| a + 2.5),
            (Step::DivideInto(Scalar(0.5)), |a, _| 0.5 / a),
            (Step::Square, |a, _| a * a),
            (Step::SquareRoot, |a, _| a.sqrt()),
            (Step::Absolute, |a, _| a.abs()),
            (Step::Negative, |a, _| -a),
        ];
        for (step, function) in cases {
            let sign = if step == Step::Absolute { -1.0 } else { 1.0 };
            let positive = |seed| numbers(67, seed).iter().map(|x| sign * (1.1 + x)).collect::<Vec<f32>>();
            let (a, b) = (positive(1), positive(2));
            let pairs = a.iter().zip(&b);
            let expected: Vec<f64> = pairs.map(|(a, b)| function(f64::from(*a), f64::from(*b))).collect();
            everywhere(|context| {
                let inputs = [Input { values: &a, repeat: 1 }, Input { values: &b, repeat: 1 }];
                let mut out = vec![f32::NAN; 67];
                Chain::new(vec![step]).run(context, &inputs, 67, &mut out).unwrap();
                assert_close(&out, &expected, &format!("{:?} {step:?}", context.level));
            });
        }
    }

    #[test]
    fn every_activation() {
        let (alpha, scale) = (1.6732632423543772, 1.0507009873554805);
        type Function<'a> = &'a dyn Fn(f64) -> f64;
        let cases: [(Activation, Function<'_>); 11] = [
            (Activation::Linear, &|x| x),
            (Activation::Relu, &|x| x.max(0.0)),
            (Activation::Clip { low: -0.5, high: 2.0 }, &|x| x.clamp(-0.5, 2.0)),
            (Activation::LeakyRelu { slope: 0.3 }, &|x| if x < 0.0 { f64::from(0.3f32) * x } else { x }),
            (Activation::Elu { alpha: 0.5 }, &|x| if x < 0.0 { 0.5 * x.exp_m1() } else { x }),
            (Activation::Selu, &|x| scale * if x < 0.0 { alpha * x.exp_m1() } else { x }),
            (Activation::Silu, &|x| x / (1.0 + (-x).exp())),
            (Activation::Exp, &f64::exp),
            (Activation::HardSigmoid, &|x| (x / 6.0 + 0.5).clamp(0.0, 1.0)),
            (Activation::HardSilu, &|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
            (Activation::Softsign, &|x| x / (1.0 + x.abs())),
        ];
        let x: Vec<f32> = numbers(1001, 3).iter().map(|x| 5.0 * x).collect();
        for (activation, function) in cases {
            let expected: Vec<f64> = x.iter().map(|x| function(f64::from(*x))).collect();
            everywhere(|context| {
                let mut out = x.clone();
                Chain::new(vec![Step::Activation(activation)]).apply(context, &mut out).unwrap();
                assert_close(&out, &expected, &format!("{:?} {activation:?}", context.level));
            });
        }
    }

    #[test]
    fn what_is_not_a_number_stays() {
        let nan = f32::NAN;
        everywhere(|context| {
            for step in [Step::Maximum(Operand::Input(1)), Step::Minimum(Operand::Input(1))] {
                let inputs = [Input { values: &[nan, 1.0], repeat: 1 }, Input { values: &[1.0, nan], repeat: 1 }];
                let mut out = [0.0; 2];
                Chain::new(vec![step]).run(context, &inputs, 2, &mut out).unwrap();
                assert!(out.iter().all(|x| x.is_nan()));
            }
            let mut out = [nan, 1.0];
            for activation in [Activation::Relu, Activation::Clip { low: 0.0, high: 6.0 }, Activation::Sigmoid] {
                Chain::new(vec![Step::Activation(activation)]).apply(context, &mut out).unwrap();
                assert!(out[0].is_nan() && !out[1].is_nan());
            }
        });
    }

    #[test]
    fn operands_repeat() {
        for (images, positions, channels) in [(1, 1, 1), (2, 49, 33), (3, 7, 3), (2, 5, 700), (1, 1, 40_000)] {
            let x = numbers(images * positions * channels, 1);
            let (scale, gate) = (numbers(channels, 2), numbers(images * channels, 3));
            let expected: Vec<f64> = x
                .iter()
                .enumerate()
                .map(|(i, x)| {
                    let (row, column) = (i / channels, i % channels);
                    let gated = f64::from(*x) * f64::from(gate[row / positions * channels + column]);
                    (gated + f64::from(scale[column])).max(0.0)
                })
                .collect();
            let chain = Chain::new(vec![
                Step::Multiply(Operand::Input(1)),
                Step::Add(Operand::Input(2)),
                Step::Activation(Activation::Relu),
            ]);
            everywhere(|context| {
                let inputs = [
                    Input { values: &x, repeat: 1 },
                    Input { values: &gate, repeat: positions },
                    Input { values: &scale, repeat: 1 },
                ];
                let mut out = vec![f32::NAN; x.len()];
                chain.run(context, &inputs, channels, &mut out).unwrap();
                assert_close(&out, &expected, &format!("{:?} {images} {positions} {channels}", context.level));
            });
        }
    }

    #[test]
    fn wrong_chains_are_errors() {
        let context = Context::default();
        let chain = Chain::new(vec![Step::Add(Operand::Input(1))]);
        assert_eq!(chain.steps().len(), 1);
        let input = |values, repeat| Input { values, repeat };
        let (four, three) = ([0.0; 4], [0.0; 3]);
        let mut out = [0.0; 4];
        assert!(chain.run(&context, &[input(&four, 1)], 4, &mut out).is_err());
        assert!(chain.run(&context, &[], 4, &mut out).is_err());
        assert!(chain.run(&context, &[input(&four, 1), input(&three, 1)], 4, &mut out).is_err());
        assert!(chain.run(&context, &[input(&four, 1), input(&four, 0)], 4, &mut out).is_err());
        assert!(chain.run(&context, &[input(&four, 1), input(&[], 1)], 2, &mut out).is_err());
        assert!(chain.run(&context, &[input(&four, 1), input(&four, 3)], 2, &mut out).is_err());
        assert!(chain.run(&context, &[input(&four, 1), input(&four, 1)], 0, &mut out).is_err());
        assert!(chain.apply(&context, &mut out).is_err());
        chain.run(&context, &[input(&[], 1), input(&[], 1)], 2, &mut []).unwrap();
        Chain::new(vec![]).apply(&context, &mut []).unwrap();
    }
}
