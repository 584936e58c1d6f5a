//! Determines at compile time the kinds that a type can be used as.
//!
//! For a type that implements `Layer`, `Probe::<T>::LAYER` is an inherent constant (in the module of
//! layers) and shadows the `None` that [`NoCast`] gives every type.

use std::marker::PhantomData;

use super::Cast;

/// Determines the kinds of `T` at compile time; used by the expansion of `#[register]`.
pub struct Probe<T>(PhantomData<T>);

/// The default for kinds that a type does not have.
pub trait NoCast {
    /// Not a layer.
    const LAYER: Option<Cast> = None;
    /// Not an initializer.
    const INITIALIZER: Option<Cast> = None;
    /// Not a regularizer.
    const REGULARIZER: Option<Cast> = None;
    /// Not a constraint.
    const CONSTRAINT: Option<Cast> = None;
    /// Not a loss.
    const LOSS: Option<Cast> = None;
    /// Not a metric.
    const METRIC: Option<Cast> = None;
    /// Not an optimizer.
    const OPTIMIZER: Option<Cast> = None;
    /// Not a learning-rate schedule.
    const SCHEDULE: Option<Cast> = None;
    /// Not an operation.
    const OPERATION: Option<Cast> = None;
    /// Not a dtype policy.
    const DTYPE_POLICY: Option<Cast> = None;
    /// Not an activation.
    const ACTIVATION: Option<Cast> = None;
    /// Not a quantizer.
    const QUANTIZER: Option<Cast> = None;
}

impl<T> NoCast for Probe<T> {}
