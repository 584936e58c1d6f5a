//! `#![forbid(unused)]`, as careful crates have it.
#![forbid(unused_imports, unused_mut, unused_variables)]
use keras_serial::prelude::*;
#[register(package = "Forbid")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Own {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense: LayerRef,
}
impl Layer for Own {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.tensor()?, cx)
    }
}
pub(super) fn main() {
    let _ = Own::new(1).units;
}
