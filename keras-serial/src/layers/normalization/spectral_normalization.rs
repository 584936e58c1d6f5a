//! Spectral normalization: a wrapper that bounds a kernel's largest singular value.

use crate::error::{Error, ErrorKind, Result};
use crate::initializers::{Initializer, TruncatedNormal};
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerRef, Signature, Weight, invalid_argument};
use crate::ops::{self, Axes, shape::reshape_to};
use crate::program;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Spectral normalization: in training, divides a layer's kernel (or embeddings) by an estimate of its
/// largest singular value before each call.
///
/// # Arguments
/// - `layer`: the wrapped layer, with a weight `kernel` or `embeddings`.
/// - `power_iterations`: 1; the steps of power iteration that refine the estimate in each call.
///
/// Follows <https://keras.io/api/layers/normalization_layers/spectral_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[3.0f32], [1, 1])?;
/// let layer = SpectralNormalization::new(Dense::new(1).kernel_initializer("ones")).shared();
/// assert_eq!(layer.apply(&x)?.to_vec::<f32>()?, [3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct SpectralNormalization {
    base: LayerBase,
    layer: LayerRef,
    #[keras(default = 1)]
    power_iterations: usize,
    /// The wrapped layer's kernel or embeddings.
    #[keras(weight)]
    kernel: Weight,
    /// The estimate of the first singular vector.
    #[keras(weight)]
    vector_u: Weight,
}

/// `keras.config.epsilon()`.
const EPSILON: f64 = 1e-7;

impl SpectralNormalization {
    fn check(&self) -> Result<()> {
        match self.power_iterations {
            0 => Err(invalid_argument("power_iterations", "an integer greater than zero", 0)),
            _ => Ok(()),
        }
    }

    /// Normalizes the kernel and updates the estimate.
    fn normalize_kernel(&self) -> Result<()> {
        let compute = self.base.dtype_policy().compute_dtype()?;
        let read = |weight: &Weight| match weight.variable() {
            Some(variable) => ops::cast_to(&variable.read(), compute),
            None => weight.value(),
        };
        let kernel = read(&self.kernel)?;
        if !ops::any(&ops::not_equal(&kernel, 0)?, Axes::all(), false)?.item::<bool>()? {
            return Ok(());
        }
        let weights = reshape_to(&kernel, &Shape::from([None, kernel.shape().get(-1)?]))?;
        let transposed = ops::transpose(&weights, None)?;
        let mut u = read(&self.vector_u)?;
        let mut v = u.clone();
        for _ in 0..self.power_iterations {
            v = ops::normalize(&ops::matmul(&u, &transposed)?, Axes::all(), EPSILON)?;
            u = ops::normalize(&ops::matmul(&v, &weights)?, Axes::all(), EPSILON)?;
        }
        let sigma = ops::matmul(&ops::matmul(&v, &weights)?, &ops::transpose(&u, None)?)?;
        let kernel = reshape_to(&ops::divide(&weights, &sigma)?, kernel.shape())?;
        self.vector_u.assign(&u)?;
        self.kernel.assign(&kernel)
    }
}

impl Layer for SpectralNormalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.layer, input)?;
        let weights = self.layer.own_weights();
        let named = |name: &str| weights.iter().find(|weight| weight.name() == name);
        let kernel = named("kernel").or_else(|| named("embeddings")).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{} object has no attribute 'kernel' nor 'embeddings'", self.layer.class_name()),
            )
        })?;
        self.kernel.share(cx, kernel)?;
        let initializer = Initializer::new(TruncatedNormal::new(0.0, 0.02));
        self.vector_u
            .make(cx, [1, kernel.shape().last()?])
            .initializer(&initializer)
            .trainable(false)
            .dtype(kernel.dtype())
            .create()
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if cx.is_training() {
            program::infer_or_compute(&[x], (), || self.normalize_kernel())?;
        }
        let y = self.layer.call(x, cx)?.into_single()?;
        ops::cast_to(&y, x.dtype()).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training"])
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let shapes = self.base.built_shapes()?;
        let Some(Nested::Leaf(input)) = shapes.values().next() else { return None };
        let spec = InputSpec::min_ndim(1);
        Some(input.get(-1).ok().flatten().into_iter().fold(spec, |spec, extent| spec.axis(-1, extent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dense, Flatten, LayerExt};

    #[test]
    fn training_makes_the_largest_singular_value_one() {
        let layer = SpectralNormalization::new(Dense::new(1).kernel_initializer("ones").use_bias(false)).shared();
        let x = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 1.0], [1, 4]).unwrap();
        let y = layer.call(&x, &CallContext::training()).unwrap().into_single().unwrap();
        // The singular value of a vector is its length, 2 here.
        assert!((y.item::<f32>().unwrap() - 2.0).abs() < 1e-5);
        assert_eq!(layer.weights().len(), 2);
    }

    #[test]
    fn a_layer_without_kernel_is_refused() {
        let error =
            SpectralNormalization::new(Flatten::new()).shared().build(&Shape::from([None, Some(2)])).unwrap_err();
        assert!(error.to_string().contains("Flatten object has no attribute 'kernel' nor 'embeddings'"), "{error}");
    }
}
