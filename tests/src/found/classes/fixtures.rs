//! The classes of `tests/fixtures/found`.

use std::sync::{Mutex, OnceLock, PoisonError};

use indexmap::IndexMap;
use keras_serial::ResultExt;
use keras_serial::activations::Activate;
use keras_serial::json::Value;
use keras_serial::layers::{Batch, CompileSlot, Logs, OwnCompile, Steps, TrainStep};
use keras_serial::ops::Operate;
use keras_serial::prelude::*;
use keras_serial::variable::GradientTape;

/// Attention beside a residual path: the layers after it get no mask.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(model, new)]
pub struct ResidualReader {
    base: LayerBase,
    width: usize,
    #[keras(sublayer(init = Embedding::new(7, width).mask_zero(true).shared()))]
    embedding: LayerRef,
    #[keras(sublayer(init = MultiHeadAttention::new(2, 2).shared()))]
    attention: LayerRef,
    #[keras(sublayer(init = Add::new().shared()))]
    add: LayerRef,
    #[keras(sublayer(init = GRU::new(2).shared()))]
    summary: LayerRef,
}

impl Layer for ResidualReader {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.embedding.call(inputs.inputs()?, cx)?.into_single()?;
        let y = self.attention.call(CallArgs::one(x.clone()).and(x.clone()), cx)?.into_single()?;
        self.summary.call(self.add.call(vec![x, y], cx)?, cx)
    }
}

/// A map of layers with the same shape, whose keys are not in alphabetical order.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Bank {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = ["up", "down"].map(|key| (key.to_owned(), Dense::new(units).shared())).into_iter().collect()))]
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

/// It has no constructor of its own in Python, so Keras writes `autocast`.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Affine {
    base: LayerBase,
}

impl Layer for Affine {
    fn signature(&self) -> Signature {
        Signature::new(&["x", "shift", "factor"])
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let shifted = inputs.optional("shift")?.map(|shift| ops::add(x, shift)).transpose()?;
        let factor = inputs.value("factor").map_or(Ok(1.0), f64::from_value)?;
        ops::multiply(shifted.as_ref().unwrap_or(x), factor).map(Into::into)
    }
}

/// A custom state with its own names, and an asset in a folder.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Lexicon {
    base: LayerBase,
    units: usize,
    #[keras(skip)]
    words: Mutex<Vec<String>>,
    #[keras(weight)]
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

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Lexicon {
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

/// Only its build configuration tells how many layers it has.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Blocks {
    base: LayerBase,
    #[keras(sublayer)]
    blocks: OnceLock<Vec<LayerRef>>,
    #[keras(skip)]
    shape: OnceLock<Shape>,
}

impl Blocks {
    fn make(&self, count: usize, shape: &Shape) -> Result<&[LayerRef]> {
        let units = self.shape.get_or_init(|| shape.clone()).last()?;
        Ok(self.blocks.get_or_init(|| (0..count).map(|_| Dense::new(units).shared()).collect()))
    }

    fn restore(&self, config: &Config, layer: &LayerRef) -> Result<()> {
        let entry = |name: &str| config.get(name).unwrap_or(&Value::Null);
        let shape = Shape::from_value(entry("shape")).at("shape")?;
        self.make(usize::from_value(entry("count")).at("count")?, &shape)?;
        layer.build(&shape)
    }
}

impl Layer for Blocks {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.make(1, input)?.iter().try_for_each(|block| cx.build_layer(block, input))
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let add = |x: Tensor, block: &LayerRef| ops::add(&x, &block.call(&x, cx)?.into_single()?);
        let blocks = self.blocks.get().map(Vec::as_slice).unwrap_or_default();
        blocks.iter().try_fold(inputs.tensor()?.clone(), add).map(Into::into)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Blocks {
    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        let (shape, blocks) = (self.shape.get()?.to_value().ok()?, self.blocks.get()?);
        let entries = [("count".to_owned(), Value::from(blocks.len())), ("shape".to_owned(), shape)];
        Some(Value::Dict(entries.into_iter().collect()))
    }

    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        Some(self.restore(config, layer))
    }
}

/// Two optimizers and a custom `compile`.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(model, new)]
pub struct Rivals {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    first: LayerRef,
    #[keras(sublayer(init = Dense::new(1).shared()))]
    second: LayerRef,
    #[keras(sublayer)]
    first_optimizer: CompileSlot<Optimizer>,
    #[keras(sublayer)]
    second_optimizer: CompileSlot<Optimizer>,
}

impl Layer for Rivals {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.second.call(self.first.call(inputs.inputs()?, cx)?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for Rivals {
    fn train_step(&self) -> Option<&dyn TrainStep> {
        Some(self)
    }

    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        Some(self)
    }
}

impl OwnCompile for Rivals {
    fn get_compile_config(&self) -> Result<Option<Config>> {
        let slots = [("first_optimizer", &self.first_optimizer), ("second_optimizer", &self.second_optimizer)];
        let entry = |(name, slot): (&str, &CompileSlot<Optimizer>)| {
            Some(slot.get()?.to_value().map(|optimizer| (name.to_owned(), optimizer)))
        };
        slots.into_iter().map(entry).collect::<Option<Result<Config>>>().transpose()
    }

    fn compile_from_config(&self, config: &Config, model: &LayerRef) -> Result<()> {
        let read = |name: &'static str| Optimizer::from_value(config.get(name).unwrap_or(&Value::Null)).at(name);
        Model::from(model.clone()).compile(Compile::default())?;
        self.first_optimizer.set(read("first_optimizer")?);
        self.second_optimizer.set(read("second_optimizer")?);
        Ok(())
    }
}

impl TrainStep for Rivals {
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        let tape = GradientTape::new();
        let y_pred = steps.call(&batch.x, true)?.into_single()?;
        let no_labels = || Error::new(ErrorKind::InvalidArgument, "there are no labels");
        let error = ops::subtract(batch.y.as_ref().ok_or_else(no_labels)?.single()?, &y_pred)?;
        let loss = ops::mean(&ops::square(&error)?, ops::Axes::all(), false)?;
        let (first, second) = (self.first.trainable_weights(), self.second.trainable_weights());
        let (gradients, _) = tape.gradient(&loss, &[first.clone(), second.clone()].concat(), &[])?;
        let (of_first, of_second) = gradients.split_at(first.len());
        let parts = [(&self.first_optimizer, first, of_first), (&self.second_optimizer, second, of_second)];
        for (slot, weights, gradients) in parts {
            let optimizer = slot.require("optimizer")?;
            optimizer.apply(gradients, &weights)?;
        }
        Ok(Logs::from([("distance".to_owned(), f64::from(loss.item::<f32>()?))]))
    }
}

/// Doubles its input.
#[register(package = "Found")]
pub fn double(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 2.0)
}

/// A penalty on the size of weights.
#[register(package = "Found")]
pub fn lasso(x: &Tensor) -> Result<Tensor> {
    ops::multiply(&ops::sum(&ops::abs(x)?, ops::Axes::all(), false)?, 0.05)
}

/// Keeps weights near zero.
#[register(package = "Found")]
pub fn shrink(w: &Tensor) -> Result<Tensor> {
    ops::clip(w, -0.3, 0.3)
}

/// A custom operation.
#[register(package = "Found")]
#[derive(KerasSerializable)]
pub struct Stretch {
    factor: f64,
}

impl Operate for Stretch {
    fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
        ops::multiply(args.tensor()?, self.factor).map(Into::into)
    }
}

/// A callable object.
#[register(package = "Found")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Slope {
    slope: f64,
}

impl Activate for Slope {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        ops::multiply(x, self.slope)
    }
}

/// Returns a quarter everywhere.
#[register(package = "Found")]
pub fn quarters(shape: &Shape, dtype: DType) -> Result<Tensor> {
    ops::full(shape, 0.25, dtype)
}
