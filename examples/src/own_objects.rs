//! A crate of own objects: a layer, an initializer, a loss, a metric, a schedule, an optimizer and a callback.
//! `examples/data/own_objects.py` has the same classes for Keras, which reads and writes the same files.

use keras_serial::callbacks::{CallbackContext, Logs};
use keras_serial::metrics::State;
use keras_serial::optimizers::OptimizerBase;
use keras_serial::prelude::*;
use keras_serial::variable::Variable;

/// An initializer: from `low` to `high` in even steps.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Ramp {
    low: f64,
    high: f64,
}

impl Initialize for Ramp {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let count = shape.known()?.iter().product::<usize>();
        let step = (self.high - self.low) / count.saturating_sub(1).max(1) as f64;
        let values: Vec<f64> = (0..count).map(|i| self.low + step * i as f64).collect();
        ops::cast_to(&Tensor::from_vec(values, shape.known()?)?, dtype)
    }
}

/// A layer: each feature times a weight of its own.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Gain {
    base: LayerBase, // name, trainable, dtype
    #[keras(default = Initializer::new(Ramp::new(0.5, 1.5)))]
    initializer: Initializer,
    #[keras(weight)]
    gain: Weight,
}

impl Layer for Gain {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.gain.create(cx, [input.last()?], Some(&self.initializer), None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, &self.gain.value()?).map(Into::into)
    }
}

/// A loss: errors below the truth count `quantile`, those above it the rest.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Quantile {
    base: LossBase, // name, reduction, dtype
    quantile: f64,
}

impl ComputeLoss for Quantile {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let error = ops::subtract(y_true, y_pred)?;
        let (low, high) = (ops::multiply(&error, self.quantile - 1.0)?, ops::multiply(&error, self.quantile)?);
        ops::mean(&ops::maximum(&low, &high)?, Axes::from(-1), false)
    }
}

/// A metric: the largest error so far.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct LargestError {
    base: MetricBase, // name, dtype
    #[keras(skip)]
    state: State,
}

impl LargestError {
    fn largest(&self) -> Result<Variable> {
        self.state.variable(self.name(), "largest", &Shape::scalar(), DType::Float32)
    }
}

impl Measure for LargestError {
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, _: Option<&Tensor>) -> Result<()> {
        let largest = ops::max(&ops::abs(&ops::subtract(y_true, y_pred)?)?, Axes::all(), false)?;
        self.largest()?.assign(&ops::maximum(self.largest()?.read(), &largest)?)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Ok(self.largest()?.read().into())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Ok(vec![self.largest()?])
    }
}

/// A schedule: falls with the root of the step.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct InverseRoot {
    initial: f64,
}

impl Schedule for InverseRoot {
    fn learning_rate(&self, step: i64) -> Result<f64> {
        Ok(self.initial / (step as f64 + 1.0).sqrt())
    }
}

/// An optimizer: steps of one size along the sign of the momentum.
#[register(package = "OwnObjects")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct SignSgd {
    base: OptimizerBase, // name, learning_rate, weight_decay, …
    #[keras(default = 0.5)]
    momentum: f64,
}

impl Optimize for SignSgd {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.base.add_slots(variables, &["momentum"])
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        let momentum = self.base.slot(variable, "momentum")?;
        momentum.assign(&ops::add(ops::multiply(momentum.read(), self.momentum)?, gradient)?)?;
        let step = ops::multiply(ops::sign(&momentum.read())?, learning_rate)?;
        variable.assign(&ops::subtract(variable.read(), &step)?)
    }
}

/// A callback: remembers the loss of each epoch. It is not part of a model, so it needs no registration.
#[derive(Default)]
pub struct Losses {
    by_epoch: Vec<f64>,
}

impl Callback for Losses {
    fn on_epoch_end(&mut self, _: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.by_epoch.extend(logs.get("loss"));
        Ok(())
    }
}

/// Returns inputs and targets: `2 a - b`.
pub fn data() -> Result<(Tensor, Tensor)> {
    let x: Vec<f32> = (0..64).map(|i| (i as f32 * 0.37).sin()).collect();
    let y: Vec<f32> = x.chunks(2).map(|ab| 2.0 * ab[0] - ab[1]).collect();
    Ok((Tensor::from_vec(x, [32, 2])?, Tensor::from_vec(y, [32, 1])?))
}

/// Builds and trains a model of these objects.
pub fn trained() -> Result<(Model, Vec<f64>)> {
    let model = Sequential::new([Input::new([2]).layer(), Gain::new().shared(), Dense::new(1).shared()])?;
    let optimizer = SignSgd::new().learning_rate(InverseRoot::new(0.05));
    let loss = Quantile::new(0.5).name("quantile").reduction(Reduction::SumOverBatchSize);
    model.compile(Compile::new(optimizer, loss).metrics(LargestError::new().name("largest_error")))?;
    let (x, y) = data()?;
    let mut losses = Losses::default();
    model.fit((&x, &y), Fit::new().epochs(20).batch_size(8).verbose(0).callback(&mut losses))?;
    Ok((model, losses.by_epoch))
}

/// Runs the example.
pub fn main() -> Result<()> {
    let (model, losses) = trained()?;
    println!("losses {losses:.3?}");
    assert!(losses.last() < losses.first());

    // The file has all of it: the loaded model evaluates to the same, and goes on from the same step.
    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
    let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
    let (x, y) = data()?;
    let evaluate = |model: &Model| model.evaluate((&x, &y), Evaluate::new().verbose(0));
    println!("{:?}", evaluate(&loaded)?);
    assert_eq!(evaluate(&loaded)?, evaluate(&model)?);
    let go_on = |model: &Model| model.fit((&x, &y), Fit::new().shuffle(false).verbose(0)).map(|history| history.history);
    assert_eq!(go_on(&loaded)?, go_on(&model)?);
    Ok(())
}
