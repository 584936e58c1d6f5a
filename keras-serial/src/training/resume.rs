//! Takes the state of a training run, and continues from it.

use super::compiled::Compiled;
use super::training_state::{MetricValues, Progress, TrainingState};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::visit_generators;
use crate::models::Model;
use crate::ops::dtypes::cast;
use crate::random::RandomState;
use crate::tensor::{DType, Tensor};

impl TrainingState {
    /// Returns true if the state belongs to the model's current weights.
    pub(crate) fn suits(&self, model: &Model) -> Result<bool> {
        Ok(self.iterations == iterations(model)?)
    }
}

fn iterations(model: &Model) -> Result<Option<i64>> {
    let optimizer = model.optimizer().filter(|optimizer| optimizer.is_built());
    optimizer.map(|optimizer| optimizer.iterations()).transpose()
}

impl Model {
    /// Returns the training state: between the batches of a run, or after it.
    ///
    /// # Errors
    /// When the model is not compiled, or a metric can't return its variables.
    pub fn training_state(&self) -> Result<TrainingState> {
        let compiled = Compiled::of(self, "training_state")?;
        let progress = compiled.progress().clone();
        let mut generators = Vec::new();
        visit_generators(self.as_layer(), &mut |path, generator| generators.push((path, generator.state())));
        let metrics = match progress.metrics {
            Some(metrics) => metrics,
            None if progress.batch > 0 => metric_values(self, &compiled)?,
            None => Vec::new(),
        };
        Ok(TrainingState {
            epoch: progress.epoch,
            batch: progress.batch,
            seen: progress.data.seen,
            orders: progress.data.orders,
            generators,
            thread: RandomState::of_thread(),
            metrics,
            iterations: iterations(self)?,
        })
    }

    /// Sets the state for the next run with [`Fit::resume`](super::Fit::resume).
    ///
    /// # Errors
    /// When the model is not compiled, or has other random layers; nothing is changed then.
    pub fn set_training_state(&self, state: TrainingState) -> Result<()> {
        let compiled = Compiled::of(self, "set_training_state")?;
        let mut paths = Vec::new();
        visit_generators(self.as_layer(), &mut |path, _| paths.push(path));
        if !paths.iter().eq(state.generators.iter().map(|(path, _)| path)) {
            let theirs: Vec<&str> = state.generators.iter().map(|(path, _)| path.as_str()).collect();
            return Err(Error::new(ErrorKind::InvalidArgument, "the training state is another model's")
                .expected(format!("random layers [{}]", paths.join(", ")))
                .received(format!("[{}]", theirs.join(", ")))
                .at("generators"));
        }
        compiled.set_saved_state(state);
        Ok(())
    }
}

/// Starts a resumed run: sets all random number generators to their saved states.
pub(super) fn resume(model: &Model, compiled: &Compiled) -> Result<Progress> {
    let state = match compiled.take_saved_state() {
        Some(state) => state,
        None => model.training_state()?,
    };
    if !state.suits(model)? {
        let steps = |steps: Option<i64>| steps.map_or("no steps".to_owned(), |steps| format!("{steps} steps"));
        return Err(Error::new(ErrorKind::InvalidArgument, "the training state is of another moment than the weights")
            .expected(format!("an optimizer after {}", steps(state.iterations)))
            .received(format!("one after {}", steps(iterations(model)?)))
            .hint("load both from one file")
            .at(model.name().to_owned()));
    }
    let mut states = state.generators.iter();
    visit_generators(model.as_layer(), &mut |_, generator| {
        generator.set_state(states.next().and_then(|(_, state)| state.as_ref()));
    });
    state.thread.set_thread();
    Ok(state.progress())
}

/// Returns the values of all metrics.
pub(super) fn metric_values(model: &Model, compiled: &Compiled) -> Result<Vec<MetricValues>> {
    let values = compiled.all_metrics(model).into_iter().map(|metric| {
        let values = metric
            .variables()?
            .iter()
            .map(|variable| cast(&variable.read(), DType::Float64)?.to_vec())
            .collect::<Result<_>>()?;
        Ok((metric.name().to_owned(), values))
    });
    values.collect()
}

/// Sets the values of all metrics.
///
/// # Errors
/// When the values belong to other metrics.
pub(super) fn set_metric_values(model: &Model, compiled: &Compiled, values: &[MetricValues]) -> Result<()> {
    let metrics = compiled.all_metrics(model);
    let others = || {
        Error::new(ErrorKind::InvalidArgument, "the training state is of other metrics")
            .expected(metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", "))
            .received(values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))
    };
    if metrics.len() != values.len() {
        return Err(others());
    }
    for (metric, (name, values)) in metrics.iter().zip(values) {
        let variables = metric.variables()?;
        if metric.name() != *name || variables.len() != values.len() {
            return Err(others());
        }
        for (variable, values) in variables.iter().zip(values) {
            let shape = variable.shape().known()?;
            let value = Tensor::from_vec(values.clone(), shape).at_with(|| name.clone())?;
            variable.assign(&cast(&value, variable.dtype())?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::R2Score;
    use crate::prelude::*;
    use crate::training::callbacks::LambdaCallback;
    use crate::training::data::{ArrayDataset, DatasetExt};

    fn model() -> Model {
        crate::random::set_random_seed(11);
        let cells = || Dense::new(4).activation("tanh");
        let layers = [
            Input::new([2]).layer(),
            cells().into(),
            Dropout::new(0.5).into(),
            GaussianNoise::new(0.1).seed(3).into(),
            Dense::new(1).into(),
        ];
        let model = Sequential::new(layers).unwrap();
        model.compile(Compile::new("adam", "mse").metrics(["mae"]).weighted_metrics([R2Score::new()])).unwrap();
        model
    }

    fn data() -> (Tensor, Tensor) {
        let numbers: Vec<f32> = (0..20).map(|i| (i as f32 * 0.7).sin()).collect();
        (Tensor::from_slice(&numbers, [10, 2]).unwrap(), Tensor::from_slice(&numbers[..10], [10, 1]).unwrap())
    }

    fn bits(model: &Model) -> Vec<Vec<u32>> {
        let values = model.get_weights();
        values.iter().map(|value| value.to_vec::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()).collect()
    }

    /// Stops a run after this many steps.
    fn stop_after(steps: i64) -> LambdaCallback<'static> {
        LambdaCallback::new().on_train_batch_end(move |_, _, cx| {
            if cx.model().optimizer().unwrap().iterations()? == steps {
                cx.stop_training();
            }
            Ok(())
        })
    }

    /// Runs to the end, and interrupted after each number of steps; both must give the same result.
    fn check(all: i64, run: impl Fn(&Model, Fit<'_>) -> Result<History>) {
        let whole = model();
        let fit = || Fit::new().epochs(3).verbose(0);
        let expected = run(&whole, fit()).unwrap();
        let steps = whole.optimizer().unwrap().iterations().unwrap();
        assert_eq!(steps, all);
        for stop in 1..all {
            let first = model();
            run(&first, fit().callback(stop_after(stop))).unwrap();
            let saved = SaveOptions::new().training_state(true).save_model_to_bytes(&first).unwrap();
            crate::random::set_random_seed(99);
            let resumed = LoadOptions::new().load_model_from_bytes(saved).unwrap();
            let history = run(&resumed, fit().resume(true)).unwrap();
            assert_eq!(bits(&resumed), bits(&whole), "cut off after {stop}");
            for (name, values) in &history.history {
                let whole = expected.get(name).unwrap();
                assert_eq!(values[..], whole[whole.len() - values.len()..], "{name}, cut off after {stop}");
            }
        }
    }

    #[test]
    fn shuffled_arrays_go_on_bit_for_bit() {
        let (x, y) = data();
        check(12, |model, fit| model.fit((&x, &y), fit.batch_size(3)));
        check(12, |model, fit| model.fit((&x, &y), fit.batch_size(3).seed(4)));
    }

    #[test]
    fn datasets_and_passes_of_other_lengths_go_on_bit_for_bit() {
        let (x, y) = data();
        let data = || ArrayDataset::new((&x, &y)).unwrap().batch_size(1).shuffle(true).seed(2).prefetch(2);
        check(15, |model, fit| model.fit(data(), fit.steps_per_epoch(5)));
    }

    #[test]
    fn states_of_something_else_are_refused() {
        let (x, y) = data();
        let trained = model();
        let fit = || Fit::new().epochs(2).batch_size(5).verbose(0);
        trained.fit((&x, &y), fit().callback(stop_after(1))).unwrap();
        let state = trained.training_state().unwrap();
        assert_eq!(TrainingState::from_json(&state.to_json().unwrap()).unwrap(), state);

        let other = Sequential::new([Input::new([2]).layer(), Dense::new(1).into()]).unwrap();
        let error = other.set_training_state(state.clone()).unwrap_err();
        assert!(error.to_string().contains("compile"), "{error}");
        other.compile(Compile::new("adam", "mse")).unwrap();
        let error = other.set_training_state(state.clone()).unwrap_err().to_string();
        assert!(error.contains("another model's") && error.contains("dropout"), "{error}");

        let before = bits(&trained);
        trained.set_training_state(state.clone()).unwrap();
        let error = trained.fit((&x, &y), fit().shuffle(false).resume(true)).unwrap_err().to_string();
        assert!(error.contains("1 random orders") && error.contains("shuffle"), "{error}");
        assert_eq!(bits(&trained), before);

        trained.fit((&x, &y), fit()).unwrap();
        trained.set_training_state(state).unwrap();
        let error = trained.fit((&x, &y), fit().resume(true)).unwrap_err().to_string();
        assert!(error.contains("after 1 steps") && error.contains("one after 5 steps"), "{error}");

        for broken in ["", "[]", "{}", r#"{"epoch": -1}"#] {
            assert!(TrainingState::from_json(broken).is_err(), "{broken}");
        }
    }
}
