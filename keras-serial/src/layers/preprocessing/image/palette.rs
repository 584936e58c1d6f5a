//! The layers that AugMix and RandAugment choose from.

use std::sync::Arc;

use super::steps::Step;
use super::{
    AutoContrast, Equalization, Factor, RandomBrightness, RandomColorDegeneration, RandomContrast, RandomPosterization,
    RandomRotation, RandomSharpness, RandomShear, RandomTranslation, Solarization, Spread, ValueRange,
};
use crate::error::Result;
use crate::ops::{DataFormat, Sampling};
use crate::random::Seed;

/// The arguments with which the layers are constructed.
pub(super) struct Palette<'a> {
    pub factor: &'a Factor<0, 1>,
    pub value_range: &'a ValueRange,
    pub interpolation: Sampling,
    pub seed: &'a Seed,
    pub data_format: DataFormat,
}

impl Palette<'_> {
    /// Returns the layers that both always choose from.
    pub fn common(&self) -> Result<Vec<Arc<dyn Step>>> {
        let (low, high) = self.factor.range()?;
        let spread = || Spread::from([low, high]);
        let format = self.data_format;
        let bits = ((8.0 * high) as i64).max(1);
        let (range, seed) = (|| self.value_range.clone(), || self.seed.clone());
        let shear = RandomShear::new().x_factor(spread()).y_factor(spread());
        let solarization = Solarization::new().addition_factor([low, high]).threshold_factor([low, high]);
        Ok(vec![
            Arc::new(shear.interpolation(self.interpolation).seed(seed()).data_format(format)),
            Arc::new(
                RandomTranslation::new(spread(), spread())
                    .interpolation(self.interpolation)
                    .seed(seed())
                    .data_format(format),
            ),
            Arc::new(
                RandomRotation::new([low, high]).interpolation(self.interpolation).seed(seed()).data_format(format),
            ),
            Arc::new(RandomPosterization::new(bits).value_range(range()).seed(seed()).data_format(format)),
            Arc::new(solarization.value_range(range()).seed(seed()).data_format(format)),
            Arc::new(AutoContrast::new().value_range(range()).data_format(format)),
            Arc::new(Equalization::new().value_range(range()).data_format(format)),
        ])
    }

    /// Returns the same and the color layers.
    pub fn all(&self) -> Result<Vec<Arc<dyn Step>>> {
        let (low, high) = self.factor.range()?;
        let format = self.data_format;
        let (range, seed) = (|| self.value_range.clone(), || self.seed.clone());
        let mut steps = self.common()?;
        steps.push(Arc::new(RandomBrightness::new([low, high]).value_range(range()).seed(seed()).data_format(format)));
        steps.push(Arc::new(
            RandomColorDegeneration::new([low, high]).value_range(range()).seed(seed()).data_format(format),
        ));
        steps.push(Arc::new(RandomContrast::new([low, high]).value_range(range()).seed(seed()).data_format(format)));
        steps.push(Arc::new(RandomSharpness::new([low, high]).value_range(range()).seed(seed()).data_format(format)));
        Ok(steps)
    }
}
