//! Gaussian blur of images (`keras.ops.image.gaussian_blur`).

use super::conv::{DataFormat, Padding, depthwise_conv};
use super::dtypes::cast;
use crate::error::Result;
use crate::tensor::Tensor;

/// Blurs each channel with a Gaussian kernel; size and standard deviations are for x, then y.
pub(crate) fn gaussian_blur(images: &Tensor, size: [usize; 2], sigma: [f64; 2], format: DataFormat) -> Result<Tensor> {
    let channels = images.shape().dim(format.channel_axis())?;
    let line = |size: usize, sigma: f64| -> Vec<f64> {
        let weights = (0..size).map(|i| (-0.5 * ((i as f64 - (size as f64 - 1.0) / 2.0) / sigma).powi(2)).exp());
        let weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    };
    let ([width, height], [across, down]) = (size, sigma);
    let (x, y) = (line(width, across), line(height, down));
    let plane = y.iter().flat_map(|down| x.iter().map(move |across| (down * across) as f32));
    let kernel: Vec<f32> = plane.flat_map(|weight| std::iter::repeat_n(weight, channels)).collect();
    // Keras swaps the kernel's extents, which matters if they differ.
    let kernel = cast(&Tensor::from_vec(kernel, [width, height, channels, 1])?, images.dtype())?;
    depthwise_conv(images, &kernel, &[1, 1], Padding::Same, format, &[1, 1])
}
