//! How far predictions lie from the truth, as numbers that training makes small (`keras.losses`).
//!
//! A loss is a class with arguments ([`Huber`]), a function of two tensors ([`huber`]), or a name
//! (`"huber"`); a [`Loss`] is any of them. A loss of your own is a function that [`Loss::function`]
//! takes, or a struct that implements [`ComputeLoss`].
//!
//! # Configurations
//! Keras 3.15 leaves some arguments out of configurations and so loses them (`dtype` of all losses,
//! `Huber.delta`, the `axis` of two). Here such an argument is left out, as in Keras, while it has its
//! default value, and is written as an additional entry otherwise; Keras's own `from_config` reads it.

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
mod categorical_hinge;
mod circle;
mod cosine_similarity;
mod ctc;
mod dice;
mod entropy;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod macros;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod poisson;
mod reduction;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;
mod wrapper;

pub use binary_crossentropy::{BinaryCrossentropy, binary_crossentropy};
pub use binary_focal_crossentropy::{BinaryFocalCrossentropy, binary_focal_crossentropy};
pub use categorical_crossentropy::{CategoricalCrossentropy, categorical_crossentropy};
pub use categorical_focal_crossentropy::{CategoricalFocalCrossentropy, categorical_focal_crossentropy};
pub use categorical_generalized_cross_entropy::{CategoricalGeneralizedCrossEntropy, categorical_generalized_cross_entropy};
pub use categorical_hinge::{CategoricalHinge, categorical_hinge};
pub use circle::{Circle, circle};
pub use cosine_similarity::{CosineSimilarity, cosine_similarity};
pub use ctc::{CTC, ctc};
pub use dice::{Dice, dice};
pub use hinge::{Hinge, hinge};
pub use huber::{Huber, huber};
pub use kl_divergence::{KLDivergence, kl_divergence};
pub use log_cosh::{LogCosh, log_cosh};
pub use mean_absolute_error::{MeanAbsoluteError, mean_absolute_error};
pub use mean_absolute_percentage_error::{MeanAbsolutePercentageError, mean_absolute_percentage_error};
pub use mean_squared_error::{MeanSquaredError, mean_squared_error};
pub use mean_squared_logarithmic_error::{MeanSquaredLogarithmicError, mean_squared_logarithmic_error};
pub use poisson::{Poisson, poisson};
pub use sparse_categorical_crossentropy::{SparseCategoricalCrossentropy, sparse_categorical_crossentropy};
pub use squared_hinge::{SquaredHinge, squared_hinge};
pub use tversky::{Tversky, tversky};
pub(crate) use entropy::is_last_axis;
pub use reduction::Reduction;
pub(crate) use reduction::{apply_mask, squeeze_or_expand_to_same_rank};
pub use wrapper::LossFunctionWrapper;
pub(crate) use wrapper::{Parameterized, parameterized};

use crate::config::{Config, KerasSerializable};
use crate::error::Result;
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::object::{Broken, handle};
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Shape, Tensor};

/// A loss with a configuration.
///
/// Only [`ComputeLoss::call`] must be written. Losses that have the arguments `name`, `reduction` and
/// `dtype` keep them as fields and give them back.
pub trait ComputeLoss: KerasSerializable {
    /// The name in logs; the class's by default.
    fn name(&self) -> String {
        crate::utils::to_snake_case(self.class())
    }

    /// What becomes of the losses of samples; their mean by default.
    fn reduction(&self) -> Reduction {
        Reduction::default()
    }

    /// The dtype to which truth and predictions are converted; `float32` by default.
    fn dtype(&self) -> DType {
        DType::Float32
    }

    /// The loss of each sample.
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor>;

    /// The loss of a batch: weighted, without what the mask of `y_pred` hides, reduced.
    ///
    /// # Errors
    /// When the shapes do not fit, or labels are not ones of the classes.
    fn evaluate(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<Tensor> {
        let dtype = self.dtype();
        let losses = self.call(&cast(y_true, dtype)?, &cast(y_pred, dtype)?)?;
        let mask = match (y_pred.mask(), losses.mask()) {
            (Some(of_input), Some(of_output)) => Some(crate::ops::logical_and(of_input, of_output)?),
            (of_input, of_output) => of_input.or(of_output).cloned(),
        };
        reduction::reduce_weighted(&losses, sample_weight, mask.as_ref(), self.reduction(), dtype)
    }
}

handle! {
    /// A shared loss.
    pub struct Loss(dyn ComputeLoss);
    kind: Loss, cast: LOSS, expected: "a loss", modules: ["keras.losses"], function: LossFunctionWrapper
}

impl Loss {
    /// A function of truth and prediction as a loss.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(LossFunctionWrapper::bare(Function::new(function)))
    }
}

impl ComputeLoss for Broken {
    fn call(&self, _: &Tensor, _: &Tensor) -> Result<Tensor> {
        Err(self.0.clone())
    }
}

/// The loss of a name as `compile` takes it: `"crossentropy"` and `"ce"` stand for the one that fits
/// the shapes (`keras.src.trainers.compile_utils.get_loss`).
///
/// # Errors
/// When no loss has this name.
pub fn get_loss(name: &str, y_true: &Shape, y_pred: &Shape) -> Result<Loss> {
    let found = match name.to_lowercase().as_str() {
        "crossentropy" | "ce" => match Labels::of(y_true, y_pred) {
            Labels::Binary => "binary_crossentropy",
            Labels::Sparse => "sparse_categorical_crossentropy",
            Labels::OneHot => "categorical_crossentropy",
        },
        _ => name,
    };
    let loss = Loss::deserialize(&Value::from(found))?;
    Ok(match loss.downcast_ref::<LossFunctionWrapper>() {
        Some(wrapper) => Loss::new(wrapper.clone().name(name)),
        None => loss,
    })
}

/// How labels stand for classes, by the shapes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    /// 0 or 1.
    Binary,
    /// The number of the class.
    Sparse,
    /// A row with a 1 at the class.
    OneHot,
}

impl Labels {
    pub(crate) fn of(y_true: &Shape, y_pred: &Shape) -> Self {
        let last = |shape: &Shape| shape.dims().last().copied().flatten();
        if last(y_pred) == Some(1) {
            Self::Binary
        } else if y_true.rank() < y_pred.rank() || (last(y_true) == Some(1) && last(y_pred).is_some_and(|n| n > 1)) {
            Self::Sparse
        } else {
            Self::OneHot
        }
    }
}

/// Predictions as numbers, and truth of their dtype.
pub(crate) fn as_numbers(y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
    let y_pred = crate::ops::dtypes::to_float(y_pred)?;
    Ok((cast(y_true, y_pred.dtype())?, y_pred))
}

pub(crate) fn is_float32(dtype: &DType) -> bool {
    *dtype == DType::Float32
}

/// A name of null stands for the class's own with a number.
pub(crate) fn name_by_class(config: &mut Config, class: &str) {
    if let Some(name) = config.get_mut("name").filter(|name| name.is_null()) {
        *name = Value::from(crate::utils::auto_name(class));
    }
}

/// Dtypes in configurations of losses and metrics: a name, or a policy of which the compute dtype
/// counts.
pub(crate) mod dtype_config {
    use crate::config::ConfigField;
    use crate::dtype_policies::Policy;
    use crate::error::Result;
    use crate::json::Value;
    use crate::tensor::DType;

    pub(crate) fn to_value(dtype: &DType) -> Result<Value> {
        Ok(Value::from(dtype.name()))
    }

    pub(crate) fn from_value(value: &Value) -> Result<DType> {
        match value.as_str() {
            Some("int") => Ok(DType::Int64),
            Some("float") => Ok(DType::Float32),
            _ => Policy::from_value(value)?.compute_dtype(),
        }
    }
}
