//! The elements of arrays as numbers, a part at a time.

use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result};

/// The number of elements of a part.
const PART: usize = 4096;

/// Converts elements in little-endian bytes to numbers of double precision.
fn decode(dtype: DType, bytes: &[u8], out: &mut Vec<f64>) -> Result<()> {
    macro_rules! numbers {
        ($($dtype:ident $type:ty: $number:expr;)*) => {
            match dtype {
                $(DType::$dtype => {
                    let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                    let number: fn($type) -> f64 = $number;
                    out.extend(chunks.iter().map(|chunk| number(<$type>::from_le_bytes(*chunk))));
                })*
                DType::Bool => out.extend(bytes.iter().map(|byte| f64::from(u8::from(*byte != 0)))),
                DType::String => return Err(Error::new(ErrorKind::DType, "texts are no numbers")),
            }
        };
    }
    numbers! {
        Float32 f32: f64::from; Float64 f64: |number| number; Float16 u16: half; BFloat16 u16: |bits| f64::from(f32::from_bits(u32::from(bits) << 16));
        Int8 i8: f64::from; Int16 i16: f64::from; Int32 i32: f64::from; Int64 i64: |number| number as f64;
        UInt8 u8: f64::from; UInt16 u16: f64::from; UInt32 u32: f64::from; UInt64 u64: |number| number as f64;
    }
    Ok(())
}

/// Converts the bits of a number of half precision.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (bits >> 10 & 0x1f, f64::from(bits & 0x3ff));
    let number = match exponent {
        0 => mantissa * 2f64.powi(-24),
        0x1f if mantissa == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (mantissa + 1024.0) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 0 { number } else { -number }
}

fn parts(array: &TensorBytes) -> impl Iterator<Item = &[u8]> {
    array.data.chunks(PART * array.dtype.size().max(1))
}

/// Returns the largest absolute difference of two elements, if one exceeds `atol + rtol · |second|`: NaN if one of the
/// elements is NaN. The arrays have the same dtype and shape.
///
/// # Errors
/// For arrays of texts.
pub(super) fn largest_difference(
    first: &TensorBytes,
    second: &TensorBytes,
    atol: f64,
    rtol: f64,
) -> Result<Option<f64>> {
    let (mut largest, mut is_beyond) = (0.0f64, false);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (a, b) in parts(first).zip(parts(second)) {
        left.clear();
        right.clear();
        decode(first.dtype, a, &mut left)?;
        decode(second.dtype, b, &mut right)?;
        for (a, b) in left.iter().zip(&right) {
            let distance = (a - b).abs();
            is_beyond |= distance.is_nan() || distance > b.abs() * rtol + atol;
            largest = if distance.is_nan() || distance > largest { distance } else { largest };
        }
    }
    Ok(is_beyond.then_some(largest))
}

/// Returns true if no element is NaN or infinite.
///
/// # Errors
/// For arrays of texts.
pub(super) fn is_finite(array: &TensorBytes) -> Result<bool> {
    if !array.dtype.is_float() {
        return Ok(true);
    }
    let mut numbers = Vec::new();
    for part in parts(array) {
        numbers.clear();
        decode(array.dtype, part, &mut numbers)?;
        if !numbers.iter().all(|number| number.is_finite()) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(numbers: &[f32]) -> TensorBytes {
        let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        TensorBytes { dtype: DType::Float32, shape: vec![numbers.len()], data: data.into() }
    }

    #[test]
    fn differences_beyond_the_tolerance_are_found() {
        let (a, b) = (array(&[1.0, 2.0, -3.0]), array(&[1.0, 2.5, -3.0]));
        assert_eq!(largest_difference(&a, &b, 0.0, 0.0).unwrap(), Some(0.5));
        assert_eq!(largest_difference(&a, &b, 0.5, 0.0).unwrap(), None);
        assert_eq!(largest_difference(&a, &b, 0.0, 0.2).unwrap(), None);
        let nan = array(&[1.0, f32::NAN, -4.0]);
        assert!(largest_difference(&a, &nan, 10.0, 0.0).unwrap().is_some_and(f64::is_nan));
        // More than one part.
        let (zeros, mut last) = (vec![0.0; 3 * PART], vec![0.0; 3 * PART]);
        *last.last_mut().unwrap() = -2.0;
        assert_eq!(largest_difference(&array(&zeros), &array(&last), 1.0, 0.0).unwrap(), Some(2.0));
    }

    #[test]
    fn all_dtypes_are_numbers() {
        let number = |dtype, bytes: &[u8]| {
            let mut out = Vec::new();
            decode(dtype, bytes, &mut out).map(|()| out)
        };
        assert_eq!(number(DType::Float16, &[0x00, 0xbe]).unwrap(), [-1.5]);
        assert_eq!(number(DType::BFloat16, &[0xc0, 0xbf]).unwrap(), [-1.5]);
        assert_eq!(number(DType::Int8, &[0xff, 1]).unwrap(), [-1.0, 1.0]);
        assert_eq!(number(DType::UInt64, &[0xff; 8]).unwrap(), [u64::MAX as f64]);
        assert_eq!(number(DType::Bool, &[0, 1]).unwrap(), [0.0, 1.0]);
        assert!(number(DType::String, &[]).is_err());
    }

    #[cfg(feature = "engine")]
    #[test]
    fn half_precision_is_converted_as_the_engine_does() {
        for bits in 0..=u16::MAX {
            let (own, other) = (half(bits), f64::from(::half::f16::from_bits(bits)));
            assert!(own.to_bits() == other.to_bits() || own.is_nan() && other.is_nan(), "{bits:04x}: {own} {other}");
        }
    }

    #[test]
    fn infinities_are_not_finite() {
        assert!(is_finite(&array(&[1.0, -2.0])).unwrap());
        assert!(!is_finite(&array(&[1.0, f32::NEG_INFINITY])).unwrap());
        assert!(!is_finite(&array(&[f32::NAN])).unwrap());
    }
}
