//! Losses: functions of targets and predictions that training minimizes (`keras.losses`).
//!
//! A loss is a class with arguments ([`Huber`]), a function of two tensors ([`huber`]), or a name
//! (`"huber"`); a [`Loss`] is any of them. For a custom loss pass a function to [`Loss::function`], or
//! implement [`ComputeLoss`] for a struct.
//!
//! # Configurations
//! Keras 3.15 omits some arguments from configurations and so loses them (`dtype` of all losses,
//! `Huber.delta`, the `axis` of two). Here such an argument is omitted, as in Keras, if it has its
//! default value, and is written as an additional entry otherwise; Keras's own `from_config` reads it.

mod base;
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

pub use base::{LossBase, LossExt};
pub(crate) use base::{read_dtype, read_name};
pub use binary_crossentropy::{BinaryCrossentropy, binary_crossentropy};
pub use binary_focal_crossentropy::{BinaryFocalCrossentropy, binary_focal_crossentropy};
pub use categorical_crossentropy::{CategoricalCrossentropy, categorical_crossentropy};
pub use categorical_focal_crossentropy::{CategoricalFocalCrossentropy, categorical_focal_crossentropy};
pub use categorical_generalized_cross_entropy::{
    CategoricalGeneralizedCrossEntropy, categorical_generalized_cross_entropy,
};
pub use categorical_hinge::{CategoricalHinge, categorical_hinge};
pub use circle::{Circle, circle};
pub use cosine_similarity::{CosineSimilarity, cosine_similarity};
pub use ctc::{CTC, ctc};
pub use dice::{Dice, dice};
pub(crate) use entropy::is_last_axis;
pub use hinge::{Hinge, hinge};
pub use huber::{Huber, huber};
pub use kl_divergence::{KLDivergence, kl_divergence};
pub use log_cosh::{LogCosh, log_cosh};
pub use mean_absolute_error::{MeanAbsoluteError, mean_absolute_error};
pub use mean_absolute_percentage_error::{MeanAbsolutePercentageError, mean_absolute_percentage_error};
pub use mean_squared_error::{MeanSquaredError, mean_squared_error};
pub use mean_squared_logarithmic_error::{MeanSquaredLogarithmicError, mean_squared_logarithmic_error};
pub use poisson::{Poisson, poisson};
pub use reduction::Reduction;
pub(crate) use reduction::{apply_mask, squeeze_or_expand_to_same_rank};
pub use sparse_categorical_crossentropy::{SparseCategoricalCrossentropy, sparse_categorical_crossentropy};
pub use squared_hinge::{SquaredHinge, squared_hinge};
pub use tversky::{Tversky, tversky};
pub use wrapper::LossFunctionWrapper;
pub(crate) use wrapper::{Parameterized, parameterized};

use crate::config::{HasBase, KerasSerializable};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::registry::handle;
use crate::tensor::{Nested, Shape, Tensor};

/// A loss with a configuration.
///
/// Only [`ComputeLoss::call`] is required: the arguments `name`, `reduction` and `dtype` are in the struct's
/// [`LossBase`], and [`LossExt`] sets them.
///
/// ```
/// use keras_serial::losses::{ComputeLoss, Loss, LossBase};
/// use keras_serial::object::Handle;
/// use keras_serial::ops;
/// use keras_serial::tensor::Tensor;
/// use keras_serial::{KerasSerializable, Result, register};
///
/// /// Errors below the truth count more.
/// #[register(package = "MyLosses")]
/// #[derive(KerasSerializable)]
/// #[keras(new)]
/// struct Quantile {
///     base: LossBase, // name, reduction, dtype
///     quantile: f64,
/// }
///
/// impl ComputeLoss for Quantile {
///     fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
///         let error = ops::subtract(y_true, y_pred)?;
///         let (low, high) = (ops::multiply(&error, self.quantile - 1.0)?, ops::multiply(&error, self.quantile)?);
///         ops::mean(&ops::maximum(&low, &high)?, ops::Axes::from(-1), false)
///     }
/// }
///
/// let loss = Loss::new(Quantile::new(0.75));
/// let loss = Loss::deserialize(&Handle::serialize(&loss)?)?;
/// let y_true = Tensor::from_slice(&[1.0f32, 3.0], [2, 1])?;
/// let y_pred = Tensor::from_slice(&[2.0f32, 1.0], [2, 1])?;
/// assert_eq!(loss.evaluate(&y_true, &y_pred, None)?.item::<f32>()?, 0.875);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a loss",
    note = "give it a field `base: LossBase`, derive `KerasSerializable`, and implement `ComputeLoss` for it"
)]
pub trait ComputeLoss: KerasSerializable + HasBase<LossBase> {
    /// Returns the name in logs.
    fn name(&self) -> &str {
        self.base().name(self.class())
    }

    /// Computes the loss of each sample.
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor>;

    /// Computes the loss of a batch: weighted, masked by the mask of `y_pred`, and reduced.
    ///
    /// # Errors
    /// When the shapes do not fit, or labels are not within the classes.
    fn evaluate(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<Tensor> {
        let dtype = self.base().dtype();
        let losses = self.call(&cast(y_true, dtype)?, &cast(y_pred, dtype)?)?;
        let mask = match (y_pred.mask(), losses.mask()) {
            (Some(of_input), Some(of_output)) => Some(crate::ops::logical_and(&of_input, of_output)?),
            (of_input, of_output) => of_input.or(of_output),
        };
        reduction::reduce_weighted(&losses, sample_weight, mask.as_ref(), self.base().reduction(), dtype)
    }

    /// Returns true for a loss of several outputs at once, which [`ComputeLoss::call_structures`]
    /// computes.
    fn takes_structures(&self) -> bool {
        false
    }

    /// Computes the loss of each sample, for targets and predictions in the structure of the outputs.
    ///
    /// # Errors
    /// When the loss is for a single output.
    fn call_structures(&self, y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        match (y_true, y_pred) {
            (Nested::Leaf(y_true), Nested::Leaf(y_pred)) => self.call(y_true, y_pred),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "the loss is one of a single output")
                .received(format!("{} predictions", y_pred.leaves().len()))
                .at(self.name().to_owned())),
        }
    }

    /// Computes the loss of a batch of several outputs: weighted and reduced.
    ///
    /// # Errors
    /// As [`ComputeLoss::evaluate`], and when the loss does not take structures.
    fn evaluate_structures(
        &self,
        y_true: &Nested<Tensor>,
        y_pred: &Nested<Tensor>,
        sample_weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        if let (Nested::Leaf(y_true), Nested::Leaf(y_pred)) = (y_true, y_pred) {
            return self.evaluate(y_true, y_pred, sample_weight);
        }
        let dtype = self.base().dtype();
        let of_dtype = |tensors: &Nested<Tensor>| tensors.try_map(&mut |tensor| cast(tensor, dtype));
        let losses = self.call_structures(&of_dtype(y_true)?, &of_dtype(y_pred)?)?;
        reduction::reduce_weighted(&losses, sample_weight, losses.mask().as_ref(), self.base().reduction(), dtype)
    }
}

handle! {
    /// A shared handle to a loss.
    pub struct Loss(dyn ComputeLoss);
    kind: Loss, cast: LOSS, expected: "a loss", modules: ["keras.losses"], function: LossFunctionWrapper,
    base: LossBase
}

impl crate::config::PlainField for Loss {}

impl Loss {
    /// Wraps a function of targets and predictions as a loss: of one output's tensors, or of several
    /// outputs' structures.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// /// How far the differences between two outputs are from the true ones.
    /// fn gap(y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Tensor> {
    ///     let difference = |y: &Nested<Tensor>| match y.leaves().as_slice() {
    ///         [a, b] => ops::subtract(*a, *b),
    ///         _ => Err(Error::new(ErrorKind::InvalidArgument, "two outputs are needed")),
    ///     };
    ///     ops::abs(&ops::subtract(&difference(y_true)?, &difference(y_pred)?)?)
    /// }
    /// let column = |values: [f32; 2]| Tensor::from_slice(&values, [2, 1]);
    /// let y_true = Nested::list([column([1.0, 2.0])?, column([0.0, 0.0])?]);
    /// let y_pred = Nested::list([column([1.0, 1.0])?, column([1.0, 0.0])?]);
    /// assert_eq!(Loss::function(gap).evaluate_structures(&y_true, &y_pred, None)?.item::<f32>()?, 1.0);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(LossFunctionWrapper::bare(Function::new(function)))
    }
}

/// Returns the loss for a name in `compile`: `"crossentropy"` and `"ce"` are resolved by the shapes
/// (`keras.src.trainers.compile_utils.get_loss`).
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

/// How labels encode classes, as told by the shapes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    /// 0 or 1.
    Binary,
    /// The class index.
    Sparse,
    /// A one-hot row.
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

/// Converts predictions to numbers, and targets to their dtype.
pub(crate) fn as_numbers(y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
    let y_pred = crate::ops::dtypes::to_float(y_pred)?;
    Ok((cast(y_true, y_pred.dtype())?, y_pred))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::object::Handle;

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape).unwrap()
    }

    // keras.losses.get("mse"), keras.losses.get("MeanSquaredError"); serialize_keras_object of both
    #[test]
    fn names_stand_for_functions_and_classes() {
        for name in ["mse", "MSE", "mean_squared_error"] {
            let form = Handle::serialize(&Loss::deserialize(&name.into()).unwrap()).unwrap();
            assert_eq!(
                form.to_json(),
                r#"{"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "function"}"#
            );
            assert!(Loss::deserialize(&form).is_ok());
        }
        let class = Loss::from("MeanSquaredError");
        assert!(class.downcast_ref::<MeanSquaredError>().is_some());
        for name in ["bce", "BCE", "kld", "KLD", "mae", "MAPE", "msle", "ctc", "circle", "tversky", "Dice"] {
            assert!(Loss::deserialize(&name.into()).is_ok(), "{name}");
        }
        let error = Loss::deserialize(&"mean_square_error".into()).unwrap_err();
        assert!(error.to_string().contains("mean_squared_error"), "{error}");
    }

    #[test]
    fn wrong_labels_and_shapes_are_errors() {
        let p = tensor(&[0.1, 0.9, 0.5, 0.5], &[2, 2]);
        let sparse = Loss::from("sparse_categorical_crossentropy");
        for label in [2.0, -1.0] {
            let error = sparse.evaluate(&tensor(&[0.0, label], &[2]), &p, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(error.to_string().contains("labels from 0 to 1"), "{error}");
        }
        let error = sparse.evaluate(&tensor(&[0.0, 1.0, 1.0], &[3]), &p, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        let three = tensor(&[0.1; 6], &[2, 3]);
        for name in ["categorical_crossentropy", "binary_crossentropy", "mse", "kld", "circle", "ctc"] {
            assert!(Loss::from(name).evaluate(&three, &p, None).is_err(), "{name}");
        }
        let text = Tensor::from_strings(["a", "b"], [2, 1]).unwrap();
        assert!(Loss::from("mse").evaluate(&text, &p, None).is_err());
    }

    // keras.losses.SparseCategoricalCrossentropy(ignore_class=1)([0, 1], [[.5, .5], [.1, .9]]) is 0.693147
    #[test]
    fn ignored_classes_do_not_count() {
        let p = tensor(&[0.5, 0.5, 0.1, 0.9], &[2, 2]);
        let loss = SparseCategoricalCrossentropy::new().ignore_class(1);
        let loss = loss.evaluate(&tensor(&[0.0, 1.0], &[2]), &p, None).unwrap();
        assert!((loss.item::<f32>().unwrap() - std::f32::consts::LN_2).abs() < 1e-5);
    }

    // [keras.src.trainers.compile_utils.get_loss("crossentropy", y_true, y_pred).fn.__name__ for …]
    #[test]
    fn crossentropy_is_the_one_that_fits() {
        let shape = |dims: &[usize]| Shape::from(dims);
        for (y_true, y_pred, expected) in [
            (shape(&[4, 1]), shape(&[4, 1]), "binary_crossentropy"),
            (shape(&[4]), shape(&[4, 3]), "sparse_categorical_crossentropy"),
            (shape(&[4, 1]), shape(&[4, 3]), "sparse_categorical_crossentropy"),
            (shape(&[4, 3]), shape(&[4, 3]), "categorical_crossentropy"),
        ] {
            let loss = get_loss("ce", &y_true, &y_pred).unwrap();
            assert_eq!(Handle::serialize(&loss).unwrap().get("config").and_then(Value::as_str), Some(expected));
        }
    }

    // with tf.GradientTape() as t: t.watch(p); loss = keras.losses.CategoricalCrossentropy()([[0, 1], [1, 0]], p)
    #[test]
    fn gradients_flow() {
        let p = tensor(&[0.2, 0.8, 0.6, 0.4], &[2, 2]).watched().unwrap();
        let y = tensor(&[0.0, 1.0, 1.0, 0.0], &[2, 2]);
        let loss = CategoricalCrossentropy::new().evaluate(&y, &p, None).unwrap();
        let gradient = loss.backward().unwrap().get(&p).unwrap().to_vec::<f32>().unwrap();
        let expected = [0.5, -0.125, -0.333333, 0.5];
        assert!(gradient.iter().zip(expected).all(|(g, e): (&f32, f32)| (g - e).abs() < 1e-5), "{gradient:?}");
    }
}
