//! Image layers applied in sequence, each with its random parameters.

use std::fmt;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::ImageLayer;
use crate::error::Result;
use crate::tensor::Tensor;

/// An image layer, without the type of its random parameters.
pub(crate) trait Step: Send + Sync {
    /// Draws the random parameters for a batch.
    fn begin(self: Arc<Self>, images: &Tensor) -> Result<Arc<dyn Begun>>;
}

/// An image layer with drawn parameters, to be applied to images, masks and boxes.
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

/// Layers that an outer layer constructs on first use.
#[derive(Default)]
pub(super) struct Steps(OnceCell<Vec<Arc<dyn Step>>>);

impl Steps {
    pub fn get_or_make(&self, make: impl FnOnce() -> Result<Vec<Arc<dyn Step>>>) -> Result<&[Arc<dyn Step>]> {
        self.0.get_or_try_init(make).map(Vec::as_slice)
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps", self.0.get().map_or(0, Vec::len))
    }
}
