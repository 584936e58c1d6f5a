//! `#![no_implicit_prelude]` with a layer, constructors, sublayers, a generic, a function, `register_type!`.
#![no_implicit_prelude]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

use ::keras_serial::layers::{Dense, Layer, LayerBase, LayerExt, LayerRef};
use ::keras_serial::tensor::{CallArgs, CallContext, Nested, Tensor};
use ::keras_serial::{KerasSerializable, Result, register};
use ::std::convert::Into;

/// A layer.
#[register(package = "NoPrelude")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Own {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    rate: ::std::option::Option<f64>,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense: LayerRef,
}

impl Layer for Own {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.tensor()?, cx)
    }
}

/// Generic.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Range<T> {
    low: T,
}
::keras_serial::register_type!(Range<f64>, package = "NoPrelude");

/// A function.
#[register(package = "NoPrelude")]
pub fn own(x: &Tensor) -> Result<Tensor> {
    ::keras_serial::ops::abs(x)
}

pub(super) fn main() {
    let own: LayerRef = Own::new(1).rate(0.5).into();
    let _ = (own, Range::<f64>::new(1.0).low);
}
