//! AugMix augmentation of images.

use std::sync::Arc;

use rand::Rng;

use super::palette::Palette;
use super::steps::{Begun, Steps};
use super::{BoundingBoxFormat, Factor, ImageLayer, ValueRange, image_fields, image_layer};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::layers::preprocessing::Array;
use crate::ops::{self, DataFormat, Sampling};
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// AugMix: in training, mixes images with the outputs of several chains of random layers; in inference, does
/// nothing.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `num_chains`, `chain_depth`: 3; the number of chains, and the maximum number of layers in each.
/// - `factor`: 0.3; the range of the layers' strength, one number `n` stands for `(0, n)`.
/// - `alpha`: 1; the parameter of the distributions of mixing weights.
/// - `all_ops`: true; whether layers of brightness, color, contrast and sharpness are used too.
/// - `interpolation`: [`Sampling::Bilinear`].
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/aug_mix>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::AugMix;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(AugMix::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct AugMix {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default = 3)]
    num_chains: usize,
    #[keras(default = 3)]
    chain_depth: usize,
    #[keras(default = Factor::from(0.3))]
    factor: Factor<0, 1>,
    #[keras(default = Array::from(1.0))]
    alpha: Array,
    #[keras(default = true)]
    all_ops: bool,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
    #[keras(skip)]
    steps: Steps,
}

/// Chains of layers with their weights, and the weight of the original image.
pub(crate) struct Chains {
    original: f64,
    chains: Vec<(f64, Vec<Arc<dyn Begun>>)>,
}

impl Chains {
    fn mixed(&self, x: &Tensor, apply: impl Fn(&dyn Begun, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let mut mixture = ops::zeros_like(x)?;
        for (share, chain) in &self.chains {
            let changed = chain.iter().try_fold(x.clone(), |x, step| apply(&**step, &x))?;
            mixture = ops::add(&mixture, ops::multiply(&changed, *share)?)?;
        }
        ops::add(ops::multiply(x, self.original)?, ops::multiply(&mixture, 1.0 - self.original)?)
    }
}

impl ImageLayer for AugMix {
    type Drawn = Chains;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Chains> {
        let steps = self.steps.get_or_make(|| {
            let palette = Palette {
                factor: &self.factor,
                value_range: &self.value_range,
                interpolation: self.interpolation,
                seed: &self.seed,
                data_format: self.data_format,
            };
            if self.all_ops { palette.all() } else { palette.common() }
        })?;
        let alpha = self.alpha.number()?;
        let (shares, original, choices) = self.generator.draw(&self.seed, |rng| {
            let shares: Vec<f64> = (0..self.num_chains).map(|_| random::gamma(rng, alpha)).collect();
            let original = random::beta(rng, alpha, alpha);
            // The last choice stands for no layer.
            let mut choose = || (0..self.chain_depth).map(|_| rng.random_range(0..=steps.len())).collect::<Vec<_>>();
            let choices: Vec<Vec<usize>> = (0..self.num_chains).map(|_| choose()).collect();
            (shares, original, choices)
        });
        let total: f64 = shares.iter().sum();
        let begin = |choice: &usize| steps.get(*choice).map(|step| step.clone().begin(images));
        let chains = choices.iter().map(|chain| chain.iter().filter_map(begin).collect::<Result<Vec<_>>>());
        let chains = shares.into_iter().map(|share| share / total).zip(chains.collect::<Result<Vec<_>>>()?);
        Ok(Chains { original, chains: chains.collect() })
    }

    fn images(&self, images: &Tensor, chains: &Chains) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let x = ops::cast_to(images, dtype)?;
        let mixed = chains.mixed(&x, |step, x| ops::cast_to(&step.images(x)?, dtype))?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&mixed, low, high)
    }

    fn masks(&self, masks: &Tensor, chains: &Chains) -> Result<Tensor> {
        chains.mixed(masks, |step, masks| step.masks(masks))
    }
}

image_layer!(AugMix);
