//! Geometric transforms of images (`keras.ops.image.affine_transform`, `perspective_transform`).

use super::arithmetic::{add, multiply};
use super::conv::DataFormat;
use super::dtypes::cast;
use super::shape::{reshape_to, transpose_to};
use super::take::take_axis;
use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Shape, Tensor};

/// The interpolation between pixels.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sampling {
    /// The nearest pixel.
    Nearest,
    /// Linear on each axis.
    #[default]
    Bilinear,
}

/// How positions beyond the edges of an image are filled.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FillMode {
    /// Mirrored, with the edge repeated: `d c b a | a b c d | d c b a`.
    #[default]
    Reflect,
    /// Tiled: `a b c d | a b c d | a b c d`.
    Wrap,
    /// A constant.
    Constant,
    /// The edge: `a a a a | a b c d | d d d d`.
    Nearest,
    /// Mirrored, with the edge not repeated: `d c b | a b c d | c b a`.
    Mirror,
}

impl FillMode {
    /// Maps a position beyond the edges to one inside, as TensorFlow's `ImageProjectiveTransformV3` does.
    fn place(self, at: f32, extent: usize) -> f32 {
        let len = extent as f32;
        let whole = |x: f32| x.trunc();
        let inside = match self {
            Self::Constant => return at,
            Self::Nearest => at,
            _ if extent <= 1 && (at < 0.0 || at > len - 1.0) => 0.0,
            Self::Reflect if at < 0.0 => {
                let twice = 2.0 * len;
                let at = if at < twice { twice * whole(-at / twice) + at } else { at };
                if at < -len { at + twice } else { -at - 1.0 }
            }
            Self::Reflect if at > len - 1.0 => {
                let at = at - 2.0 * len * whole(at / (2.0 * len));
                if at >= len { 2.0 * len - at - 1.0 } else { at }
            }
            Self::Wrap if at < 0.0 => at + len * (whole(-at / (len - 1.0)) + 1.0),
            Self::Wrap if at > len - 1.0 => at - len * whole(at / (len - 1.0)),
            Self::Mirror => {
                let period = 2.0 * (len - 1.0);
                let at = at.rem_euclid(period);
                at.min(period - at)
            }
            Self::Reflect | Self::Wrap => at,
        };
        inside.clamp(0.0, len - 1.0)
    }
}

/// The options of sampling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    pub sampling: Sampling,
    pub fill_mode: FillMode,
    pub fill_value: f64,
    pub data_format: DataFormat,
}

/// A projection from output positions to input positions: `x' = (a0·x + a1·y + a2) / (c0·x + c1·y + 1)`, and
/// `y'` with `b0`, `b1`, `b2`.
pub(crate) type Projection = [f32; 8];

/// Transforms a batch of images, each by its own projection.
pub(crate) fn project(images: &Tensor, maps: &[Projection], sampler: &Sampler) -> Result<Tensor> {
    sample(images, sampler, |image, y, x| {
        let [a0, a1, a2, b0, b1, b2, c0, c1] = *maps.get(image)?;
        let scale = c0 * x + c1 * y + 1.0;
        (scale != 0.0).then(|| ((b0 * x + b1 * y + b2) / scale, (a0 * x + a1 * y + a2) / scale))
    })
}

/// Samples a batch of images: `place` maps each output position `(y, x)` of an image to an input position;
/// `None` is filled.
pub(crate) fn sample(
    images: &Tensor,
    sampler: &Sampler,
    place: impl Fn(usize, f32, f32) -> Option<(f32, f32)>,
) -> Result<Tensor> {
    let last = sampler.data_format == DataFormat::ChannelsLast;
    let x = if last { images.clone() } else { transpose_to(images, &[0, 2, 3, 1])? };
    let [batch, height, width, channels] = <[usize; 4]>::try_from(x.shape().known()?).map_err(|_| {
        Error::new(ErrorKind::Shape, "Invalid images rank")
            .expected("rank 4")
            .received(format!("shape {}", images.shape()))
    })?;
    let count = batch * height * width;
    let mut taps: [(Vec<i64>, Vec<f32>); 4] =
        std::array::from_fn(|_| (Vec::with_capacity(count), Vec::with_capacity(count)));
    let mut filled = Vec::with_capacity(count);
    for image in 0..batch {
        for row in 0..height {
            for column in 0..width {
                let at = place(image, row as f32, column as f32)
                    .map(|(y, x)| (sampler.fill_mode.place(y, height), sampler.fill_mode.place(x, width)));
                let corners = at.map_or([(0.0, 0.0, 0.0); 4], |(y, x)| corners(sampler.sampling, y, x));
                let mut outside = if at.is_none() { 1.0 } else { 0.0 };
                for ((index, weight), (y, x, share)) in taps.iter_mut().zip(corners) {
                    let within = y >= 0.0 && y < height as f32 && x >= 0.0 && x < width as f32;
                    let position = if within { (y as usize) * width + x as usize } else { 0 };
                    index.push((image * height * width + position) as i64);
                    weight.push(if within { share } else { 0.0 });
                    outside += if within { 0.0 } else { share };
                }
                filled.push(outside * sampler.fill_value as f32);
            }
        }
    }
    let dtype = x.dtype();
    let flat = cast(
        &reshape_to(&x, &[count, channels].into())?,
        if dtype == DType::Float64 { dtype } else { DType::Float32 },
    )?;
    let column = |values: Vec<f32>| Tensor::from_vec(values, [count, 1]);
    let mut sum = column(filled)?;
    let used = if sampler.sampling == Sampling::Nearest { 1 } else { taps.len() };
    for (index, weight) in taps.into_iter().take(used) {
        let picked = take_axis(&flat, &Tensor::from_vec(index, [count])?, 0)?;
        sum = add(&sum, multiply(&picked, column(weight)?)?)?;
    }
    let moved = cast(&reshape_to(&sum, &Shape::from([batch, height, width, channels]))?, dtype)?;
    if last { Ok(moved) } else { transpose_to(&moved, &[0, 3, 1, 2]) }
}

/// Returns the pixels around a position and their weights.
fn corners(sampling: Sampling, y: f32, x: f32) -> [(f32, f32, f32); 4] {
    if sampling == Sampling::Nearest {
        return [(y.round(), x.round(), 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)];
    }
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = (y - top, x - left);
    [
        (top, left, (1.0 - down) * (1.0 - right)),
        (top, left + 1.0, (1.0 - down) * right),
        (top + 1.0, left, down * (1.0 - right)),
        (top + 1.0, left + 1.0, down * right),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_move_as_tensorflows() {
        // keras.ops.image.affine_transform(np.arange(4.).reshape(1, 1, 4, 1), [[1, 0, -1.5, 0, 1, 0, 0, 0]],
        //     fill_mode=m, fill_value=9.)
        let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0], [1, 1, 4, 1]).unwrap();
        let moved = |fill_mode| {
            let sampler = Sampler {
                sampling: Sampling::Bilinear,
                fill_mode,
                fill_value: 9.0,
                data_format: DataFormat::ChannelsLast,
            };
            let map = [1.0, 0.0, -1.5, 0.0, 1.0, 0.0, 0.0, 0.0];
            project(&x, &[map], &sampler).unwrap().to_vec::<f32>().unwrap()
        };
        assert_eq!(moved(FillMode::Reflect), [0.5, 0.0, 0.5, 1.5]);
        assert_eq!(moved(FillMode::Constant), [9.0, 4.5, 0.5, 1.5]);
        assert_eq!(moved(FillMode::Nearest), [0.0, 0.0, 0.5, 1.5]);
    }
}
