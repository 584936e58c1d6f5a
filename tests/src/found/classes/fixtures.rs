//! The classes of `tests/fixtures/found`.

use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use keras_serial::prelude::*;

/// Attention beside a residual path: the layers after it see no mask.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[config(new)]
pub struct ResidualReader {
    base: LayerBase,
    width: usize,
    #[sublayer(init = Embedding::new(7, width).mask_zero(true).shared())]
    embedding: LayerRef,
    #[sublayer(init = MultiHeadAttention::new(2, 2).shared())]
    attention: LayerRef,
    #[sublayer(init = Add::new().shared())]
    add: LayerRef,
    #[sublayer(init = GRU::new(2).shared())]
    summary: LayerRef,
}

impl Layer for ResidualReader {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.embedding.call(inputs.inputs()?, cx)?.into_single()?;
        let y = self.attention.call(CallArgs::one(x.clone()).and(x.clone()), cx)?.into_single()?;
        self.summary.call(self.add.call(vec![x, y], cx)?, cx)
    }

    fn is_model(&self) -> bool {
        true
    }
}

/// A map of layers of one shape, whose keys are not in alphabetical order.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[config(new)]
pub struct Bank {
    base: LayerBase,
    units: usize,
    #[sublayer(init = ["up", "down"].map(|key| (key.to_owned(), Dense::new(units).shared())).into_iter().collect())]
    parts: IndexMap<String, LayerRef>,
}

impl Layer for Bank {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.parts.values().try_for_each(|part| cx.build_layer(part, input))
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let part = |key: &str| self.parts[key].call(inputs.inputs()?, cx)?.into_single();
        ops::subtract(&part("up")?, &part("down")?).map(Into::into)
    }
}

/// Without a constructor of its own in Python, which then writes `autocast`.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[config(new)]
pub struct Affine {
    base: LayerBase,
}

impl Layer for Affine {
    fn call_arguments(&self) -> &'static [&'static str] {
        &["x", "shift", "factor"]
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let shifted = inputs.optional("shift")?.map(|shift| ops::add(x, shift)).transpose()?;
        let factor = inputs.value("factor").map_or(Ok(1.0), f64::from_value)?;
        ops::multiply(shifted.as_ref().unwrap_or(x), factor).map(Into::into)
    }
}

/// A state under its own names, and an asset in a folder.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[config(new)]
pub struct Lexicon {
    base: LayerBase,
    units: usize,
    #[config(skip)]
    words: Mutex<Vec<String>>,
    #[weight]
    table: Weight,
}

impl Lexicon {
    const FILE: &'static str = "deep/er/words.txt";

    fn words(&self) -> Vec<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Layer for Lexicon {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.table.create(cx, [input.last()?, self.units], None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = ops::matmul(inputs.tensor()?, &self.table.value()?)?;
        ops::add(&x, self.words().len() as f64).map(Into::into)
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some(Vec::new())
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["half"]
    }

    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(vec![("half", ops::divide(&self.table.value()?, 2.0)?)])
    }

    fn load_named_state(&self, _: &str, value: &Tensor) -> Result<()> {
        self.table.assign(&ops::multiply(value, 2.0)?)
    }

    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        assets.insert(Self::FILE, self.words().join("\n"));
        Ok(())
    }

    fn load_assets(&self, assets: &Assets) -> Result<()> {
        let words = assets.text(Self::FILE)?.split('\n').map(str::to_owned).collect();
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        Ok(())
    }
}

/// Doubles.
#[register(package = "Found")]
pub fn double(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 2.0)
}
