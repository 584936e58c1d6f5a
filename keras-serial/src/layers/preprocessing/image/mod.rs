//! Image preprocessing and augmentation layers.

mod arguments;
mod aug_mix;
mod auto_contrast;
mod boxes;
mod center_crop;
mod clahe;
mod clahe_traced;
mod crop;
mod cut_mix;
mod equalization;
mod geometry;
mod max_num_bounding_boxes;
mod mix_up;
mod mixture;
mod palette;
mod rand_augment;
mod random_brightness;
mod random_color_degeneration;
mod random_color_jitter;
mod random_contrast;
mod random_crop;
mod random_elastic_transform;
mod random_erasing;
mod random_flip;
mod random_gaussian_blur;
mod random_grayscale;
mod random_hue;
mod random_invert;
mod random_perspective;
mod random_posterization;
mod random_rotation;
mod random_saturation;
mod random_sharpness;
mod random_shear;
mod random_translation;
mod random_zoom;
mod rectangle;
mod resizing;
mod solarization;
mod steps;

pub use arguments::{Factor, Spread, ValueRange};
pub use aug_mix::AugMix;
pub use auto_contrast::AutoContrast;
pub use boxes::BoundingBoxFormat;
pub use center_crop::CenterCrop;
pub use clahe::ContrastLimitedAdaptiveHistogramEqualization;
pub use cut_mix::CutMix;
pub use equalization::Equalization;
pub use max_num_bounding_boxes::MaxNumBoundingBoxes;
pub use mix_up::MixUp;
pub use rand_augment::RandAugment;
pub use random_brightness::RandomBrightness;
pub use random_color_degeneration::RandomColorDegeneration;
pub use random_color_jitter::RandomColorJitter;
pub use random_contrast::RandomContrast;
pub use random_crop::RandomCrop;
pub use random_elastic_transform::RandomElasticTransform;
pub use random_erasing::RandomErasing;
pub use random_flip::{FlipMode, RandomFlip};
pub use random_gaussian_blur::RandomGaussianBlur;
pub use random_grayscale::RandomGrayscale;
pub use random_hue::RandomHue;
pub use random_invert::RandomInvert;
pub use random_perspective::RandomPerspective;
pub use random_posterization::RandomPosterization;
pub use random_rotation::RandomRotation;
pub use random_saturation::RandomSaturation;
pub use random_sharpness::RandomSharpness;
pub use random_shear::RandomShear;
pub use random_translation::RandomTranslation;
pub use random_zoom::RandomZoom;
pub use resizing::Resizing;
pub use solarization::Solarization;

use indexmap::IndexMap;
use rand::Rng;
use rand_chacha::ChaCha12Rng;

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::Layer;
use crate::ops::{self, Axes, DataFormat};
use crate::program;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use boxes::{Size, clip_to_image};

/// An image layer: random parameters drawn once per call, and their effect on images, masks, labels and
/// boxes.
///
/// All methods get batches, in the layer's own data format.
pub(super) trait ImageLayer: Layer {
    /// The random parameters of one call.
    type Drawn: 'static;

    /// Returns the data format: the position of the channel axis.
    fn data_format(&self) -> DataFormat;

    /// Returns the format of bounding boxes.
    fn bounding_box_format(&self) -> Option<BoundingBoxFormat> {
        None
    }

    /// Draws the random parameters for a batch.
    fn draw(&self, images: &Tensor) -> Result<Self::Drawn>;

    /// Transforms images, in training.
    fn images(&self, images: &Tensor, drawn: &Self::Drawn) -> Result<Tensor>;

    /// Returns true if the layer also acts in inference; false by default.
    fn always(&self) -> bool {
        false
    }

    /// Returns true if images are cast to the compute dtype in inference; true by default.
    fn casts(&self) -> bool {
        true
    }

    /// Transforms segmentation masks, in training; unchanged by default.
    fn masks(&self, masks: &Tensor, drawn: &Self::Drawn) -> Result<Tensor> {
        let _ = drawn;
        Ok(masks.clone())
    }

    /// Transforms labels, in training; unchanged by default.
    fn labels(&self, labels: &Tensor, drawn: &Self::Drawn) -> Result<Tensor> {
        let _ = drawn;
        Ok(labels.clone())
    }

    /// Transforms bounding boxes (left, top, right, bottom in pixels); `None` leaves them unchanged.
    fn boxes(&self, boxes: &Tensor, size: Size, drawn: &Self::Drawn) -> Result<Option<Tensor>> {
        let _ = (boxes, size, drawn);
        Ok(None)
    }

    /// Transforms bounding boxes in the layer's format, and their labels.
    fn bounding_boxes(&self, boxes: &mut Boxes, size: Size, drawn: &Self::Drawn) -> Result<()> {
        let format = self.bounding_box_format().ok_or_else(no_format)?;
        if let Some(moved) = self.boxes(&format.to_xyxy(&boxes.boxes, size)?, size, drawn)? {
            let size = self.size(size);
            let (clipped, labels) = clip_to_image(&moved, boxes.labels.as_ref(), size)?;
            *boxes = Boxes { boxes: format.of_xyxy(&clipped, size)?, labels };
        }
        Ok(())
    }

    /// Returns the output size for images of this size.
    fn size(&self, size: Size) -> Size {
        size
    }

    /// Returns the fixed output size, for shape inference.
    fn symbol_size(&self) -> Option<Size> {
        None
    }

    /// Returns the output dtype, for dtype inference.
    fn symbol_dtype(&self, input: DType) -> Result<DType> {
        let _ = input;
        self.base().dtype_policy().compute_dtype()
    }
}

/// The bounding boxes of a batch, `(batch, boxes, 4)`, and their labels, `(batch, boxes)`.
pub(super) struct Boxes {
    pub boxes: Tensor,
    pub labels: Option<Tensor>,
}

fn no_format() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box format",
    )
    .hint("set `bounding_box_format` of the layer")
}

/// Returns the axes of height and width, counted from the end.
pub(super) fn spatial(format: DataFormat) -> [isize; 2] {
    match format {
        DataFormat::ChannelsLast => [-3, -2],
        DataFormat::ChannelsFirst => [-2, -1],
    }
}

/// Returns the height and width of images.
pub(super) fn size_of(images: &Tensor, format: DataFormat) -> Result<Size> {
    let [height, width] = spatial(format);
    Ok([images.shape().dim(height)?, images.shape().dim(width)?])
}

/// Calls an image layer on images, or on a dict with `images` and optionally `labels`, `bounding_boxes` and
/// `segmentation_masks`.
pub(super) fn call<L: ImageLayer>(layer: &L, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
    let data = inputs.inputs()?;
    let images = match &data {
        Nested::Dict(items) => items.get("images").map(Nested::single).transpose()?.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "the dict has no images").expected("a key `images`")
        })?,
        data => data.single()?,
    };
    let rank = images.rank();
    if !(3..=4).contains(&rank) {
        return Err(Error::new(ErrorKind::Shape, "wrong rank of images")
            .expected("rank 3 (single image) or 4 (batch of images)")
            .received(format!("data.shape={}", images.shape())));
    }
    let active = cx.is_training() || layer.always();
    if active && let Some(augmented) = program::unless_symbolic(&[images], || augmented(layer, &data, images))? {
        return Ok(augmented);
    }
    let inactive = program::unless_symbolic(&[images], || match layer.casts() {
        true => ops::cast_to(images, layer.base().dtype_policy().compute_dtype()?),
        false => Ok(images.clone()),
    })?;
    let new = match inactive {
        Some(images) => images,
        None => Tensor::symbol(symbol_shape(layer, images.shape())?, layer.symbol_dtype(images.dtype())?),
    };
    let Nested::Dict(mut items) = data else { return Ok(new.into()) };
    if items.contains_key("bounding_boxes") && layer.bounding_box_format().is_none() {
        return Err(no_format());
    }
    items.insert("images".into(), new.into());
    Ok(Nested::Dict(items))
}

fn symbol_shape<L: ImageLayer>(layer: &L, shape: &Shape) -> Result<Shape> {
    match layer.symbol_size() {
        None => Ok(shape.clone()),
        Some([height, width]) => {
            let [down, across] = spatial(layer.data_format());
            shape.with(down, Some(height))?.with(across, Some(width))
        }
    }
}

fn augmented<L: ImageLayer>(layer: &L, data: &Nested<Tensor>, images: &Tensor) -> Result<Nested<Tensor>> {
    let alone = images.rank() == 3;
    let enter = |x: &Tensor| if alone { ops::expand_dims(x, 0) } else { Ok(x.clone()) };
    let leave = |x: &Tensor| if alone { ops::squeeze(x, Axes::from(0)) } else { Ok(x.clone()) };
    let batch = enter(images)?;
    let size = size_of(&batch, layer.data_format())?;
    let drawn = layer.draw(&batch)?;
    let new = leave(&layer.images(&batch, &drawn)?)?;
    let Nested::Dict(items) = data else { return Ok(new.into()) };
    let mut out = IndexMap::new();
    for (key, item) in items {
        let one = || item.single().at_with(|| key.clone());
        let new = match key.as_str() {
            "images" => new.clone().into(),
            "labels" => leave(&layer.labels(&enter(one()?)?, &drawn)?)?.into(),
            "segmentation_masks" => leave(&layer.masks(&enter(one()?)?, &drawn)?)?.into(),
            "bounding_boxes" => bounding_boxes(layer, item, size, &drawn, enter, leave).at("bounding_boxes")?,
            _ => item.clone(),
        };
        out.insert(key.clone(), new);
    }
    Ok(Nested::Dict(out))
}

fn bounding_boxes<L: ImageLayer>(
    layer: &L,
    item: &Nested<Tensor>,
    size: Size,
    drawn: &L::Drawn,
    enter: impl Fn(&Tensor) -> Result<Tensor>,
    leave: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Nested<Tensor>> {
    let Nested::Dict(parts) = item else {
        return Err(
            Error::new(ErrorKind::InvalidArgument, "bounding boxes must be a dict").expected("`boxes` and `labels`")
        );
    };
    let part = |key: &str| parts.get(key).map(|part| enter(part.single()?)).transpose();
    let boxes = part("boxes")?
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the dict has no boxes").expected("a key `boxes`"))?;
    let mut boxes = Boxes { boxes, labels: part("labels")? };
    layer.bounding_boxes(&mut boxes, size, drawn)?;
    let mut parts = parts.clone();
    parts.insert("boxes".into(), leave(&boxes.boxes)?.into());
    if let Some(labels) = &boxes.labels {
        parts.insert("labels".into(), leave(labels)?.into());
    }
    Ok(Nested::Dict(parts))
}

/// Implements `Layer` for an image layer.
macro_rules! image_layer {
    ($layer:ident) => {
        impl $crate::layers::Layer for $layer {
            fn call(
                &self,
                inputs: &$crate::tensor::CallArgs,
                cx: &$crate::tensor::CallContext,
            ) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                super::call(self, inputs, cx)
            }

            fn signature(&self) -> $crate::layers::Signature {
                $crate::layers::Signature::new(&["data", "training"])
            }
        }
    };
}
use image_layer;

/// Implements the methods of [`ImageLayer`] that return fields.
macro_rules! image_fields {
    () => {
        fn data_format(&self) -> $crate::ops::DataFormat {
            self.data_format
        }

        fn bounding_box_format(&self) -> Option<super::BoundingBoxFormat> {
            self.bounding_box_format
        }
    };
}
use image_fields;

/// Draws uniform numbers from a range.
pub(super) fn uniform(rng: &mut ChaCha12Rng, count: usize, (low, high): (f64, f64)) -> Vec<f32> {
    (0..count).map(|_| (low + (high - low) * rng.random::<f64>()) as f32).collect()
}

/// Draws for each image whether it is transformed, with a probability that is itself drawn from a range.
pub(super) fn chosen(rng: &mut ChaCha12Rng, count: usize, probability: (f64, f64)) -> Result<Tensor> {
    let chosen = (0..count).map(|_| {
        let probability = probability.0 + (probability.1 - probability.0) * rng.random::<f64>();
        f32::from(u8::from(rng.random::<f64>() < probability))
    });
    ops::cast_to(&for_each_image(chosen.collect(), DType::Float32)?, DType::Bool)
}

/// Returns the number of images.
pub(super) fn batch(images: &Tensor) -> Result<usize> {
    images.shape().dim(0)
}

/// Returns one number per image, in a shape that broadcasts with the images.
pub(super) fn for_each_image(numbers: Vec<f32>, dtype: DType) -> Result<Tensor> {
    let count = numbers.len();
    ops::cast_to(&Tensor::from_vec(numbers, [count, 1, 1, 1])?, dtype)
}

/// Rescales values linearly from one range to another.
pub(super) fn rescaled(images: &Tensor, from: (f64, f64), to: (f64, f64)) -> Result<Tensor> {
    if from == to {
        return Ok(images.clone());
    }
    let unit = ops::divide(ops::subtract(images, from.0)?, from.1 - from.0)?;
    ops::add(ops::multiply(&unit, to.1 - to.0)?, to.0)
}

/// The value range of eight-bit channels.
pub(super) const BYTE: (f64, f64) = (0.0, 255.0);

#[cfg(test)]
mod tests;
