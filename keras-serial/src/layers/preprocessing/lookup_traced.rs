//! The look-up of integers while a program is traced: a binary search in the sorted vocabulary.

use super::OutputMode;
use super::encode::encode_traced;
use super::index_lookup::{OovMethod, Settings, State};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::{DType, Tensor};

impl Settings<'_, i64> {
    /// Computes the layer's output by operations alone.
    ///
    /// # Errors
    /// If unknown integers are refused, or hashed.
    pub fn traced(&self, state: &State<i64>, x: &Tensor) -> Result<Tensor> {
        let x = ops::cast_to(x, DType::Int64)?;
        if self.invert {
            return self.tokens_at(state, &x);
        }
        let indices = self.indices_of(state, &x)?;
        let Some(depth) = self.depth(state)?.filter(|_| self.output_mode != OutputMode::Int) else {
            return Ok(indices);
        };
        let encoded = encode_traced(&indices, self.output_mode, depth, DType::Int64, None)?;
        match self.weights(state)? {
            Some(weights) => ops::multiply(&ops::cast_to(&encoded, DType::Float32)?, weights),
            None => Ok(encoded),
        }
    }

    fn indices_of(&self, state: &State<i64>, x: &Tensor) -> Result<Tensor> {
        let tokens = self.tokens(state, false)?;
        let start = self.token_start() as i64;
        let mut pairs: Vec<(i64, i64)> = tokens.into_iter().flatten().zip(start..).collect();
        if let Some(mask) = self.mask_token {
            pairs.retain(|(token, _)| token != mask);
            pairs.push((*mask, if self.output_mode == OutputMode::Int { 0 } else { -1 }));
        }
        pairs.sort_unstable();
        let unknown = self.unknown_indices(x)?;
        if pairs.is_empty() {
            return Ok(unknown);
        }
        let count = pairs.len();
        let (tokens, indices): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
        let (tokens, indices) = (Tensor::from_vec(tokens, [count])?, Tensor::from_vec(indices, [count])?);
        // The last position whose token is not above x.
        let mut place = ops::zeros_like(x)?;
        let mut step = count.next_power_of_two() as i64;
        let last = count as i64 - 1;
        while step > 0 {
            let next = ops::minimum(&ops::add(&place, step)?, last)?;
            let fits = ops::less_equal(&ops::take(&tokens, &next, 0)?, x)?;
            place = ops::where_(&fits, &next, &place)?;
            step /= 2;
        }
        let is_known = ops::equal(&ops::take(&tokens, &place, 0)?, x)?;
        ops::where_(&is_known, &ops::take(&indices, &place, 0)?, &unknown)
    }

    /// Returns the index of each integer as if it were unknown.
    fn unknown_indices(&self, x: &Tensor) -> Result<Tensor> {
        let refused = |what: &'static str| Err(Error::new(ErrorKind::Unsupported, what));
        match (self.num_oov_indices as i64, self.oov_method) {
            (0, _) => refused("the layer looks at values, to refuse those that are not in its vocabulary"),
            (1, _) => ops::add(&ops::zeros_like(x)?, self.oov_start() as i64),
            (_, OovMethod::Farmhash) => refused("unknown tokens are hashed, which is no operation of a program"),
            (several, OovMethod::Floormod) => ops::add(&ops::modulo(x, several)?, self.oov_start() as i64),
        }
    }

    /// Returns the integers at indices.
    fn tokens_at(&self, state: &State<i64>, indices: &Tensor) -> Result<Tensor> {
        let Some(unknown) = self.oov_token.copied() else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the layer looks at values, to refuse indices without tokens",
            ));
        };
        let tokens = self.tokens(state, true)?;
        let start = self.token_start();
        let token = |(index, token): (usize, Option<i64>)| match index {
            0 if self.mask_token.is_some() => self.mask_token.copied(),
            index if index < start => None,
            _ => token,
        };
        // One place more, for all indices that are out of range.
        let mut table: Vec<i64> = tokens.into_iter().enumerate().map(|pair| token(pair).unwrap_or(unknown)).collect();
        let end = table.len() as i64;
        table.push(unknown);
        let table = Tensor::from_slice(&table, [table.len()])?;
        let is_inside = ops::logical_and(&ops::less(indices, end)?, ops::greater_equal(indices, 0i64)?)?;
        let end = ops::add(&ops::zeros_like(indices)?, end)?;
        ops::take(&table, &ops::where_(&is_inside, indices, &end)?, 0)
    }
}
