//! A subclass of a built-in layer, and models with their own step of training.

use keras_serial::config::FieldVisitor;
use keras_serial::layers::{Batch, Logs, Steps, TrainStep};
use keras_serial::metrics::Mean;
use keras_serial::prelude::*;
use keras_serial::variable::GradientTape;

/// `Dense` with an argument more.
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

impl HasBase for OptimizedDense {
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

    fn supports_masking(&self) -> bool {
        self.dense.supports_masking()
    }
}

/// An encoder and a decoder, trained on what gets lost between them.
#[register(package = "cls17", name = "VAE")]
#[derive(KerasSerializable)]
#[config(new, class_name = "VAE")]
pub struct Vae {
    base: LayerBase,
    encoder: LayerRef,
    decoder: LayerRef,
    #[sublayer(init = Metric::new(Mean::new().name("total_loss")))]
    total_loss_tracker: Metric,
}

impl Layer for Vae {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.decoder.call(self.encoder.call(inputs.inputs()?, cx)?, cx)
    }

    fn is_model(&self) -> bool {
        true
    }

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
