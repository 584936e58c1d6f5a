//! Conversion of colors (`keras.ops.image.rgb_to_grayscale`, `rgb_to_hsv`, `hsv_to_rgb`).

use super::arithmetic::{add, divide, equal, less, maximum, minimum, multiply, subtract};
use super::conv::DataFormat;
use super::dtypes::{cast, to_float};
use super::elementwise::abs;
use super::graph_ops::{where_, zeros_like};
use super::shape::{Span, concat, slice_axis};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// Returns the channel axis, counted from the end: images can be single or a batch.
fn channels(format: DataFormat) -> isize {
    match format {
        DataFormat::ChannelsLast => -1,
        DataFormat::ChannelsFirst => -3,
    }
}

/// Returns the three channels, each with extent 1.
fn three(images: &Tensor, axis: isize) -> Result<[Tensor; 3]> {
    if images.shape().dim(axis)? != 3 {
        return Err(Error::new(ErrorKind::Shape, "Invalid channel size")
            .expected("3 (RGB)")
            .received(format!("images.shape={}", images.shape())));
    }
    let channel = |i: usize| slice_axis(images, axis, Span::range(i, i + 1));
    Ok([channel(0)?, channel(1)?, channel(2)?])
}

/// Converts RGB to grayscale (`keras.ops.image.rgb_to_grayscale`).
pub(crate) fn rgb_to_grayscale(images: &Tensor, format: DataFormat) -> Result<Tensor> {
    let axis = channels(format);
    if images.shape().dim(axis)? == 1 {
        return Ok(images.clone());
    }
    let [red, green, blue] = three(&to_float(images)?, axis)?;
    let gray = add(add(multiply(&red, 0.2989)?, multiply(&green, 0.5870)?)?, multiply(&blue, 0.1140)?)?;
    cast(&gray, images.dtype())
}

/// Converts RGB to hue, saturation and value (`keras.ops.image.rgb_to_hsv`).
pub(crate) fn rgb_to_hsv(images: &Tensor, format: DataFormat) -> Result<Tensor> {
    let axis = channels(format);
    let [red, green, blue] = three(images, axis)?;
    let value = maximum(&maximum(&red, &green)?, &blue)?;
    let range = subtract(&value, minimum(&minimum(&red, &green)?, &blue)?)?;
    let zero = zeros_like(&value)?;
    let gray = equal(&range, 0)?;
    // Avoids division by zero where the quotient is not used.
    let divisor = |x: &Tensor, none: &Tensor| where_(none, 1.0, x);
    let black = equal(&value, 0)?;
    let saturation = where_(&black, &zero, &divide(&range, &divisor(&value, &black)?)?)?;
    let step = multiply(&divisor(&range, &gray)?, 6.0)?;
    let part = |a: &Tensor, b: &Tensor| divide(subtract(a, b)?, &step);
    let hue = where_(
        &equal(&red, &value)?,
        &part(&green, &blue)?,
        &where_(&equal(&green, &value)?, &add(part(&blue, &red)?, 2.0 / 6.0)?, &add(part(&red, &green)?, 4.0 / 6.0)?)?,
    )?;
    let hue = where_(&gray, &zero, &hue)?;
    let hue = where_(&less(&hue, 0)?, &add(&hue, 1)?, &hue)?;
    concat(&[hue, saturation, value], axis)
}

/// Converts hue, saturation and value to RGB (`keras.ops.image.hsv_to_rgb`).
pub(crate) fn hsv_to_rgb(images: &Tensor, format: DataFormat) -> Result<Tensor> {
    let axis = channels(format);
    let [hue, saturation, value] = three(images, axis)?;
    let sixth = multiply(&hue, 6)?;
    let unit = |x: Tensor| minimum(&maximum(&x, 0)?, 1);
    let colors = [
        unit(subtract(abs(&subtract(&sixth, 3)?)?, 1)?)?,
        unit(subtract(2, abs(&subtract(&sixth, 2)?)?)?)?,
        unit(subtract(2, abs(&subtract(&sixth, 4)?)?)?)?,
    ];
    let paint = |color: &Tensor| multiply(add(subtract(1, &saturation)?, multiply(&saturation, color)?)?, &value);
    let painted = colors.iter().map(paint).collect::<Result<Vec<_>>>()?;
    concat(&painted, axis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_go_there_and_back() {
        let x = Tensor::from_slice(&[0.2f32, 0.4, 0.6, 0.5, 0.5, 0.5, 0.9, 0.1, 0.3], [1, 3, 3]).unwrap();
        let format = DataFormat::ChannelsLast;
        let hsv = rgb_to_hsv(&x, format).unwrap();
        // tf.image.rgb_to_hsv([[0.2, 0.4, 0.6], …])
        let expected = [0.583_333_3f32, 0.666_666_7, 0.6, 0.0, 0.0, 0.5, 0.958_333_3, 0.888_888_9, 0.9];
        let close = |a: Vec<f32>, b: &[f32]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?}");
        close(hsv.to_vec().unwrap(), &expected);
        close(hsv_to_rgb(&hsv, format).unwrap().to_vec().unwrap(), &x.to_vec::<f32>().unwrap());
        close(rgb_to_grayscale(&x, format).unwrap().to_vec().unwrap(), &[0.36298, 0.49995, 0.36191]);
    }
}
