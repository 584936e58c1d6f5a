//! Scaled dot-product attention (`keras.ops.dot_product_attention`).

use super::arithmetic::multiply;
use super::axes::Axes;
use super::dtypes::{cast, result_type};
use super::linalg::einsum_impl;
use super::reduce::softmax_impl;
use super::shape::where_impl;
use crate::error::Result;
use crate::tensor::{DType, Tensor};

/// Computes scaled dot-product attention: `softmax(scale · query · key) · value` for each head; all three are
/// `(batch, time, heads, dim)`.
///
/// Where a mask (which broadcasts to `(batch, heads, queries, keys)`) is false, the attention weight is 0.
///
/// # Errors
/// If the shapes do not fit.
pub fn dot_product_attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    mask: Option<&Tensor>,
    scale: f64,
) -> Result<Tensor> {
    let dtype = result_type(result_type(query.dtype(), key.dtype()), value.dtype());
    let (query, key, value) = (cast(query, dtype)?, cast(key, dtype)?, cast(value, dtype)?);
    let scores = einsum_impl("btnh,bsnh->bnts", &[query, key])?;
    let mut scores = multiply(&cast(&scores, result_type(dtype, DType::Float32))?, scale)?;
    if let Some(mask) = mask {
        // Finite, so that a row in which all keys are masked gives the mean and not NaN.
        let low = super::dtypes::full_like(&(-0.7 * 3.389_53e38).into(), scores.dtype())?;
        scores = where_impl(&cast(mask, DType::Bool)?, &scores, &low)?;
    }
    let weights = cast(&softmax_impl(&scores, &Axes::from(-1))?, dtype)?;
    einsum_impl("bnts,bsnh->btnh", &[weights, value])
}

/// Returns the mask of keys that each query may attend to by position, `(1, queries, keys)`: with a causal
/// mask none after it, with a window none that are `window` or more away. Returns a symbol while a length is
/// not known.
pub(crate) fn position_mask(
    queries: Option<usize>,
    keys: Option<usize>,
    causal: bool,
    window: Option<usize>,
) -> Result<Tensor> {
    let (Some(queries), Some(keys)) = (queries, keys) else {
        return Ok(Tensor::symbol([Some(1), queries, keys], DType::Bool));
    };
    let may_see = |query: usize, key: usize| {
        (!causal || key <= query) && window.is_none_or(|window| query.abs_diff(key) < window)
    };
    let mask = (0..queries).flat_map(|query| (0..keys).map(move |key| may_see(query, key)));
    Tensor::from_vec(mask.collect::<Vec<bool>>(), [1, queries, keys])
}

#[cfg(test)]
mod tests {
    use super::*;

    // keras.ops.dot_product_attention(q, q, v, mask=[[[[True, False], [True, True]]]], scale=1.0)
    #[test]
    fn masked_keys_get_no_weight() {
        let q = Tensor::from_slice(&[1.0f32, 2.0], [1, 2, 1, 1]).unwrap();
        let v = Tensor::from_slice(&[1.0f32, 3.0], [1, 2, 1, 1]).unwrap();
        let mask = super::super::expand_dims(&position_mask(Some(2), Some(2), true, None).unwrap(), 1).unwrap();
        let y = dot_product_attention(&q, &q, &v, Some(&mask), 1.0).unwrap().to_vec::<f32>().unwrap();
        assert!((y[0] - 1.0).abs() < 1e-6 && (y[1] - 2.761_594_2).abs() < 1e-5, "{y:?}");
    }

    #[test]
    fn windows_have_two_sides() {
        let mask = position_mask(Some(3), Some(3), false, Some(2)).unwrap().to_vec::<bool>().unwrap();
        assert_eq!(mask, [true, true, false, true, true, true, false, true, true]);
    }
}
