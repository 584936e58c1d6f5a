//! Contrast-limited adaptive histogram equalization (CLAHE).

use super::{BYTE, BoundingBoxFormat, ImageLayer, ValueRange, clahe_traced, image_fields, image_layer, rescaled};
use crate::error::Result;
use crate::layers::preprocessing::Array;
use crate::layers::{Dims, LayerBase};
use crate::ops::{self, DataFormat};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Contrast-limited adaptive histogram equalization (CLAHE): equalizes each channel locally, with the clipped
/// histograms of the tiles around each position.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `clip_limit`: 4; the limit of histogram bins, as a multiple of their mean; 0 means no limit.
/// - `tile_grid_size`: 8 and 8; the number of tiles vertically and horizontally.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/contrast_limited_adaptive_histogram_equalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::ContrastLimitedAdaptiveHistogramEqualization;
/// let x = Tensor::from_slice(&[10.0f32, 20.0], [1, 1, 2, 1])?;
/// let layer = ContrastLimitedAdaptiveHistogramEqualization::new().tile_grid_size([1, 1]).clip_limit(0.0);
/// assert_eq!(layer.apply(&x)?.to_vec::<f32>()?, [127.5, 255.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct ContrastLimitedAdaptiveHistogramEqualization {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default = Array::from(4.0))]
    clip_limit: Array,
    #[keras(default = Dims::from(8))]
    tile_grid_size: Dims<2>,
}

/// The number of values of eight bits.
pub(super) const VALUES: usize = 256;

/// The lookup tables of the tiles of one channel.
struct Tiles {
    size: [usize; 2],
    grid: [usize; 2],
    tile: [usize; 2],
    /// The tables in row-major order of the grid, `VALUES` entries for each tile.
    places: Vec<f32>,
}

fn byte(value: f32) -> usize {
    value.clamp(0.0, 255.0) as usize
}

impl Tiles {
    fn new(plane: &[f32], size: [usize; 2], grid: [usize; 2], clip_limit: f64) -> Self {
        let ([height, width], [down, across]) = (size, grid);
        let tile = [height.div_ceil(down), width.div_ceil(across)];
        let [high, wide] = tile;
        let area = (high * wide) as f32;
        let mut places = Vec::with_capacity(down * across * VALUES);
        for row in 0..down {
            for column in 0..across {
                let mut histogram = [0.0f32; VALUES];
                for y in row * high..(row + 1) * high {
                    for x in column * wide..(column + 1) * wide {
                        // The image is mirrored beyond its edges.
                        let at = reflected(y, height) * width + reflected(x, width);
                        if let Some(count) = plane.get(at).and_then(|value| histogram.get_mut(byte(*value))) {
                            *count += 1.0;
                        }
                    }
                }
                places.extend(spread(histogram, area, clip_limit as f32));
            }
        }
        Self { size, grid, tile, places }
    }

    fn place(&self, row: usize, column: usize, value: usize) -> f32 {
        let [down, across] = self.grid;
        // Beyond the grid, the tiles at the edges are used.
        let inside = |i: usize, count: usize| i.saturating_sub(1).min(count.saturating_sub(1));
        let tile = inside(row, down) * across + inside(column, across);
        self.places.get(tile * VALUES + value).copied().unwrap_or_default()
    }

    /// Maps each value by the tables of the four tiles around it, interpolated by distance.
    fn equalized(&self, plane: &[f32]) -> Vec<f32> {
        let ([_, width], [high, wide], [down, across]) = (self.size, self.tile, self.grid);
        let position = |(i, value): (usize, &f32)| {
            let (top, bottom, low) = around(i / width, high, down);
            let (left, right, far) = around(i % width, wide, across);
            let value = byte(*value);
            let row = |row: usize| self.place(row, left, value) * (1.0 - far) + self.place(row, right, value) * far;
            row(top) * (1.0 - low) + row(bottom) * low
        };
        plane.iter().enumerate().map(position).collect()
    }
}

/// The tiles before and after a position, counted from one tile beyond the grid, and how far it is between their
/// centres.
pub(super) type Place = (usize, usize, f32);

/// Returns the tiles around a position.
pub(super) fn around(at: usize, extent: usize, count: usize) -> Place {
    let place = (at as f32 - extent as f32 / 2.0) / extent as f32 + 1.0;
    let first = place.floor();
    let within = |i: f32| i.clamp(0.0, count as f32 + 1.0) as usize;
    (within(first), within(first + 1.0), place - first)
}

pub(super) fn reflected(at: usize, extent: usize) -> usize {
    let at = at % (2 * extent).max(1);
    if at < extent { at } else { 2 * extent - 1 - at }
}

/// Returns the lookup table that equalizes a histogram clipped to the limit.
fn spread(mut histogram: [f32; VALUES], area: f32, clip_limit: f32) -> [f32; VALUES] {
    if clip_limit > 0.0 {
        let limit = clip_limit * area / VALUES as f32;
        let excess: f32 = histogram.iter().map(|count| (count - limit).max(0.0)).sum();
        histogram.iter_mut().for_each(|count| *count = count.min(limit) + excess / VALUES as f32);
    }
    let mut below = 0.0;
    let sums = histogram.map(|count| {
        below += count;
        below
    });
    let lowest = sums.first().copied().unwrap_or_default();
    let range = if area == lowest { 1.0 } else { area - lowest };
    sums.map(|sum| ((sum - lowest) * 255.0 / range).clamp(0.0, 255.0))
}

impl ImageLayer for ContrastLimitedAdaptiveHistogramEqualization {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn always(&self) -> bool {
        true
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        let last = self.data_format == DataFormat::ChannelsLast;
        let x = if last { ops::transpose(images, Some(vec![0, 3, 1, 2]))? } else { images.clone() };
        let x = rescaled(&ops::cast_to(&x, DType::Float32)?, self.value_range.bounds(), BYTE)?;
        let shape = x.shape().clone();
        let (height, width) = (shape.dim(2)?, shape.dim(3)?);
        let limit = self.clip_limit.number()?;
        let even = if x.is_traced() {
            clahe_traced::equalized(&x, self.tile_grid_size.0, limit)?
        } else {
            let planes = x.to_vec::<f32>()?;
            let planes = planes.chunks((height * width).max(1));
            let tiles = |plane| Tiles::new(plane, [height, width], self.tile_grid_size.0, limit);
            Tensor::from_vec(planes.flat_map(|plane| tiles(plane).equalized(plane)).collect(), &shape)?
        };
        let even = ops::cast_to(&rescaled(&even, BYTE, self.value_range.bounds())?, images.dtype())?;
        if last { ops::transpose(&even, Some(vec![0, 2, 3, 1])) } else { Ok(even) }
    }
}

image_layer!(ContrastLimitedAdaptiveHistogramEqualization);
