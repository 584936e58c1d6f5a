//! Which kinds a type is of, found out by the compiler.
//!
//! For a type that implements `Layer`, `Probe::<T>::LAYER` is an inherent constant (in the room of
//! layers) and shadows the `None` that [`NoCast`] gives every type.

use std::marker::PhantomData;

use super::Cast;

/// Asks the compiler for the kinds of `T`; used by the expansion of `#[register]`.
pub struct Probe<T>(PhantomData<T>);

/// The answer for kinds that a type is not of.
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
