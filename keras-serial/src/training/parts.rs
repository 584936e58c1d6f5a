//! Losses and metrics as `compile` accepts them: one, lists, or dicts by output name.

use crate::error::{Error, Result, ResultExt, did_you_mean};
use crate::json::{Dict, Value};
use crate::losses::{ComputeLoss, Loss};
use crate::metrics::{Measure, Metric};
use crate::object::Form;
use crate::registry::TypedHandle;
use crate::tensor::Nested;

/// A loss or metric: a name, which is kept as such in configurations, or an object.
#[derive(Clone, Debug)]
pub(super) enum Part<T> {
    Name(String),
    Object(T),
}

impl<T: TypedHandle> Part<T> {
    fn to_value(&self) -> Result<Value> {
        match self {
            Self::Name(name) => Ok(Value::from(name.as_str())),
            Self::Object(object) => object.serialize(),
        }
    }
}

/// Serializes a structure of losses or metrics for `compile_config`.
pub(super) fn to_value<T: TypedHandle>(parts: &Nested<Part<T>>) -> Result<Value> {
    Ok(match parts {
        Nested::Leaf(part) => part.to_value()?,
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => Value::List(items.iter().map(to_value).collect::<Result<_>>()?),
        Nested::Dict(items) => Value::Dict(
            items
                .iter()
                .map(|(name, item)| Ok((name.clone(), to_value(item).at_with(|| name.clone())?)))
                .collect::<Result<Dict>>()?,
        ),
    })
}

/// Deserializes a structure of losses or metrics from `compile_config`.
pub(super) fn from_value<T: TypedHandle>(value: &Value) -> Result<Nested<Part<T>>> {
    Ok(match value {
        Value::Null => Nested::None,
        Value::Str(name) => Nested::Leaf(Part::Name(name.clone())),
        Value::List(items) => {
            let items = items.iter().enumerate().map(|(i, item)| from_value(item).at_with(|| format!("[{i}]")));
            Nested::List(items.collect::<Result<_>>()?)
        }
        Value::Dict(dict) if Form::of(dict)?.is_none() => {
            let items = dict.iter().map(|(name, item)| Ok((name.clone(), from_value(item).at_with(|| name.clone())?)));
            Nested::Dict(items.collect::<Result<_>>()?)
        }
        other => Nested::Leaf(Part::Object(crate::registry::deserialize_by_name(other)?)),
    })
}

/// Returns an error for unknown names, before data show the names of outputs. `any_case` lists names in
/// any case that are resolved by the shapes of outputs.
pub(super) fn check_names<T: TypedHandle>(
    parts: &Nested<Part<T>>,
    any_case: &[&str],
    broken: impl Copy + Fn(&T) -> Option<Error>,
) -> Result<()> {
    match parts {
        Nested::Leaf(Part::Name(name)) if any_case.contains(&name.to_lowercase().as_str()) => Ok(()),
        Nested::Leaf(Part::Name(name)) => {
            let found = crate::registry::deserialize_by_name::<T>(&Value::from(name.as_str()));
            found.map(|_| ()).map_err(|error| match did_you_mean(name, any_case.iter().copied()) {
                Some(near) => error.hint(near),
                None => error,
            })
        }
        Nested::Leaf(Part::Object(object)) => broken(object).map_or(Ok(()), Err),
        Nested::None => Ok(()),
        Nested::List(items) | Nested::Tuple(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, item)| check_names(item, any_case, broken).at_with(|| format!("[{i}]"))),
        Nested::Dict(items) => {
            items.iter().try_for_each(|(key, item)| check_names(item, any_case, broken).at_with(|| key.clone()))
        }
    }
}

impl Metrics {
    /// Returns a list if this is a single metric.
    pub(super) fn listed(self) -> Self {
        match self.0 {
            single @ Nested::Leaf(_) => Self(Nested::List(vec![single])),
            parts => Self(parts),
        }
    }
}

macro_rules! parts {
    ($(#[$doc:meta])* $name:ident, $object:ident, $trait:ident, $into:ident, $not:literal, $forms:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub(super) Nested<Part<$object>>);

        impl $name {
            /// Creates an empty value.
            pub fn none() -> Self {
                Self(Nested::None)
            }

            /// Creates a list, in the order of the outputs.
            pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
                Self(Nested::List(items.into_iter().map(|item| item.into().0).collect()))
            }

            /// Creates a tuple; for outputs that are a tuple.
            pub fn tuple<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
                Self(Nested::Tuple(items.into_iter().map(|item| item.into().0).collect()))
            }

            /// Creates a dict by output name.
            pub fn dict<N: Into<String>, T: Into<Self>>(items: impl IntoIterator<Item = (N, T)>) -> Self {
                Self(Nested::Dict(items.into_iter().map(|(name, item)| (name.into(), item.into().0)).collect()))
            }
        }

        #[doc = concat!("What `compile` takes as [`", stringify!($name), "`]: whatever converts to them.")]
        #[diagnostic::on_unimplemented(message = $not, note = $forms)]
        pub trait $into {
            /// Converts to the argument of `compile`.
            fn into_parts(self) -> $name;
        }

        // A trait of its own, and hidden here, so that the message above is the one that is shown.
        #[diagnostic::do_not_recommend]
        impl<T: Into<$name>> $into for T {
            fn into_parts(self) -> $name {
                self.into()
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Nested::Leaf(Part::Name(name.to_owned())))
            }
        }

        impl From<$object> for $name {
            fn from(object: $object) -> Self {
                Self(Nested::Leaf(Part::Object(object)))
            }
        }

        impl<T: $trait> From<T> for $name {
            fn from(object: T) -> Self {
                $object::new(object).into()
            }
        }

        impl<T: Into<$name>> From<Vec<T>> for $name {
            fn from(items: Vec<T>) -> Self {
                Self::list(items)
            }
        }

        impl<T: Into<$name>, const N: usize> From<[T; N]> for $name {
            fn from(items: [T; N]) -> Self {
                Self::list(items)
            }
        }
    };
}

parts! {
    /// The loss of `compile`: a name, a [`Loss`], a list for several outputs, or a dict by output name.
    ///
    /// ```
    /// use keras_serial::losses::Huber;
    /// use keras_serial::training::Losses;
    /// let one = Losses::from("mse");
    /// let with_arguments = Losses::from(Huber::new().delta(2.0));
    /// let several = Losses::dict([("price", Losses::from("mse")), ("class", "sparse_categorical_crossentropy".into())]);
    /// # let _ = (one, with_arguments, several);
    /// ```
    Losses, Loss, ComputeLoss, IntoLosses,
    "`{Self}` is no loss, and no losses of several outputs",
    "`\"mse\"`, an object like `Huber::new()`, `Loss::function(f)`, a list of these, or by output `Losses::dict([(\"a\", \"mse\")])`"
}

parts! {
    /// The metrics of `compile`: names, [`Metric`]s, lists for each output, or a dict by output name.
    Metrics, Metric, Measure, IntoMetrics,
    "`{Self}` is no metric, and no list of metrics",
    "`\"mae\"`, an object like `AUC::new()`, `Metric::function(f)`, a list of these, or by output `Metrics::dict([(\"a\", \"mae\")])`"
}

/// The weights of the losses of several outputs: a list, or a dict by output name.
#[derive(Clone, Debug, PartialEq)]
pub struct LossWeights(pub(super) Nested<f64>);

impl LossWeights {
    /// Creates weights that are all 1.
    pub fn none() -> Self {
        Self(Nested::None)
    }

    /// Creates weights by output name.
    pub fn dict<N: Into<String>>(weights: impl IntoIterator<Item = (N, f64)>) -> Self {
        Self(Nested::dict(weights))
    }
}

impl From<Nested<f64>> for LossWeights {
    fn from(weights: Nested<f64>) -> Self {
        Self(weights)
    }
}

impl From<f64> for LossWeights {
    fn from(weight: f64) -> Self {
        Self(Nested::Leaf(weight))
    }
}

impl From<Vec<f64>> for LossWeights {
    fn from(weights: Vec<f64>) -> Self {
        Self(Nested::list(weights))
    }
}

impl<const N: usize> From<[f64; N]> for LossWeights {
    fn from(weights: [f64; N]) -> Self {
        Self(Nested::list(weights))
    }
}
