//! The weights, layers and metrics of a layer and of the layers inside.

use std::collections::{HashMap, HashSet};

use super::LayerRef;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::{State, Weight, state};
use crate::metrics::Metric;
use crate::ops::dtypes::cast;
use crate::tensor::Tensor;
use crate::variable::Variable;

impl LayerRef {
    /// Returns the layers directly inside, in the order of fields.
    pub fn layers(&self) -> Vec<LayerRef> {
        state::layers(&state::of(self))
    }

    /// Returns the layer and all layers below it, each once, outer ones first.
    pub fn with_layers_below(&self) -> Vec<LayerRef> {
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        let mut next = vec![self.clone()];
        while let Some(layer) = next.pop() {
            if seen.insert(layer.id()) {
                next.extend(layer.layers().into_iter().rev());
                found.push(layer);
            }
        }
        found
    }

    /// Returns the weights and layers by field name, as files lay them out.
    pub(crate) fn state(&self) -> Vec<State> {
        state::of(self)
    }

    /// Returns all weights: the layer's own, trainable ones first, then those of the layers inside.
    pub fn weights(&self) -> Vec<Variable> {
        let mut seen = HashSet::new();
        let all = self.with_layers_below().into_iter().flat_map(|layer| layer.own_weights());
        all.filter(|variable| seen.insert(variable.id())).collect()
    }

    /// Returns the layer's own weights, trainable ones first.
    pub(crate) fn own_weights(&self) -> Vec<Variable> {
        let own = self.base().variables().clone();
        let (trainable, other): (Vec<_>, Vec<_>) = own.into_iter().partition(Variable::was_made_trainable);
        trainable.into_iter().chain(other).collect()
    }

    /// Returns the layer's own weights that are saved, in the order of files.
    pub(crate) fn saved_weights(&self) -> Vec<Variable> {
        match self.own_state().saved_weights() {
            Some(weights) => weights.into_iter().filter_map(Weight::variable).collect(),
            None => self.own_weights().into_iter().filter(Variable::is_saved).collect(),
        }
    }

    /// Returns what files hold for own weights if that is not their values, by variable id.
    pub(crate) fn values_in_files(&self) -> Result<HashMap<u64, Tensor>> {
        let values = self.own_state().values_in_files().at_with(|| self.name().to_owned())?;
        let values = values.into_iter().filter_map(|(weight, value)| Some((weight.variable()?, value)));
        values.map(|(variable, value)| Ok((variable.id(), cast(&value, variable.dtype())?))).collect()
    }

    /// Returns the metrics in the layer's fields, then those of the layers inside. Their variables are not
    /// weights and are not saved.
    pub fn metrics(&self) -> Vec<Metric> {
        self.with_layers_below().iter().flat_map(state::metrics).collect()
    }

    /// Returns the variables of the layer's metrics and of those inside.
    ///
    /// # Errors
    /// Errors of the metrics.
    pub fn metrics_variables(&self) -> Result<Vec<Variable>> {
        let of_each = self.metrics().into_iter().map(|metric| metric.variables());
        Ok(of_each.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Returns the weights that training updates.
    pub fn trainable_weights(&self) -> Vec<Variable> {
        if !self.is_trainable() {
            return Vec::new();
        }
        self.weights().into_iter().filter(Variable::is_trainable).collect()
    }

    /// Returns the weights that training does not update.
    pub fn non_trainable_weights(&self) -> Vec<Variable> {
        let weights = self.weights();
        if !self.is_trainable() {
            return weights;
        }
        weights.into_iter().filter(|weight| !weight.is_trainable()).collect()
    }

    /// Returns true if training updates the layer's weights.
    pub fn is_trainable(&self) -> bool {
        self.base().is_trainable()
    }

    /// Sets whether training updates the weights of the layer and of those inside.
    pub fn set_trainable(&self, trainable: bool) {
        for layer in self.with_layers_below() {
            layer.base().set_trainable(trainable);
            for variable in layer.own_weights().iter().filter(|variable| variable.was_made_trainable()) {
                variable.set_trainable(trainable);
            }
        }
    }

    /// Returns the number of elements of all weights.
    ///
    /// # Errors
    /// If the layer is not built.
    pub fn count_params(&self) -> Result<usize> {
        if !self.base().is_built() {
            return Err(Error::new(
                ErrorKind::NotBuilt,
                format!("You tried to call `count_params` on layer '{}', but the layer isn't built", self.name()),
            )
            .hint("build it with `layer.build(input_shape)`"));
        }
        Ok(self.weights().iter().filter_map(|weight| weight.shape().num_elements()).sum())
    }

    /// Returns the values of all weights.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(Variable::read).collect()
    }

    /// Replaces the values of all weights, or of none if there is an error.
    ///
    /// # Errors
    /// If the number of values or a shape differs: names the weight, the expected and the received shape.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        let weights = self.weights();
        if weights.len() != values.len() {
            return Err(Error::new(
                ErrorKind::Weights,
                format!(
                    "You called `set_weights(weights)` on layer '{}' with a weight list of length {}",
                    self.name(),
                    values.len()
                ),
            )
            .expected(format!(
                "{} weights: {}",
                weights.len(),
                weights.iter().map(Variable::path).collect::<Vec<_>>().join(", ")
            ))
            .received(values.len().to_string()));
        }
        for (weight, value) in weights.iter().zip(values) {
            if weight.shape() != value.shape() {
                return Err(Error::new(
                    ErrorKind::Weights,
                    format!("Layer {} weight shape is not compatible with provided weight shape", self.name()),
                )
                .expected(format!("shape {}", weight.shape()))
                .received(format!("shape {}", value.shape()))
                .at(weight.path().to_owned()));
            }
        }
        weights.iter().zip(values).try_for_each(|(weight, value)| weight.assign(value))
    }
}
