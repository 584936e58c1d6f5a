//! Copies of elements in another order: strided views (transposes, slices, broadcasts) and joins along an axis.

use super::Context;
use super::error::{Result, check, check_length, count};
use super::region::{self, Grid};

/// Elements of a task at least.
const BLOCK: usize = 16 * 1024;

/// A strided view, which is written out in row-major order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// The place of the first element.
    start: usize,
    /// Extent and distance of each axis but the last.
    outer: Vec<(usize, isize)>,
    /// Extent and distance of the last axis.
    inner: (usize, isize),
    /// The places that are read lie below this.
    end: usize,
}

impl Strided {
    /// A view whose axes have these extents, and neighbours along them these distances in the input.
    pub fn new(start: usize, extents: &[usize], steps: &[isize]) -> Result<Self> {
        check(extents.len() == steps.len(), "every axis has a distance")?;
        count(extents)?;
        // The first and the last place that is read.
        let (mut low, mut high) = (start as isize, start as isize);
        for (extent, step) in extents.iter().zip(steps) {
            let reach = (extent.saturating_sub(1) as isize).saturating_mul(*step);
            low = low.saturating_add(reach.min(0));
            high = high.saturating_add(reach.max(0));
        }
        check(low >= 0 && high < isize::MAX, "the view lies in the address space")?;
        let end = if extents.contains(&0) { 0 } else { high as usize + 1 };
        // Axes that follow each other without a gap are one.
        let mut axes: Vec<(usize, isize)> = Vec::new();
        for (extent, step) in extents.iter().zip(steps).filter(|(extent, _)| **extent != 1) {
            match axes.last_mut() {
                Some((outer, distance)) if *distance == step.saturating_mul(*extent as isize) => {
                    (*outer, *distance) = (*outer * extent, *step);
                }
                _ => axes.push((*extent, *step)),
            }
        }
        let inner = axes.pop().unwrap_or((1, 1));
        Ok(Self { start, outer: axes, inner, end })
    }

    /// Writes the elements of the view of `x` to `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], out: &mut [f32]) -> Result<()> {
        let (columns, step) = self.inner;
        let rows = self.outer.iter().map(|(extent, _)| extent).product::<usize>();
        check_length("the output", rows * columns, out)?;
        check(x.len() >= self.end, "the view lies in the input")?;
        if out.is_empty() {
            return Ok(());
        }
        let pool = context.pool_for(out.len());
        let grid = Grid::of_rows(rows, columns, BLOCK.div_ceil(columns));
        region::for_each(pool, out, &grid, &|mut out| {
            for row in out.rows() {
                let start = self.place(row);
                let out = out.row(row);
                match step {
                    1 => out.copy_from_slice(&x[start..start + columns]),
                    0 => out.fill(x[start]),
                    _ => {
                        let mut place = start as isize;
                        for out in out {
                            *out = x[place as usize];
                            place += step;
                        }
                    }
                }
            }
        });
        Ok(())
    }

    /// The place of a row's first element.
    fn place(&self, mut row: usize) -> usize {
        let mut place = self.start as isize;
        for (extent, step) in self.outer.iter().rev() {
            place += (row % extent) as isize * step;
            row /= extent;
        }
        place as usize
    }
}

/// A join of tensors along an axis: rows of each, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The elements of a row of each part.
    widths: Vec<usize>,
}

impl Join {
    /// A join of parts whose rows, all that stands from the joined axis on, have so many elements.
    pub fn new(widths: Vec<usize>) -> Self {
        Self { widths }
    }

    /// Writes the rows of all parts, side by side, to `out`.
    pub fn run(&self, context: &Context<'_>, parts: &[&[f32]], out: &mut [f32]) -> Result<()> {
        let columns: usize = self.widths.iter().sum();
        check(parts.len() == self.widths.len(), "there are as many parts as widths")?;
        check(columns > 0 && out.len().is_multiple_of(columns), "the output has whole rows")?;
        let rows = out.len() / columns;
        for (part, width) in parts.iter().zip(&self.widths) {
            check_length("a part", rows * width, part)?;
        }
        let grid = Grid::of_rows(rows, columns, BLOCK.div_ceil(columns));
        region::for_each(context.pool_for(out.len()), out, &grid, &|mut out| {
            for row in out.rows() {
                let mut rest = out.row(row);
                for (part, width) in parts.iter().zip(&self.widths) {
                    let (here, after) = rest.split_at_mut(*width);
                    here.copy_from_slice(&part[row * width..(row + 1) * width]);
                    rest = after;
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strided(start: usize, extents: &[usize], steps: &[isize], x: &[f32]) -> Vec<f32> {
        let mut out = vec![f32::NAN; extents.iter().product()];
        Strided::new(start, extents, steps).unwrap().run(&Context::default(), x, &mut out).unwrap();
        out
    }

    #[test]
    fn views() {
        let x: Vec<f32> = (0..12).map(|x| x as f32).collect();
        // (3, 4) transposed, its last two columns backwards, and a row for three.
        assert_eq!(strided(0, &[4, 3], &[1, 4], &x), [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
        assert_eq!(strided(3, &[3, 2], &[4, -1], &x), [3., 2., 7., 6., 11., 10.]);
        assert_eq!(strided(4, &[3, 2], &[0, 1], &x), [4., 5., 4., 5., 4., 5.]);
        assert_eq!(strided(2, &[2, 3], &[1, 0], &x), [2., 2., 2., 3., 3., 3.]);
        assert_eq!(strided(5, &[], &[], &x), [5.]);
        assert_eq!(strided(0, &[3, 0], &[4, 1], &[]), [] as [f32; 0]);
        // Merged axes are one copy.
        assert_eq!(Strided::new(0, &[3, 4], &[4, 1]).unwrap().outer, []);
        assert_eq!(strided(0, &[3, 4], &[4, 1], &x), x);
    }

    #[test]
    fn views_outside_are_errors() {
        assert!(Strided::new(0, &[3], &[-1]).is_err());
        assert!(Strided::new(0, &[3, 2], &[1]).is_err());
        let mut out = [0.0; 6];
        let view = Strided::new(1, &[3, 2], &[2, 1]).unwrap();
        assert!(view.run(&Context::default(), &[0.0; 6], &mut out).is_err());
        assert!(view.run(&Context::default(), &[0.0; 7], &mut out[1..]).is_err());
    }

    #[test]
    fn joins() {
        let (a, b) = ([1.0, 2.0], [3.0, 4.0, 5.0, 6.0]);
        let mut out = [0.0; 6];
        Join::new(vec![1, 2]).run(&Context::default(), &[&a, &b], &mut out).unwrap();
        assert_eq!(out, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        assert!(Join::new(vec![1, 2]).run(&Context::default(), &[&a, &b[..3]], &mut out).is_err());
        assert!(Join::new(vec![1, 2]).run(&Context::default(), &[&a], &mut out).is_err());
    }
}
