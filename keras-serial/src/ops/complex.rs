//! Complex numbers, which tensors do not support here.
//!
//! The Fourier transforms of `keras.ops` take and return pairs of real and imaginary parts instead.
//! Operations whose results are complex in Keras are errors.

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

/// Returns the error for an operation with a complex result or argument.
pub(super) fn unsupported(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{name}` needs complex numbers, which are not supported"))
        .hint("keep real and imaginary parts as two tensors, as `fft` and `stft` take and give them")
}
