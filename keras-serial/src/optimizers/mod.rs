//! Optimizers, which update weights by gradients (`keras.optimizers`).

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adam_w;
mod adamax;
mod apply;
mod base;
mod clipping;
mod ftrl;
mod kernel;
mod lamb;
mod learning_rate;
mod lion;
mod loss_scale_optimizer;
mod multi_optimizer;
mod muon;
mod nadam;
mod optimize;
mod optimizer_map;
mod rms_prop;
mod schedule_free_adam_w;
pub mod schedules;
mod sgd;
mod state;

pub use adadelta::Adadelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adam_w::AdamW;
pub use adamax::Adamax;
pub use base::{OptimizerBase, OptimizerExt};
pub use ftrl::Ftrl;
pub use lamb::Lamb;
pub use learning_rate::{IntoLearningRate, LearningRate};
pub use lion::Lion;
pub use loss_scale_optimizer::LossScaleOptimizer;
pub use multi_optimizer::MultiOptimizer;
pub use muon::Muon;
pub use nadam::Nadam;
pub use optimize::Optimize;
pub use optimizer_map::OptimizerMap;
pub use rms_prop::RMSprop;
pub use schedule_free_adam_w::ScheduleFreeAdamW;
pub use sgd::SGD;

use crate::error::Result;
use crate::json::{Dict, Value};
use crate::registry::{StandIn, handle};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// The public module of Keras's own optimizers.
const MODULE: &str = "keras.optimizers";

handle! {
    /// A shared handle to an optimizer.
    ///
    /// ```
    /// use keras_serial::optimizers::{Optimizer, OptimizerExt, SGD};
    /// let by_name = Optimizer::from("adam");
    /// assert_eq!(by_name.learning_rate()?, f64::from(0.001f32));
    /// let with_arguments = Optimizer::from(SGD::new().momentum(0.9).learning_rate(0.1).clipnorm(1.0));
    /// assert_eq!(with_arguments.learning_rate()?, f64::from(0.1f32));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub struct Optimizer(dyn Optimize);
    kind: Optimizer, cast: OPTIMIZER, expected: "an optimizer", modules: ["keras.optimizers"],
    base: OptimizerBase,
    state: "An optimizer has variables, which a layer that holds it saves with its weights."
}

/// Returns an optimizer by name or serialized form (`keras.optimizers.get`): names in upper or lower
/// case, and built-in optimizers without a module, as in old files.
///
/// # Errors
/// When there is no such optimizer, or it does not accept its configuration.
pub fn get(identifier: &Value) -> Result<Optimizer> {
    let own_name = |name: &str| {
        let entries = crate::registry::entries();
        let own = entries.iter().filter(|entry| entry.module() == Some(MODULE));
        own.map(|entry| entry.name().to_owned()).find(|own| own.eq_ignore_ascii_case(name))
    };
    let class_name = identifier.get("class_name").and_then(Value::as_str);
    match (identifier, class_name) {
        (Value::Str(name), _) => match own_name(name) {
            Some(own) => Optimizer::deserialize(&Value::from(own)),
            None => Optimizer::deserialize(identifier),
        },
        (Value::Dict(form), Some(class_name)) if !form.contains_key("module") => match own_name(class_name) {
            Some(own) => {
                let mut form: Dict = form.clone();
                form.insert("module".to_owned(), Value::from(MODULE));
                form.insert("class_name".to_owned(), Value::from(own));
                form.insert("registered_name".to_owned(), Value::Null);
                Optimizer::deserialize(&Value::Dict(form))
            }
            None => Optimizer::deserialize(identifier),
        },
        _ => Optimizer::deserialize(identifier),
    }
}

impl Optimize for StandIn<OptimizerBase> {
    fn create_slots(&self, _: &[Variable]) -> Result<()> {
        Err(self.error())
    }

    fn update_step(&self, _: &Tensor, _: &Variable, _: f64) -> Result<()> {
        Err(self.error())
    }

    fn learning_rate(&self) -> Result<f64> {
        Err(self.error())
    }

    fn scale_loss(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.error())
    }
}

#[cfg(test)]
mod tests;
