//! Softmax attention of transformers: `softmax(scale · Q · Kᵀ + mask) · V` for every image and head.
//!
//! A task takes one head of one image. It packs the keys once, and then keeps the scores of some queries at
//! a time in the cache, from the first product over the softmax to the second one.

use super::Context;
use super::epilogue::Epilogue;
use super::error::{Error, Result, check, check_length, count};
use super::pack::pack;
use super::region::{self, Grid, Region};
use super::scratch;
use super::simd::{Kernel, Simd};
use super::softmax::softmax_row;
use super::tile::{self, Left, Right};

/// Scores that are kept at a time, about.
const SCORES: usize = 16 * 1024;

/// The extents of an attention: queries `[batch][queries][heads][dim]`, keys `[batch][keys][heads][dim]`, values
/// `[batch][keys][heads][value_dim]`, output `[batch][queries][heads][value_dim]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// The number of images.
    pub batch: usize,
    /// The number of queries.
    pub queries: usize,
    /// The number of keys and values.
    pub keys: usize,
    /// The number of heads.
    pub heads: usize,
    /// Numbers of a query and of a key.
    pub dim: usize,
    /// Numbers of a value.
    pub value_dim: usize,
    /// The factor of the scores; in Keras `1 / √dim`.
    pub scale: f32,
    /// Whether a query sees only the keys up to its own place.
    pub causal: bool,
}

/// Numbers that are added to the scaled scores; a step of zero repeats them along that axis.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// The numbers; those of one query and all its keys lie side by side.
    pub values: &'a [f32],
    /// The distance of two images.
    pub batch_step: usize,
    /// The distance of two heads.
    pub head_step: usize,
    /// The distance of two queries.
    pub query_step: usize,
}

impl Mask<'_> {
    /// The place after the last number that is read.
    fn end(&self, attention: &Attention) -> Option<usize> {
        let last = |count: usize, step: usize| count.saturating_sub(1).checked_mul(step);
        let image = last(attention.batch, self.batch_step)?;
        let head = last(attention.heads, self.head_step)?;
        let query = last(attention.queries, self.query_step)?;
        image.checked_add(head)?.checked_add(query)?.checked_add(attention.keys)
    }
}

impl Attention {
    /// Attends to the values and writes what every query sees to `out`.
    pub fn run(
        &self,
        context: &Context<'_>,
        [query, key, value]: [&[f32]; 3],
        mask: Option<Mask<'_>>,
        out: &mut [f32],
    ) -> Result<()> {
        let Self { batch, queries, keys, heads, dim, value_dim, .. } = *self;
        check_length("the queries", count(&[batch, queries, heads, dim])?, query)?;
        check_length("the keys", count(&[batch, keys, heads, dim])?, key)?;
        check_length("the values", count(&[batch, keys, heads, value_dim])?, value)?;
        check_length("the output", count(&[batch, queries, heads, value_dim])?, out)?;
        check(keys > 0, "there is at least one key")?;
        let panel = context.level.panel();
        count(&[keys.saturating_add(panel), dim.max(value_dim).saturating_add(panel)])?;
        if let Some(mask) = mask {
            let expected = mask.end(self).unwrap_or(usize::MAX);
            if mask.values.len() < expected {
                return Err(Error::Length { what: "the mask", expected, received: mask.values.len() });
            }
        }
        if out.is_empty() {
            return Ok(());
        }
        let work = [batch, heads, queries, keys, dim + value_dim].into_iter().fold(1, usize::saturating_mul);
        let pool = context.pool_for(work);
        let parts = pool.threads().div_ceil(batch * heads);
        let block_rows = queries.div_ceil(parts).next_multiple_of(14);
        let columns = heads * value_dim;
        let grid = Grid { images: batch, image_rows: queries, block_rows, columns, block_columns: value_dim };
        let task = Task { attention: self, context, query, key, value, mask };
        region::for_each(pool, out, &grid, &|out| task.run(out));
        Ok(())
    }
}

struct Task<'a> {
    attention: &'a Attention,
    context: &'a Context<'a>,
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
    mask: Option<Mask<'a>>,
}

impl Task<'_> {
    /// Some queries of one head of one image.
    fn run(&self, mut out: Region<'_>) {
        let Attention { queries, keys, heads, dim, value_dim, .. } = *self.attention;
        let level = self.context.level;
        let panel = level.panel();
        let (image, head) = (out.rows().start / queries, out.columns().start / value_dim);
        let wide = keys.next_multiple_of(panel);
        // Values whose rows are whole panels are read where they lie.
        let in_place = value_dim.is_multiple_of(panel);
        let packed_values = if in_place { 0 } else { keys * value_dim.next_multiple_of(panel) };
        let block = (SCORES / keys).max(14).min(out.rows().len());
        scratch::with(dim * wide + packed_values + block * keys, |buffer| {
            let (packed_keys, rest) = buffer.split_at_mut(dim * wide);
            let (packed_values, scores) = rest.split_at_mut(packed_values);
            let key = &self.key[image * keys * heads * dim..];
            packed_keys.fill(0.0);
            if dim > 0 {
                pack(&key[head * dim..], [dim, keys], [1, heads * dim], panel, packed_keys);
            }
            let value = &self.value[(image * keys * heads + head) * value_dim..];
            let column = out.columns().start;
            let values = if in_place {
                Right { data: value, row_step: heads * value_dim, panel_step: panel, column }
            } else {
                packed_values.fill(0.0);
                pack(value, [keys, value_dim], [heads * value_dim, 1], panel, packed_values);
                Right { data: packed_values, row_step: panel, panel_step: keys * panel, column }
            };
            let keys_right = Right { data: packed_keys, row_step: panel, panel_step: dim * panel, column: 0 };
            let mut first = out.rows().start;
            while first < out.rows().end {
                let rows = first..(first + block).min(out.rows().end);
                let scores = &mut scores[..rows.len() * keys];
                let start = (first * heads + head) * dim;
                let left = Left::matrix(self.query, start, rows.len(), dim, heads * dim);
                let epilogue = Epilogue::default();
                tile::multiply(level, &left, &keys_right, &epilogue, Region::whole(scores, keys));
                level.run(Weigh { task: self, image, head, first: first - image * queries, scores });
                let left = Left::matrix(scores, 0, rows.len(), keys, keys);
                let columns = out.columns();
                tile::multiply(level, &left, &values, &epilogue, out.part(rows.clone(), columns));
                first = rows.end;
            }
        });
    }
}

/// Scores become weights, in place.
struct Weigh<'a, 'b> {
    task: &'a Task<'b>,
    image: usize,
    head: usize,
    /// The first query in its image.
    first: usize,
    scores: &'a mut [f32],
}

impl Kernel for Weigh<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Attention { keys, scale, causal, .. } = *self.task.attention;
        for (i, row) in self.scores.chunks_exact_mut(keys).enumerate() {
            let query = self.first + i;
            let seen = if causal { keys.min(query + 1) } else { keys };
            let (row, unseen) = row.split_at_mut(seen);
            unseen.fill(0.0);
            let Some(mask) = self.task.mask else {
                softmax_row(s, row, scale);
                continue;
            };
            let start = self.image * mask.batch_step + self.head * mask.head_step + query * mask.query_step;
            let mask = &mask.values[start..start + seen];
            for (row, mask) in row.chunks_mut(S::LANES).zip(mask.chunks(S::LANES)) {
                let sum = s.mul_add(s.load_slice(row), s.splat(scale), s.load_slice(mask));
                s.store_slice(row, sum);
            }
            softmax_row(s, row, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, wide};

    fn compare(attention: Attention, masked: bool) {
        let Attention { batch, queries, keys, heads, dim, value_dim, scale, causal } = attention;
        let query = numbers(batch * queries * heads * dim, 1);
        let key = numbers(batch * keys * heads * dim, 2);
        let value = numbers(batch * keys * heads * value_dim, 3);
        // One mask for all heads; some keys are as good as hidden.
        let values: Vec<f32> = numbers(batch * queries * keys, 4);
        let values: Vec<f32> = values.iter().map(|x| if *x > 0.5 { -1e9 } else { *x }).collect();
        let mask = Mask { values: &values, batch_step: queries * keys, head_step: 0, query_step: keys };
        let (q, k, v, m) = (wide(&query), wide(&key), wide(&value), wide(&values));
        let mut expected = Vec::new();
        for image in 0..batch {
            for row in 0..queries {
                for head in 0..heads {
                    let score = |j: usize| {
                        let from = ((image * queries + row) * heads + head) * dim;
                        let to = ((image * keys + j) * heads + head) * dim;
                        let dot: f64 = (0..dim).map(|d| q[from + d] * k[to + d]).sum();
                        let mask = if masked { m[(image * queries + row) * keys + j] } else { 0.0 };
                        if causal && j > row { f64::NEG_INFINITY } else { dot * f64::from(scale) + mask }
                    };
                    let scores: Vec<f64> = (0..keys).map(score).collect();
                    let most = scores.iter().copied().fold(f64::MIN, f64::max);
                    let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                    expected.extend((0..value_dim).map(|d| {
                        let value = |j: usize| v[((image * keys + j) * heads + head) * value_dim + d];
                        (0..keys).map(|j| (scores[j] - most).exp() / sum * value(j)).sum::<f64>()
                    }));
                }
            }
        }
        everywhere(|context| {
            let mut out = vec![f32::NAN; expected.len()];
            attention.run(context, [&query, &key, &value], masked.then_some(mask), &mut out).unwrap();
            assert_close(&out, &expected, &format!("{:?} {attention:?} {masked}", context.level));
        });
    }

    #[test]
    fn heads_and_masks() {
        for (batch, queries, keys, heads, dim, value_dim) in [
            (1, 1, 1, 1, 1, 1),
            (2, 5, 7, 3, 4, 6),
            (1, 33, 31, 2, 32, 32),
            (2, 16, 16, 4, 8, 16),
            (1, 40, 64, 1, 33, 31),
            (3, 130, 129, 1, 16, 64),
        ] {
            for flags in 0..4 {
                let (causal, masked) = (flags & 1 != 0, flags & 2 != 0);
                let scale = 1.0 / (dim as f32).sqrt();
                compare(Attention { batch, queries, keys, heads, dim, value_dim, scale, causal }, masked);
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        let attention =
            Attention { batch: 1, queries: 2, keys: 3, heads: 1, dim: 2, value_dim: 2, scale: 1.0, causal: false };
        let (q, k, mut out) = ([0.0; 4], [0.0; 6], [0.0; 4]);
        attention.run(&context, [&q, &k, &k], None, &mut out).unwrap();
        assert!(attention.run(&context, [&k, &k, &k], None, &mut out).is_err());
        assert!(attention.run(&context, [&q, &q, &k], None, &mut out).is_err());
        assert!(attention.run(&context, [&q, &k, &q], None, &mut out).is_err());
        assert!(attention.run(&context, [&q, &k, &k], None, &mut out[1..]).is_err());
        let mask = Mask { values: &[0.0; 5], batch_step: 0, head_step: 0, query_step: 3 };
        assert!(attention.run(&context, [&q, &k, &k], Some(mask), &mut out).is_err());
        let wild = Mask { query_step: usize::MAX, ..mask };
        assert!(attention.run(&context, [&q, &k, &k], Some(wild), &mut out).is_err());
        assert!(Attention { keys: 0, ..attention }.run(&context, [&q, &[], &[]], None, &mut out).is_err());
    }
}
