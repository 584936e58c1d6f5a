//! Layers of images one after the other, with what each one draws.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::ImageLayer;
use crate::error::Result;
use crate::tensor::Tensor;

/// A layer of images whatever it draws.
pub(crate) trait Step: Send + Sync {
    /// Draws for a batch.
    fn begin(self: Arc<Self>, images: &Tensor) -> Result<Arc<dyn Begun>>;
}

/// A layer with what it drew, to be used on several things.
pub(crate) trait Begun {
    fn images(&self, images: &Tensor) -> Result<Tensor>;
    fn masks(&self, masks: &Tensor) -> Result<Tensor>;
    fn boxes(&self, boxes: &Tensor, size: [usize; 2]) -> Result<Option<Tensor>>;
}

struct Pair<L: ImageLayer>(Arc<L>, L::Drawn);

impl<L: ImageLayer> Step for L {
    fn begin(self: Arc<Self>, images: &Tensor) -> Result<Arc<dyn Begun>> {
        let drawn = self.draw(images)?;
        Ok(Arc::new(Pair(self, drawn)))
    }
}

impl<L: ImageLayer> Begun for Pair<L> {
    fn images(&self, images: &Tensor) -> Result<Tensor> {
        self.0.images(images, &self.1)
    }

    fn masks(&self, masks: &Tensor) -> Result<Tensor> {
        self.0.masks(masks, &self.1)
    }

    fn boxes(&self, boxes: &Tensor, size: [usize; 2]) -> Result<Option<Tensor>> {
        self.0.boxes(boxes, size, &self.1)
    }
}

/// Layers that another one makes on first use.
#[derive(Default)]
pub(super) struct Steps(OnceLock<Vec<Arc<dyn Step>>>);

impl Steps {
    pub fn get_or_make(&self, make: impl FnOnce() -> Result<Vec<Arc<dyn Step>>>) -> Result<&[Arc<dyn Step>]> {
        match self.0.get() {
            Some(steps) => Ok(steps),
            None => {
                let made = make()?;
                Ok(self.0.get_or_init(|| made))
            }
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps", self.0.get().map_or(0, Vec::len))
    }
}
