//! Conversion of tensors from and to the `ndarray` crate and the engine (burn).

use burn_dispatch::DispatchTensor;
use ndarray::{Array, ArrayBase, ArrayD, Data, Dimension, IxDyn};

use super::{DType, Element, Tensor};
use crate::error::{Error, ErrorKind, Result};

impl Tensor {
    /// Constructs a tensor from an array or view; copies the elements in row-major order.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let array = ndarray::array![[1.0f32, 2.0], [3.0, 4.0]];
    /// let tensor = Tensor::from_array(&array.t())?;
    /// assert_eq!(tensor.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
    /// assert_eq!(tensor.to_array::<f32>()?, array.t().into_dyn());
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the engine does not support the dtype.
    pub fn from_array<T: Element, S: Data<Elem = T>, D: Dimension>(array: &ArrayBase<S, D>) -> Result<Self> {
        Self::from_vec(array.iter().copied().collect(), array.shape().to_vec())
    }

    /// Returns the elements as an array.
    ///
    /// # Errors
    /// For symbols, and if the elements are of another type.
    pub fn to_array<T: Element>(&self) -> Result<ArrayD<T>> {
        let elements = self.to_vec()?;
        Array::from_shape_vec(IxDyn(&self.shape().known()?), elements)
            .map_err(|error| Error::new(ErrorKind::Shape, "the elements do not fill the shape").with_source(error))
    }

    /// Returns the engine's tensor, as `burn::Tensor::from_primitive` takes it.
    ///
    /// # Errors
    /// For symbols and strings.
    pub fn to_primitive(&self) -> Result<DispatchTensor> {
        self.raw()
    }

    /// Constructs a tensor from the engine's, whose elements have this dtype.
    pub fn from_primitive(primitive: DispatchTensor, dtype: DType) -> Self {
        Self::from_raw(primitive, dtype)
    }
}
