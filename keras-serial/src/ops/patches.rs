//! Patches of images: sliding windows to rows of numbers (im2col) and back
//! (`keras.ops.image.extract_patches`, `unfold`, `fold`).

use super::conv::{DataFormat, Padding, conv};
use super::define::{Call, call, classes};
use super::dtypes::cast;
use super::graph::config;
use super::pad::pad_with;
use super::scatter::select_add;
use super::shape::{Span, expand_at, reshape_to, slice_axis, squeeze_at, transpose_to};
use super::take::take_axis;
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.image"
    "ExtractPatches" = extract;
}

classes! { "keras.src.ops.nn"
    "Unfold" = |c| {
        let x = c.x()?;
        let windows = Windows::of(c)?;
        let [batch, channels, height, width] = <[Option<usize>; 4]>::try_from(x.shape().dims()).map_err(|_| wrong_rank(&x, 4))?;
        let counts = |dims: Option<(usize, usize)>| dims.map(|(height, width)| windows.counts([height, width])).transpose();
        let counts = counts(height.zip(width))?;
        let area: usize = windows.size.iter().product();
        let places = counts.map(|[down, across]| down * across);
        let inferred = Tensor::symbol([batch, channels.map(|channels| channels * area), places], x.dtype());
        program::infer_or_compute(&[&x], inferred, || {
            let counts = counts.unwrap_or_default();
            let [down, across] = windows.padding;
            let padded = pad_with(&x, &[(0, 0), (0, 0), (down, down), (across, across)], 0.0)?;
            let (n, channels) = (x.shape().dim(0)?, x.shape().dim(1)?);
            let (height, width) = (padded.shape().dim(2)?, padded.shape().dim(3)?);
            let places = windows.places(counts, width);
            let flat = reshape_to(&padded, &Shape::from([n, channels, height * width]))?;
            let picked = take_axis(&flat, &Tensor::from_vec(places, [area * counts[0] * counts[1]])?, 2)?;
            reshape_to(&picked, &Shape::from([n, channels * area, counts[0] * counts[1]]))
        })
    };
    "Fold" = |c| {
        let x = c.x()?;
        let windows = Windows::of(c)?;
        let [height, width] = c.two("output_size", None)?;
        let [batch, rows, _] = <[Option<usize>; 3]>::try_from(x.shape().dims()).map_err(|_| wrong_rank(&x, 3))?;
        let area: usize = windows.size.iter().product();
        if area == 0 || rows.is_some_and(|rows| rows % area != 0) {
            return Err(Error::new(ErrorKind::Shape, "The second dimension of the input must be divisible by the kernel's size")
                .received(format!("shape {}, kernel_size={:?}", x.shape(), windows.size)));
        }
        let channels = rows.map(|rows| rows / area);
        program::infer_or_compute(&[&x], Tensor::symbol([batch, channels, Some(height), Some(width)], x.dtype()), || {
            let counts = windows.counts([height, width])?;
            let (n, channels) = (x.shape().dim(0)?, channels.unwrap_or_default());
            let [down, across] = windows.padding;
            let (outer_height, outer_width) = (height + 2 * down, width + 2 * across);
            let places = windows.places(counts, outer_width);
            let values = reshape_to(&x, &Shape::from([n * channels, places.len()]))?;
            let table = super::create::zeros(&Shape::from([outer_height * outer_width, n * channels]), x.dtype())?;
            let sums = transpose_to(&select_add(&table, places, &transpose_to(&values, &[1, 0])?)?, &[1, 0])?;
            let whole = reshape_to(&sums, &Shape::from([n, channels, outer_height, outer_width]))?;
            slice_axis(&slice_axis(&whole, 2, Span::range(down, down + height))?, 3, Span::range(across, across + width))
        })
    };
}

/// The windows of `unfold` and `fold`, vertically and horizontally.
struct Windows {
    size: [usize; 2],
    dilation: [usize; 2],
    padding: [usize; 2],
    stride: [usize; 2],
}

impl Windows {
    fn of(c: &Call<'_>) -> Result<Self> {
        let this = Self {
            size: c.two("kernel_size", None)?,
            dilation: c.two("dilation", Some(1))?,
            padding: c.two("padding", Some(0))?,
            stride: c.two("stride", Some(1))?,
        };
        if this.stride.contains(&0) || this.size.contains(&0) {
            return Err(Error::new(ErrorKind::InvalidArgument, "windows need a size and a stride above 0")
                .received(format!("kernel_size={:?}, stride={:?}", this.size, this.stride)));
        }
        Ok(this)
    }

    /// Returns the number of windows of an image, vertically and horizontally.
    fn counts(&self, extents: [usize; 2]) -> Result<[usize; 2]> {
        let count = |axis: usize| -> Option<usize> {
            let reach = self.dilation.get(axis)? * (self.size.get(axis)? - 1) + 1;
            let free = (extents.get(axis)? + 2 * self.padding.get(axis)?).checked_sub(reach)?;
            Some(free / self.stride.get(axis)? + 1)
        };
        match (count(0), count(1)) {
            (Some(down), Some(across)) => Ok([down, across]),
            _ => Err(Error::new(ErrorKind::Shape, "the windows are larger than the image")
                .expected(format!("windows within {extents:?}"))
                .received(format!("kernel_size={:?}, dilation={:?}", self.size, self.dilation))),
        }
    }

    /// Returns flat positions in an image of this width: for each position within the window, those of all
    /// windows.
    fn places(&self, [down, across]: [usize; 2], width: usize) -> Vec<i64> {
        let ([height, breadth], [step_down, step_across]) = (self.size, self.stride);
        let [apart_down, apart_across] = self.dilation;
        let mut places = Vec::with_capacity(height * breadth * down * across);
        for (i, j) in (0..height).flat_map(|i| (0..breadth).map(move |j| (i, j))) {
            for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
                let (y, x) = (row * step_down + i * apart_down, column * step_across + j * apart_across);
                places.push((y * width + x) as i64);
            }
        }
        places
    }
}

impl Call<'_> {
    /// Reads an entry that is two integers, or one for both.
    fn two(&self, name: &'static str, default: Option<usize>) -> Result<[usize; 2]> {
        match (self.config.get(name), default) {
            (Some(value @ Value::List(_)), _) => <[usize; 2]>::from_value(value).at(name),
            (Some(value), _) if !value.is_null() => usize::from_value(value).map(|one| [one; 2]).at(name),
            (_, Some(default)) => Ok([default; 2]),
            _ => Err(crate::config::field::missing(self.config, name)),
        }
    }
}

fn wrong_rank(x: &Tensor, rank: usize) -> Error {
    Error::new(ErrorKind::Shape, "wrong rank").expected(format!("{rank} axes")).received(format!("shape {}", x.shape()))
}

/// Extracts windows of images or volumes, flattened to the channel axis.
fn extract(c: &Call<'_>) -> Result<Tensor> {
    let images = c.tensor(0, "images")?;
    let size: Vec<usize> = match c.config.get("size") {
        Some(Value::List(_)) => c.required("size")?,
        _ => vec![c.required("size")?; 2],
    };
    let rank = size.len();
    let strides = match c.config.get("strides") {
        None | Some(Value::Null) => size.clone(),
        _ => c.each("strides", rank, 1)?,
    };
    let dilation = c.each("dilation_rate", rank, 1)?;
    let format: DataFormat = c.maybe("data_format")?.unwrap_or_default();
    let single = images.rank() == rank + 1;
    if !single && images.rank() != rank + 2 {
        return Err(wrong_rank(&images, rank + 2));
    }
    let batch = if single { expand_at(&images, 0)? } else { images };
    let channels = batch.shape().dim(format.channel_axis())?;
    let count = size.iter().product::<usize>() * channels;
    // An identity kernel, which copies each number of the window to a channel of its own.
    let mut unit = vec![0.0f32; count * count];
    unit.iter_mut().step_by(count + 1).for_each(|one| *one = 1.0);
    let shape: Shape = size.iter().copied().chain([channels, count]).map(Some).collect();
    let kernel =
        cast(&Tensor::from_vec(unit, shape)?, if batch.dtype().is_float() { batch.dtype() } else { DType::Float32 })?;
    let padding = c.get("padding", Padding::Valid)?;
    let patches = cast(&conv(&batch, &kernel, &strides, padding, format, &dilation, 1)?, batch.dtype())?;
    if single { squeeze_at(&patches, 0) } else { Ok(patches) }
}

/// Extracts patches of images, flattened to the channel axis (`keras.ops.image.extract_patches`), or of
/// volumes if `size` has three extents. Without `strides`, patches do not overlap.
///
/// # Errors
/// If the rank of the images does not fit the size.
pub fn extract_patches(images: &Tensor, size: &[usize], strides: Option<&[usize]>, padding: Padding) -> Result<Tensor> {
    let strides = strides.unwrap_or(size).to_vec();
    let config = config! {
        size: size.to_vec(),
        strides: strides,
        dilation_rate: 1,
        padding: padding.to_value()?,
        data_format: "channels_last",
    };
    call("ExtractPatches", config, CallArgs::from(images))?.into_single()
}

/// Extracts sliding windows of images `(batch, channels, height, width)` as columns:
/// `(batch, channels · size², windows)` (`keras.ops.unfold`).
///
/// # Errors
/// If the windows are larger than the image.
pub fn unfold(x: &Tensor, kernel_size: [usize; 2], dilation: usize, padding: usize, stride: usize) -> Result<Tensor> {
    let config = config! { kernel_size: kernel_size.to_vec(), dilation: dilation, padding: padding, stride: stride };
    call("Unfold", config, CallArgs::from(x))?.into_single()
}

/// Sums columns of [`unfold`] back to images `(batch, channels, height, width)` (`keras.ops.fold`).
///
/// # Errors
/// If the columns do not fit such windows.
pub fn fold(
    x: &Tensor,
    output_size: [usize; 2],
    kernel_size: [usize; 2],
    dilation: usize,
    padding: usize,
    stride: usize,
) -> Result<Tensor> {
    let config = config! {
        output_size: output_size.to_vec(),
        kernel_size: kernel_size.to_vec(),
        dilation: dilation,
        padding: padding,
        stride: stride,
    };
    call("Fold", config, CallArgs::from(x))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_add_up_what_unfolds_took() {
        let x = Tensor::from_vec((0..9).map(|i| i as f32).collect::<Vec<_>>(), [1, 1, 3, 3]).unwrap();
        let columns = unfold(&x, [2, 2], 1, 0, 1).unwrap();
        assert_eq!(columns.shape().to_string(), "(1, 4, 4)");
        assert_eq!(columns.to_vec::<f32>().unwrap()[..8], [0.0, 1.0, 3.0, 4.0, 1.0, 2.0, 4.0, 5.0]);
        let sums = fold(&columns, [3, 3], [2, 2], 1, 0, 1).unwrap();
        assert_eq!(sums.to_vec::<f32>().unwrap(), [0.0, 2.0, 2.0, 6.0, 16.0, 10.0, 6.0, 14.0, 8.0]);
        assert!(unfold(&x, [4, 4], 1, 0, 1).is_err());
    }

    #[test]
    fn patches_lie_along_the_channels() {
        let x = Tensor::from_vec((0..16).map(|i| i as f32).collect::<Vec<_>>(), [4, 4, 1]).unwrap();
        let patches = extract_patches(&x, &[2, 2], None, Padding::Valid).unwrap();
        assert_eq!(patches.shape().to_string(), "(2, 2, 4)");
        assert_eq!(patches.to_vec::<f32>().unwrap()[..8], [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
    }
}
