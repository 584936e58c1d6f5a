//! Complex numbers, which tensors here do not hold.
//!
//! The Fourier transforms of `keras.ops` take and give pairs of real and imaginary parts and need
//! none. Operations whose results are complex in Keras are refused.

use super::define::classes;
use crate::error::{Error, ErrorKind};
use crate::tensor::Tensor;

classes! { "keras.src.ops.math"
    "ViewAsComplex" = |_| Err::<Tensor, _>(unsupported("view_as_complex"));
    "ViewAsReal" = |_| Err::<Tensor, _>(unsupported("view_as_real"));
}

classes! { "keras.src.ops.nn"
    "Polar" = |_| Err::<Tensor, _>(unsupported("polar"));
}

/// The error of an operation whose result or argument is complex.
pub(super) fn unsupported(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{name}` needs complex numbers, which are not supported"))
        .hint("keep real and imaginary parts as two tensors, as `fft` and `stft` take and give them")
}
