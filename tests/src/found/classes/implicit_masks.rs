//! Models that pass masks through a layer given as an argument.

use keras_serial::prelude::*;

/// Embedding, the layer, and a recurrent layer.
#[register(package = "own21")]
#[derive(KerasSerializable)]
#[keras(model, new)]
pub struct Chain {
    base: LayerBase,
    layer: LayerRef,
    #[keras(sublayer(init = Embedding::new(9, 6).mask_zero(true).name("emb").shared()))]
    embedding: LayerRef,
    #[keras(sublayer(init = GRU::new(3).name("gru").shared()))]
    gru: LayerRef,
}

impl Layer for Chain {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.embedding.call(inputs.inputs()?, cx)?;
        self.gru.call(self.layer.call(x, cx)?, cx)
    }
}

/// Two embeddings with different masks, the layer of two inputs, and a recurrent layer.
#[register(package = "own21")]
#[derive(KerasSerializable)]
#[keras(model, new, setters)]
pub struct Pair {
    base: LayerBase,
    layer: LayerRef,
    #[keras(default = true)]
    as_list: bool,
    #[keras(sublayer(init = Embedding::new(9, 6).mask_zero(true).name("emb").shared()))]
    embedding: LayerRef,
    #[keras(sublayer(init = GRU::new(3).name("gru").shared()))]
    gru: LayerRef,
}

impl Layer for Pair {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let ids = inputs.tensor()?;
        let a = self.embedding.call(ids, cx)?.into_single()?;
        let b = self.embedding.call(&ops::flip(ids, 1)?, cx)?.into_single()?;
        let both = if self.as_list { CallArgs::from(vec![a, b]) } else { CallArgs::one(a).and(b) };
        self.gru.call(self.layer.call(both, cx)?, cx)
    }
}
