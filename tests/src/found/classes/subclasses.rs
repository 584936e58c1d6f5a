//! A subclass of a built-in layer, and models with a custom training step.

use keras_serial::ResultExt;
use keras_serial::config::FieldVisitor;
use keras_serial::json::Value;
use keras_serial::layers::{Batch, CompileSlot, Logs, OwnCompile, Steps, TrainStep};
use keras_serial::metrics::Mean;
use keras_serial::prelude::*;
use keras_serial::random::SeedGenerator;
use keras_serial::variable::GradientTape;

/// `Dense` with an additional argument.
pub struct OptimizedDense {
    dense: Dense,
    gain: f64,
}

keras_serial::register_type!(OptimizedDense, package = "cls17");

impl KerasSerializable for OptimizedDense {
    fn get_config(&self) -> Result<Config> {
        let mut config = self.dense.get_config()?;
        config.insert("gain".into(), self.gain.into());
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let mut config = config.clone();
        let gain = config.shift_remove("gain").map_or(Ok(1.0), |gain| f64::from_value(&gain))?;
        Ok(Self { dense: Dense::from_config(&config)?, gain })
    }

    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        self.dense.visit_fields(visitor);
    }
}

impl HasBase<LayerBase> for OptimizedDense {
    fn base(&self) -> &LayerBase {
        self.dense.base()
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        self.dense.base_mut()
    }
}

impl Layer for OptimizedDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.dense.build(input, cx)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.dense.call(inputs, cx)?.into_single()?;
        ops::multiply(&x, self.gain).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        self.dense.input_spec()
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(self.dense.traits().supports_masking)
    }
}

/// A generator and a discriminator, each with an optimizer from a custom `compile`.
#[register(package = "cls17", name = "GAN")]
#[derive(KerasSerializable)]
#[keras(model, new, setters, class_name = "GAN")]
pub struct Gan {
    base: LayerBase,
    #[keras(default = 3)]
    latent: usize,
    #[keras(sublayer(init = chain("disc", 1)))]
    discriminator: LayerRef,
    #[keras(sublayer(init = chain("gen", 2)))]
    generator: LayerRef,
    #[keras(sublayer(init = Metric::new(Mean::new().name("d_loss"))))]
    d_loss_metric: Metric,
    #[keras(seed_generator)]
    seed: SeedGenerator,
    #[keras(sublayer)]
    d_optimizer: CompileSlot<Optimizer>,
    #[keras(sublayer)]
    g_optimizer: CompileSlot<Optimizer>,
    #[keras(skip)]
    loss_fn: CompileSlot<Loss>,
}

fn chain(name: &str, units: usize) -> LayerRef {
    let layers = [Dense::new(4).activation("relu").shared(), Dense::new(units).shared()];
    let model = Sequential::named(name, layers).expect("two layers of one input and one output");
    model.as_layer().clone()
}

impl Gan {
    fn compile(&self, model: &LayerRef, d_optimizer: Optimizer, g_optimizer: Optimizer, loss_fn: Loss) -> Result<()> {
        Model::from(model.clone()).compile(Compile::default())?;
        self.d_optimizer.set(d_optimizer);
        self.g_optimizer.set(g_optimizer);
        self.loss_fn.set(loss_fn);
        Ok(())
    }
}

impl Layer for Gan {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.discriminator.call(self.generator.call(inputs.inputs()?, cx)?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for Gan {
    fn train_step(&self) -> Option<&dyn TrainStep> {
        Some(self)
    }

    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        Some(self)
    }
}

impl OwnCompile for Gan {
    fn get_compile_config(&self) -> Result<Option<Config>> {
        let (Some(d), Some(g), Some(loss)) = (self.d_optimizer.get(), self.g_optimizer.get(), self.loss_fn.get())
        else {
            return Ok(None);
        };
        Ok(Some(Config::from([
            ("d_optimizer".to_owned(), d.to_value()?),
            ("g_optimizer".to_owned(), g.to_value()?),
            ("loss_fn".to_owned(), loss.to_value()?),
        ])))
    }

    fn compile_from_config(&self, config: &Config, model: &LayerRef) -> Result<()> {
        fn read<T: ConfigField>(config: &Config, name: &'static str) -> Result<T> {
            T::from_value(config.get(name).unwrap_or(&Value::Null)).at(name)
        }
        let (d, g) = (read(config, "d_optimizer")?, read(config, "g_optimizer")?);
        self.compile(model, d, g, read(config, "loss_fn")?)
    }
}

impl TrainStep for Gan {
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        let x = batch.x.single()?;
        let loss_fn = self.loss_fn.require("loss_fn")?;
        let step = |loss: &Tensor, tape: GradientTape, layer: &LayerRef, optimizer: &Optimizer| {
            let weights = layer.trainable_weights();
            let (gradients, _) = tape.gradient(loss, &weights, &[])?;
            optimizer.apply(&gradients, &weights)
        };
        let tape = GradientTape::new();
        let seen = self.discriminator.call(x, &CallContext::default())?.into_single()?;
        let truth = ops::ones(&Shape::from([x.shape().dim(0)?, 1]), DType::Float32)?;
        let loss = loss_fn.evaluate(&truth, &seen, None)?;
        step(&loss, tape, &self.discriminator, &self.d_optimizer.require("d_optimizer")?)?;
        let tape = GradientTape::new();
        let noise = ops::ones(&Shape::from([4, self.latent]), DType::Float32)?;
        let made = steps.call(&noise.into(), true)?.into_single()?;
        let lie = ops::zeros(&Shape::from([x.shape().dim(0)?, 1]), DType::Float32)?;
        let loss = loss_fn.evaluate(&lie, &made, None)?;
        step(&loss, tape, &self.generator, &self.g_optimizer.require("g_optimizer")?)?;
        self.d_loss_metric.update_values(&loss, None)?;
        let total = self.d_loss_metric.result()?.into_single()?;
        Ok(Logs::from([("d_loss".to_owned(), f64::from(total.item::<f32>()?))]))
    }
}

/// An encoder and a decoder, trained on the reconstruction error.
#[register(package = "cls17", name = "VAE")]
#[derive(KerasSerializable)]
#[keras(model, new, class_name = "VAE")]
pub struct Vae {
    base: LayerBase,
    encoder: LayerRef,
    decoder: LayerRef,
    #[keras(sublayer(init = Metric::new(Mean::new().name("total_loss"))))]
    total_loss_tracker: Metric,
}

impl Layer for Vae {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.decoder.call(self.encoder.call(inputs.inputs()?, cx)?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for Vae {
    fn train_step(&self) -> Option<&dyn TrainStep> {
        Some(self)
    }
}

impl TrainStep for Vae {
    fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
        let tape = GradientTape::new();
        let y = steps.call(&batch.x, true)?.into_single()?;
        let loss = ops::square(&ops::subtract(batch.x.single()?, &y)?)?;
        let loss = ops::mean(&loss, ops::Axes::all(), false)?;
        steps.minimize(tape, &loss)?;
        self.total_loss_tracker.update_values(&loss, None)?;
        let total = self.total_loss_tracker.result()?.into_single()?;
        Ok(Logs::from([("loss".to_owned(), f64::from(total.item::<f32>()?))]))
    }
}
