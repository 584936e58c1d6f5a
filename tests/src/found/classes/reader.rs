//! A model with attention and a residual path, which has a mask.

use keras_serial::prelude::*;

/// Embedding, attention and its residual path, and a recurrent layer.
#[register(package = "own16")]
#[derive(KerasSerializable)]
#[keras(model, new)]
pub struct Reader {
    base: LayerBase,
    width: usize,
    #[keras(sublayer(init = Embedding::new(9, width).mask_zero(true).shared()))]
    embedding: LayerRef,
    #[keras(sublayer(init = MultiHeadAttention::new(2, 3).shared()))]
    attention: LayerRef,
    #[keras(sublayer(init = Add::new().shared()))]
    residual: LayerRef,
    #[keras(sublayer(init = GRU::new(3).shared()))]
    gru: LayerRef,
}

impl Layer for Reader {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.embedding.call(inputs.inputs()?, cx)?.into_single()?;
        let a = self.attention.call(CallArgs::one(x.clone()).and(x.clone()), cx)?.into_single()?;
        let x = self.residual.call(Nested::list([x, a]), cx)?;
        self.gru.call(x, cx)
    }
}
