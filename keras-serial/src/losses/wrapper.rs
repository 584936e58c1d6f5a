//! Functions as losses.

use super::{ComputeLoss, Loss, LossBase, Reduction, squeeze_or_expand_to_same_rank};
use crate::config::{Base, Config, HasBase, field};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::functions::{Function, KerasFunction};
use crate::json::Dict;
use crate::object::{Handle, Object};
use crate::registry::WrapsFunction;
use crate::tensor::{DType, Nested, Tensor};
use crate::{KerasSerializable, register};

/// A built-in function with arguments: it is constructed as the class of the same computation.
pub(crate) struct Parameterized {
    pub function: &'static str,
    pub make: fn(&Config) -> Result<Loss>,
}

inventory::collect!(Parameterized);

/// A function as a loss (`keras.src.losses.losses.LossFunctionWrapper`).
///
/// ```
/// use keras_serial::losses::{ComputeLoss, Loss};
/// use keras_serial::ops;
/// use keras_serial::tensor::Tensor;
/// fn gap(y_true: &Tensor, y_pred: &Tensor) -> keras_serial::Result<Tensor> {
///     ops::abs(&ops::subtract(y_true, y_pred)?)
/// }
/// let loss = Loss::function(gap);
/// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
/// let y_pred = Tensor::from_slice(&[2.0f32, 4.0], [2])?;
/// assert_eq!(loss.evaluate(&y_true, &y_pred, None)?.item::<f32>()?, 1.5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.losses.losses")]
#[derive(Clone, Debug)]
pub struct LossFunctionWrapper {
    base: LossBase,
    function: Function,
    /// Arguments of a built-in function, and the loss that computes with them.
    arguments: Dict,
    with_arguments: Option<Loss>,
    /// Whether it is only the function, and serialized as such.
    bare: bool,
}

impl LossFunctionWrapper {
    /// Wraps a function, with the mean over the batch.
    pub fn new<M, F: KerasFunction<M>>(function: F) -> Self {
        Self { base: LossBase::named("loss_function_wrapper"), bare: false, ..Self::bare(Function::new(function)) }
    }

    /// Wraps only the function, as `compile` does.
    pub(crate) fn bare(function: Function) -> Self {
        Self {
            base: LossBase::named(function.name()),
            function,
            arguments: Dict::new(),
            with_arguments: None,
            bare: true,
        }
    }

    /// Sets `name`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.base.set_name(name);
        self
    }

    /// Sets `reduction`.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.base.set_reduction(reduction);
        self.bare = false;
        self
    }

    /// Sets `dtype`.
    #[must_use]
    pub fn dtype(mut self, dtype: impl Into<DType>) -> Self {
        self.base.set_dtype(dtype.into());
        self.bare = false;
        self
    }

    /// Returns the function, if it is serialized as such.
    pub(crate) fn as_function(&self) -> Option<&Function> {
        self.bare.then_some(&self.function)
    }
}

impl WrapsFunction for LossFunctionWrapper {
    fn of_function(object: &Object) -> Option<Self> {
        object.downcast_ref::<Function>().cloned().map(Self::bare)
    }

    fn function_handle(&self) -> Option<&dyn Handle> {
        self.as_function().map(|function| function as &dyn Handle)
    }
}

impl KerasSerializable for LossFunctionWrapper {
    crate::config::described_by_hand! { LossFunctionWrapper {
        "name": Option<String> = Some("loss_function_wrapper".to_owned()), "The loss's name.";
        "reduction": Reduction = Reduction::default(), "How the losses of samples are reduced to one number.";
        "dtype": crate::dtype_policies::Policy = crate::dtype_policies::Policy::default(), "The dtype of its computations.";
        "fn": Function, "The function of targets and predictions; its own arguments are entries too.";
    } allows_unknown: true }

    fn get_config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.base.write(Self::class_name(), &mut config)?;
        config.insert("fn".to_owned(), Handle::serialize(&self.function)?);
        config.extend(self.arguments.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let function: Function = field::required(config, "fn", &[], crate::registry::deserialize_by_name)?;
        let base = LossBase::named("loss_function_wrapper").read_over(config)?;
        let arguments: Dict = config
            .iter()
            .filter(|(key, _)| *key != "fn" && !LossBase::KEYS.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let with_arguments = if arguments.is_empty() { None } else { Some(parameterized(&function, &arguments)?) };
        Ok(Self { base, function, arguments, with_arguments, bare: false })
    }
}

/// Constructs the loss for a built-in function with arguments.
pub(crate) fn parameterized(function: &Function, arguments: &Dict) -> Result<Loss> {
    let name = function.name();
    let own = inventory::iter::<Parameterized>.into_iter().find(|p| function.is_builtin() && p.function == name);
    match own {
        Some(own) => (own.make)(arguments).at(name),
        None => {
            Err(Error::new(ErrorKind::Unsupported, format!("arguments of the function `{name}` are not supported"))
                .received(arguments.keys().cloned().collect::<Vec<_>>().join(", "))
                .hint("write it as a struct that implements `ComputeLoss`, with the arguments as fields"))
        }
    }
}

impl HasBase<LossBase> for LossFunctionWrapper {
    fn base(&self) -> &LossBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LossBase {
        &mut self.base
    }
}

impl ComputeLoss for LossFunctionWrapper {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        match &self.with_arguments {
            Some(loss) => loss.call(&y_true, &y_pred),
            None => self.function.call2(&y_true, &y_pred),
        }
    }

    fn takes_structures(&self) -> bool {
        self.function.takes_structures()
    }

    fn call_structures(&self, y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        let (truths, predictions) = (y_true.leaves(), y_pred.leaves());
        if truths.len() != predictions.len() {
            return Err(Error::new(ErrorKind::InvalidArgument, "y_true and y_pred have different structures")
                .expected(format!("{} tensors", predictions.len()))
                .received(format!("{} tensors", truths.len())));
        }
        let pairs = truths.into_iter().zip(predictions);
        let same = pairs.map(|(y_true, y_pred)| squeeze_or_expand_to_same_rank(y_true, y_pred, true));
        let (truths, predictions): (Vec<_>, Vec<_>) = same.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        self.function.call_structures(&y_true.pack(truths)?, &y_pred.pack(predictions)?)
    }
}
