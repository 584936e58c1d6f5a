//! What cropping, zero padding and upsampling over one, two and three axes share.

/// Implements `Layer` for cropping of `$rank` axes.
macro_rules! cropping {
    ($name:ident, $rank:literal) => {
        impl $crate::layers::Layer for $name {
            fn call(
                &self,
                inputs: &$crate::tensor::CallArgs,
                _: &$crate::tensor::CallContext,
            ) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                super::macros::crop(inputs.tensor()?, &self.cropping.0, self.data_format).map(Into::into)
            }

            fn input_spec(&self) -> Option<$crate::layers::InputSpec> {
                Some($crate::layers::InputSpec::ndim($rank + 2))
            }
        }
    };
}
pub(super) use cropping;

/// Implements `Layer` for zero padding of `$rank` axes.
macro_rules! zero_padding {
    ($name:ident, $rank:literal) => {
        impl $crate::layers::Layer for $name {
            fn call(
                &self,
                inputs: &$crate::tensor::CallArgs,
                _: &$crate::tensor::CallContext,
            ) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                super::macros::pad(inputs.tensor()?, &self.padding.0, self.data_format).map(Into::into)
            }

            fn input_spec(&self) -> Option<$crate::layers::InputSpec> {
                Some($crate::layers::InputSpec::ndim($rank + 2))
            }
        }
    };
}
pub(super) use zero_padding;

use crate::error::{Error, ErrorKind, Result};
use crate::ops::DataFormat;
use crate::ops::pad::pad_with;
use crate::ops::shape::{Span, repeat_axis, slice};
use crate::tensor::Tensor;

/// Returns the first spatial axis.
fn first_axis(format: DataFormat) -> usize {
    match format {
        DataFormat::ChannelsLast => 1,
        DataFormat::ChannelsFirst => 2,
    }
}

/// Crops the spatial axes.
pub(super) fn crop(x: &Tensor, edges: &[(usize, usize)], format: DataFormat) -> Result<Tensor> {
    let first = first_axis(format);
    let mut spans = vec![Span::ALL; first];
    for ((before, after), extent) in edges.iter().zip(x.shape().dims().iter().skip(first)) {
        if extent.is_some_and(|extent| before.saturating_add(*after) >= extent) {
            let error =
                "Values in `cropping` argument should be smaller than the corresponding spatial dimension of the input";
            return Err(
                Error::new(ErrorKind::Shape, error).received(format!("inputs.shape={}, cropping={edges:?}", x.shape()))
            );
        }
        let stop = if *after == 0 { None } else { Some(-(*after as isize)) };
        spans.push(Span { start: Some(*before as isize), stop, step: 1 });
    }
    // An unknown extent stays unknown.
    slice(x, &spans)
}

/// Pads the spatial axes with zeros.
pub(super) fn pad(x: &Tensor, edges: &[(usize, usize)], format: DataFormat) -> Result<Tensor> {
    let first = first_axis(format);
    let rest = x.rank().saturating_sub(first + edges.len());
    let around = |count: usize| std::iter::repeat_n((0, 0), count);
    pad_with(x, &around(first).chain(edges.iter().copied()).chain(around(rest)).collect::<Vec<_>>(), 0.0)
}

/// Repeats each position of the spatial axes.
pub(super) fn repeat(x: &Tensor, times: &[usize], format: DataFormat) -> Result<Tensor> {
    let first = first_axis(format) as isize;
    (first..).zip(times).try_fold(x.clone(), |x, (axis, times)| repeat_axis(&x, *times, axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::DType;

    #[test]
    fn unknown_extents_stay_unknown() {
        let x = Tensor::symbol([None, None, Some(5), Some(2)], DType::Float32);
        let shape = |x: Result<Tensor>| x.unwrap().shape().to_string();
        assert_eq!(shape(crop(&x, &[(1, 0), (1, 2)], DataFormat::ChannelsLast)), "(None, None, 2, 2)");
        assert_eq!(shape(pad(&x, &[(1, 0), (1, 2)], DataFormat::ChannelsLast)), "(None, None, 8, 2)");
        assert_eq!(shape(repeat(&x, &[2, 3], DataFormat::ChannelsFirst)), "(None, None, 10, 6)");
        let error = crop(&x, &[(0, 0), (3, 2)], DataFormat::ChannelsLast).unwrap_err();
        assert!(error.to_string().contains("smaller than the corresponding spatial dimension"), "{error}");
    }
}
