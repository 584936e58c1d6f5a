//! Which weights a step trains: those that were trainable when it was traced, as in Keras's compiled
//! functions.

use std::sync::Mutex;

use super::data::Batch;
use super::structure::container_name;
use crate::layers::LayerRef;
use crate::models::Model;
use crate::tensor::{DType, Nested, Tensor};
use crate::utils::Locked;
use crate::variable::Variable;

/// The source of batches: `train_on_batch` and `fit` are traced separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feeding {
    OnBatch,
    /// From a run, with whether all its batches have the same size.
    Run {
        even: bool,
    },
}

/// The signature of batches; a step is traced once per signature.
#[derive(Clone, Debug, PartialEq)]
struct Signature {
    is_run: bool,
    structure: String,
    /// The dtype and shape of each tensor; extents that vary between batches are `None`.
    tensors: Vec<(DType, Vec<Option<usize>>)>,
    /// The ids of the model's weights, and the number of its layers: another structure is traced again.
    weights: Vec<u64>,
    layers: usize,
}

impl Signature {
    fn of(batch: &Batch, feeding: Feeding, model: &Model) -> Self {
        let parts = [Some(&batch.x), batch.y.as_ref(), batch.sample_weight.as_ref()];
        let structure = parts.map(|part| part.map_or_else(String::new, container_name)).join("; ");
        let uneven = feeding == Feeding::Run { even: false };
        let extents = |tensor: &Tensor| {
            let mut dims = tensor.shape().dims().to_vec();
            if let Some(first) = dims.first_mut().filter(|_| uneven) {
                *first = None;
            }
            (tensor.dtype(), dims)
        };
        let tensors = parts.into_iter().flatten().flat_map(Nested::leaves).map(extents).collect();
        let weights = model.weights().iter().map(Variable::id).collect();
        let layers = model.with_layers_below().len();
        Self { is_run: feeding != Feeding::OnBatch, structure, tensors, weights, layers }
    }

    /// Returns true if both have the same structure, whatever the extents.
    fn is_like(&self, other: &Self) -> bool {
        let alike = |((a, x), (b, y)): (&(DType, Vec<_>), &(DType, Vec<_>))| a == b && x.len() == y.len();
        self.is_run == other.is_run
            && self.structure == other.structure
            && self.weights == other.weights
            && self.layers == other.layers
            && self.tensors.len() == other.tensors.len()
            && self.tensors.iter().zip(&other.tensors).all(alike)
    }

    fn covers(&self, other: &Self) -> bool {
        let within = |(a, b): (&Option<usize>, &Option<usize>)| a.is_none() || a == b;
        self.is_like(other)
            && self.tensors.iter().zip(&other.tensors).all(|((_, x), (_, y))| x.iter().zip(y).all(within))
    }

    /// Removes the extents in which the two differ (`reduce_retracing` of `tf.function`).
    fn relaxed(mut self, other: &Self) -> Self {
        for ((_, dims), (_, others)) in self.tensors.iter_mut().zip(&other.tensors) {
            for (extent, other) in dims.iter_mut().zip(others) {
                if extent != other {
                    *extent = None;
                }
            }
        }
        self
    }
}

/// Which layers and weights were trainable when a step was traced, in the order of the model's walk.
#[derive(Clone)]
struct Flags {
    signature: Signature,
    layers: Vec<bool>,
    weights: Vec<bool>,
}

impl Flags {
    fn of(signature: Signature, model: &Model) -> Self {
        Self {
            signature,
            layers: model.with_layers_below().iter().map(LayerRef::is_trainable).collect(),
            weights: model.weights().iter().map(Variable::is_trainable).collect(),
        }
    }
}

/// A traced step.
pub(super) struct Trace {
    layers: Vec<(LayerRef, bool)>,
    weights: Vec<(Variable, bool)>,
    pub trainable: Vec<Variable>,
    pub other: Vec<Variable>,
}

impl Trace {
    fn new(flags: &Flags, model: &Model) -> Self {
        let layers = model.with_layers_below().into_iter().zip(flags.layers.iter().copied()).collect();
        let weights = model.weights().into_iter().zip(flags.weights.iter().copied()).collect();
        let mut this = Self { layers, weights, trainable: Vec::new(), other: Vec::new() };
        let (trainable, other) = {
            let _flags = this.enter();
            (model.trainable_weights(), model.non_trainable_weights())
        };
        this.trainable = trainable;
        this.other = other;
        this
    }

    /// Sets layers and weights to be trainable as they were when the step was traced, until the guard is
    /// dropped.
    pub(super) fn enter(&self) -> TraceGuard {
        let changed = self.layers.iter().filter(|(layer, trains)| layer.is_trainable() != *trains);
        let layers: Vec<_> = changed.cloned().collect();
        let changed = self.weights.iter().filter(|(weight, trains)| weight.is_trainable() != *trains);
        let weights: Vec<_> = changed.cloned().collect();
        layers.iter().for_each(|(layer, trains)| layer.base().set_trainable(*trains));
        weights.iter().for_each(|(weight, trains)| weight.set_trainable(*trains));
        TraceGuard { layers, weights }
    }
}

/// Sets the current trainable flags of layers and weights again when dropped.
pub(super) struct TraceGuard {
    layers: Vec<(LayerRef, bool)>,
    weights: Vec<(Variable, bool)>,
}

impl Drop for TraceGuard {
    fn drop(&mut self) {
        self.layers.iter().for_each(|(layer, trains)| layer.base().set_trainable(!trains));
        self.weights.iter().for_each(|(weight, trains)| weight.set_trainable(!trains));
    }
}

/// The traces of one function of a compiled model: of its training steps, or of its test steps.
#[derive(Default)]
pub(super) struct Traces(Mutex<Vec<Flags>>);

impl Traces {
    /// Returns the trace for batches like this one: an earlier one if it matches, whatever is trainable
    /// now, else a new one of the model in its present state. A model that runs eagerly is never traced.
    pub(super) fn find(&self, model: &Model, batch: &Batch, feeding: Feeding, run_eagerly: bool) -> Trace {
        let signature = Signature::of(batch, feeding, model);
        if run_eagerly {
            return Trace::new(&Flags::of(signature, model), model);
        }
        let mut traces = self.0.locked();
        if let Some(trace) = traces.iter().find(|trace| trace.signature.covers(&signature)) {
            return Trace::new(trace, model);
        }
        let signature = match traces.iter().rev().find(|trace| trace.signature.is_like(&signature)) {
            Some(trace) => signature.relaxed(&trace.signature),
            None => signature,
        };
        let flags = Flags::of(signature, model);
        let trace = Trace::new(&flags, model);
        traces.push(flags);
        trace
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    fn model(run_eagerly: bool) -> Model {
        let h = Dense::new(3).name("h").kernel_initializer("ones");
        let o = Dense::new(1).name("o").kernel_initializer("ones");
        let model = Sequential::new([Input::new([4]).layer(), h.into(), o.into()]).unwrap();
        model.compile(Compile::new("sgd", "mse").run_eagerly(run_eagerly)).unwrap();
        model
    }

    fn data(samples: usize) -> (Tensor, Tensor) {
        let x: Vec<f32> = (0..samples * 4).map(|i| i as f32 / 32.0).collect();
        (Tensor::from_vec(x, [samples, 4]).unwrap(), Tensor::from_vec(vec![1.0f32; samples], [samples, 1]).unwrap())
    }

    #[derive(Clone, Copy)]
    enum Step {
        Fit(usize),
        OnBatch(usize),
    }

    fn take(model: &Model, step: Step) -> Result<()> {
        match step {
            Step::Fit(batch_size) => {
                let (x, y) = data(8);
                model.fit((&x, &y), Fit::new().batch_size(batch_size).verbose(0).shuffle(false)).map(|_| ())
            }
            Step::OnBatch(samples) => {
                let (x, y) = data(samples);
                model.train_on_batch((&x, &y)).map(|_| ())
            }
        }
    }

    /// Returns true if the second step changes a layer that was frozen (or unfrozen) after the first
    /// one.
    fn trains(model: &Model, first: Step, trainable: bool, second: Step) -> Result<bool> {
        take(model, first)?;
        let h = model.get_layer("h")?;
        let before = h.get_weights()[0].to_vec::<f32>()?;
        h.set_trainable(trainable);
        let result = take(model, second);
        assert_eq!(h.is_trainable(), trainable);
        assert!(h.weights().iter().all(|weight| weight.is_trainable() == trainable));
        result?;
        Ok(h.get_weights()[0].to_vec::<f32>()? != before)
    }

    // Keras 3.15.1 on TensorFlow: fit or train_on_batch, `layer.trainable = False`, and again
    #[test]
    fn what_trains_is_what_trained_when_the_step_was_traced() {
        use Step::{Fit, OnBatch};
        for (first, second, expected) in [
            (Fit(4), Fit(4), true),
            (Fit(4), Fit(8), false),
            (Fit(3), Fit(3), true),
            (Fit(3), Fit(4), true),
            (Fit(8), Fit(3), false),
            (OnBatch(4), OnBatch(4), true),
            (OnBatch(4), OnBatch(8), false),
            (OnBatch(4), Fit(4), false),
            (Fit(4), OnBatch(4), false),
        ] {
            assert_eq!(trains(&model(false), first, false, second).unwrap(), expected);
            assert!(!trains(&model(true), first, false, second).unwrap());
        }
    }

    // Keras 3.15.1: unfrozen after the first step, without `compile`
    #[test]
    fn what_was_frozen_stays_so_until_the_model_is_compiled_again() {
        use Step::{Fit, OnBatch};
        let frozen = |run_eagerly| {
            let model = model(run_eagerly);
            model.get_layer("h").unwrap().set_trainable(false);
            model.compile(Compile::new("sgd", "mse").run_eagerly(run_eagerly)).unwrap();
            model
        };
        assert!(!trains(&frozen(false), Fit(4), true, Fit(4)).unwrap());
        assert!(!trains(&frozen(false), OnBatch(4), true, OnBatch(4)).unwrap());
        let error = trains(&frozen(false), Fit(8), true, Fit(3)).unwrap_err();
        assert!(error.to_string().contains("Unknown variable"), "{error}");
        assert!(trains(&frozen(true), Fit(4), true, Fit(4)).is_err());
        let model = frozen(false);
        take(&model, Fit(4)).unwrap();
        model.get_layer("h").unwrap().set_trainable(true);
        model.compile(Compile::new("sgd", "mse")).unwrap();
        assert!(trains(&model, Fit(4), true, Fit(4)).unwrap());
    }

    // The penalty on a frozen layer's kernel counts as in the first call of `evaluate`
    #[test]
    fn penalties_are_those_of_the_trace() {
        let h =
            Dense::new(3).name("h").kernel_initializer("ones").kernel_regularizer(crate::regularizers::L2::new(0.5));
        let model = Sequential::new([Input::new([4]).layer(), h.into()]).unwrap();
        model.compile(Compile::new("sgd", "mse")).unwrap();
        let x = Tensor::from_vec(vec![0.0f32; 8], [2, 4]).unwrap();
        let y = Tensor::from_vec(vec![0.0f32; 6], [2, 3]).unwrap();
        let loss = |model: &Model| model.test_on_batch((&x, &y)).unwrap()["loss"];
        assert_eq!(loss(&model), 6.0);
        model.get_layer("h").unwrap().set_trainable(false);
        assert_eq!(loss(&model), 6.0);
        model.compile(Compile::new("sgd", "mse")).unwrap();
        assert_eq!(loss(&model), 0.0);
    }
}
