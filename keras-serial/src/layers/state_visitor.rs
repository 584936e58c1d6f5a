//! The walk over the state in an object's fields: weights, layers, metrics, seed generators, optimizers.

use std::any::Any;

use super::{LayerRef, Weight};
use crate::config::{FieldVisitor, KerasSerializable};
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::random::SeedGenerator;

/// A visitor of the state in an object's fields, in their order, each by its type.
///
/// ```
/// use keras_serial::layers::{LayerRef, StateVisitor, visit_state};
/// use keras_serial::prelude::*;
///
/// struct Names(Vec<String>);
/// impl StateVisitor for Names {
///     fn weight(&mut self, name: &str, _: &Weight) {
///         self.0.push(name.to_owned());
///     }
/// }
/// let mut names = Names(Vec::new());
/// visit_state(&Dense::new(3), &mut names);
/// assert_eq!(names.0, ["kernel", "bias", "lora_kernel_a", "lora_kernel_b"]);
/// ```
pub trait StateVisitor {
    /// Visits a weight in the field `name`, created or not.
    fn weight(&mut self, name: &str, weight: &Weight) {
        let _ = (name, weight);
    }

    /// Visits a layer in the field `name`.
    fn layer(&mut self, name: &str, layer: &LayerRef) {
        let _ = (name, layer);
    }

    /// Visits a metric in the field `name`.
    fn metric(&mut self, name: &str, metric: &Metric) {
        let _ = (name, metric);
    }

    /// Visits a seed generator in the field `name`.
    fn seed(&mut self, name: &str, generator: &SeedGenerator) {
        let _ = (name, generator);
    }

    /// Visits an optimizer in the field `name`.
    fn optimizer(&mut self, name: &str, optimizer: &Optimizer) {
        let _ = (name, optimizer);
    }

    /// Enters a list or map of fields.
    fn enter(&mut self, name: &str) {
        let _ = name;
    }

    /// Leaves a list or map of fields.
    fn leave(&mut self) {}
}

/// Visits the state in an object's fields.
pub fn visit_state<T: KerasSerializable + ?Sized>(object: &T, visitor: &mut dyn StateVisitor) {
    object.visit_fields(&mut ByType(visitor));
}

/// Tells the objects in fields apart, which `config` visits without knowing their types.
pub(super) struct ByType<'a>(pub &'a mut dyn StateVisitor);

impl FieldVisitor for ByType<'_> {
    fn field(&mut self, name: &str, value: &dyn Any) {
        if let Some(weight) = value.downcast_ref() {
            self.0.weight(name, weight);
        } else if let Some(layer) = value.downcast_ref() {
            self.0.layer(name, layer);
        } else if let Some(metric) = value.downcast_ref() {
            self.0.metric(name, metric);
        } else if let Some(generator) = value.downcast_ref() {
            self.0.seed(name, generator);
        } else if let Some(optimizer) = value.downcast_ref() {
            self.0.optimizer(name, optimizer);
        }
        // Initializers, losses and the like hold no state.
    }

    fn enter(&mut self, name: &str) {
        self.0.enter(name);
    }

    fn leave(&mut self) {
        self.0.leave();
    }
}
