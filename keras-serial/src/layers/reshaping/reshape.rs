//! Reshaping.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::ops::shape::reshape_to;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Reshapes to `(batch, …target_shape)`; one extent may be -1 and is inferred.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/reshape>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
/// assert_eq!(Reshape::new([2, -1]).apply(&x)?.shape().to_string(), "(1, 2, 2)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, validate = Self::check)]
pub struct Reshape {
    base: LayerBase,
    target_shape: Vec<isize>,
}

impl Reshape {
    fn check(&self) -> Result<()> {
        let open = self.target_shape.iter().filter(|dim| **dim == -1).count();
        if open > 1 || self.target_shape.iter().any(|dim| *dim < -1) {
            return Err(Error::new(
                ErrorKind::Config,
                "There must be at most one unknown dimension (-1) in target_shape",
            )
            .received(format!("target_shape={:?}", self.target_shape)));
        }
        Ok(())
    }

    /// Returns the whole output shape, with the extent -1 computed if possible.
    fn resolve(&self, input: &Shape) -> Result<Shape> {
        let batch = input.dims().first().copied().flatten();
        let rest = input.dims().get(1..).unwrap_or_default();
        let count = Shape::from(rest.to_vec()).num_elements();
        let known = self.target_shape.iter().filter(|dim| **dim > 0);
        let known = known.map(|dim| *dim as usize).try_fold(1usize, usize::checked_mul).ok_or_else(|| {
            Error::new(ErrorKind::Limit, "target_shape is too large")
                .received(format!("target_shape={:?}", self.target_shape))
        })?;
        let has_zero = self.target_shape.contains(&0);
        let open = match count {
            Some(count) if known > 0 && !has_zero && count.is_multiple_of(known) => Some(count / known),
            _ => None,
        };
        let target: Shape =
            self.target_shape.iter().map(|dim| if *dim < 0 { open } else { Some(*dim as usize) }).collect();
        if let (Some(count), Some(wanted)) = (count, target.num_elements())
            && count != wanted
        {
            return Err(Error::new(ErrorKind::Shape, "The total size of the tensor must be unchanged")
                .expected(format!("input_shape={}", Shape::from(rest.to_vec())))
                .received(format!("target_shape={target}")));
        }
        Ok([batch].into_iter().chain(target.dims().iter().copied()).collect())
    }
}

impl Layer for Reshape {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        reshape_to(x, &self.resolve(x.shape())?).map(Into::into)
    }
}
