//! Quantization of values to integers (`keras.quantizers`).

use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::ops::arrange::pad_constant;
use crate::ops::shape::{Span, slice_axis};
use crate::ops::{self, Axes};
use crate::tensor::{Shape, Tensor};

/// Keras's `backend.epsilon()`.
const EPSILON: f64 = 1e-7;

/// The range of int8 values, which Keras keeps symmetric.
pub(crate) const INT8: (f64, f64) = (-127.0, 127.0);

/// The range of int4 values.
pub(crate) const INT4: (f64, f64) = (-8.0, 7.0);

/// Symmetric quantization by the maximum of absolute values (`AbsMaxQuantizer`): one scale along the summed
/// axes.
pub(crate) struct Quantizer {
    low: f64,
    high: f64,
    epsilon: f64,
}

impl Quantizer {
    /// Creates Keras's default quantizer for integers of this range.
    pub fn new((low, high): (f64, f64)) -> Self {
        Self { low, high, epsilon: EPSILON }
    }

    /// Returns the activation quantizer of a `quantization_config`; without a configuration, Keras's own if
    /// `default`.
    pub fn of(config: &Value, default: bool) -> Result<Option<Self>> {
        let own = Self::new(INT8);
        let Some(config) = config.get("config") else { return Ok(default.then_some(own)) };
        let form = match config.get("activation_quantizer") {
            None | Some(Value::Null) => return Ok(None),
            Some(form) => form,
        };
        let class = form.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if class != "AbsMaxQuantizer" {
            let error = Error::new(ErrorKind::Unsupported, "this quantizer of inputs is not supported");
            return Err(error.received(form.short()).at("activation_quantizer"));
        }
        let entry = |name: &str| form.get("config").and_then(|config| config.get(name));
        let range = |i: usize, default: f64| {
            entry("value_range").and_then(|range| range.as_list()?.get(i)?.as_f64()).unwrap_or(default)
        };
        let epsilon = entry("epsilon").and_then(Value::as_f64).unwrap_or(own.epsilon);
        Ok(Some(Self { low: range(0, own.low), high: range(1, own.high), epsilon }))
    }

    /// Returns the integers, as floating-point numbers, and their scale.
    pub fn quantize(&self, x: &Tensor, axes: Vec<isize>) -> Result<(Tensor, Tensor)> {
        let largest = ops::max(&ops::abs(x)?, Axes(Some(axes)), true)?;
        let scale = ops::divide(self.high, &ops::add(&largest, self.epsilon)?)?;
        let x = ops::clip(&ops::round(&ops::multiply(x, &scale)?)?, self.low, self.high)?;
        Ok((x, scale))
    }
}

/// Quantizes a matrix to int4 with a scale and a zero point for each block of `size` rows in each column
/// (`abs_max_quantize_grouped_with_zero_point`). Returns integers, scales and zero points.
pub(crate) fn by_blocks(x: &Tensor, size: usize) -> Result<(Tensor, Tensor, Tensor)> {
    let (low, high) = INT4;
    let (rows, columns) = (x.shape().dim(0)?, x.shape().dim(1)?);
    let blocks = rows.div_ceil(size);
    let padded = pad_constant(x, &[(0, blocks * size - rows), (0, 0)], 0.0)?;
    let x = ops::reshape(&padded, &Shape::from([blocks, size, columns]))?;
    let (min, max) = (ops::min(&x, 1, true)?, ops::max(&x, 1, true)?);
    let scale = ops::divide(&ops::add(&ops::subtract(&max, &min)?, EPSILON)?, high - low)?;
    let zero = ops::round(&ops::divide(&ops::negative(&min)?, &scale)?)?;
    let zero = ops::clip(&ops::add(&zero, low)?, low, high)?;
    let integers = ops::add(&ops::round(&ops::divide(&x, &scale)?)?, &zero)?;
    let integers = ops::reshape(&ops::clip(&integers, low, high)?, &Shape::from([blocks * size, columns]))?;
    let flat = Shape::from([blocks, columns]);
    Ok((slice_axis(&integers, 0, Span::range(0, rows))?, ops::reshape(&scale, &flat)?, ops::reshape(&zero, &flat)?))
}

/// Packs int4 values: two in each byte of the last axis, the lower half first.
pub(crate) fn pack_int4(integers: &Tensor) -> Result<Tensor> {
    let mut dims = integers.shape().known()?.to_vec();
    let mut widths = vec![(0, 0); dims.len()];
    if let (Some(last), Some(width)) = (dims.last_mut(), widths.last_mut()) {
        *width = (0, *last % 2);
        *last = last.div_ceil(2);
    }
    let shape = Shape::from(dims.clone());
    dims.push(2);
    let pairs = ops::reshape(&pad_constant(integers, &widths, 0.0)?, &Shape::from(dims))?;
    let half = |i: usize| ops::reshape(&slice_axis(&pairs, -1, Span::range(i, i + 1))?, &shape);
    let (low, high) = (half(0)?, half(1)?);
    let is_negative = ops::cast_to(&ops::less(&low, 0.0)?, low.dtype())?;
    // The lower half is stored without its sign, which unpacking restores.
    let low = ops::add(&low, &ops::multiply(&is_negative, 16.0)?)?;
    ops::add(&low, &ops::multiply(&high, 16.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vec(x: &Tensor) -> Vec<f32> {
        x.to_vec::<f32>().unwrap()
    }

    #[test]
    fn packing_is_keras_packing() {
        // keras.quantizers.pack_int4(np.array([[-3, 7, 2], [-8, 1, 0]], "int8"), axis=-1)
        let x = Tensor::from_slice(&[-3.0f32, 7.0, 2.0, -8.0, 1.0, 0.0], [2, 3]).unwrap();
        assert_eq!(vec(&pack_int4(&x).unwrap()), [125.0, 2.0, 24.0, 0.0]);
    }
}
