//! Applies a step: the part that all optimizers share.

use super::base::OptimizerBase;
use super::clipping::clip;
use super::kernel::{self, Kernel, Real, Slope};
use super::optimize::Optimize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::ops::{add, create, divide};
use crate::tensor::Tensor;
use crate::utils::{Locked, NameScope};
use crate::variable::Variable;

/// Creates the averages, the accumulated gradients, then the optimizer's own slots.
pub(super) fn build<O: Optimize + ?Sized>(optimizer: &O, variables: &[Variable]) -> Result<()> {
    if optimizer.is_built() {
        return Ok(());
    }
    let base = optimizer.base();
    base.check()?;
    // Set first, because the paths of variables contain the name.
    optimizer.name();
    base.own_variables()?;
    if base.use_ema {
        base.add_slots(variables, &["average"])?;
    }
    if base.accumulation().is_some() {
        base.add_slots(variables, &["gradient_accumulator"])?;
    }
    optimizer.create_slots(variables)?;
    let mut state = base.state();
    state.known = variables.iter().map(Variable::id).collect();
    state.trainable = Some(variables.to_vec());
    Ok(())
}

/// Checks everything that can be checked, takes the step, and undoes it on failure.
pub(super) fn apply<O: Optimize + ?Sized>(
    optimizer: &O,
    gradients: &[Option<Tensor>],
    variables: &[Variable],
) -> Result<()> {
    if gradients.is_empty() {
        return Ok(());
    }
    let _stepping = optimizer.base().stepping.locked();
    same_number(gradients, variables)?;
    build_in_scope(optimizer, variables)?;
    let pairs = with_gradients(optimizer.base(), gradients, variables)?;
    // The learning rate is computed before anything changes; a constraint, though, may be user code.
    let constrained = pairs.iter().any(|(_, variable)| variable.constraint().is_some());
    if optimizer.never_fails() && !constrained {
        return step(optimizer, &pairs);
    }
    undo_on_error(optimizer, || step(optimizer, &pairs))
}

/// Builds the optimizer, with its name in the paths of everything that is created.
pub(super) fn build_in_scope<O: Optimize + ?Sized>(optimizer: &O, variables: &[Variable]) -> Result<()> {
    if optimizer.is_built() {
        return Ok(());
    }
    // The step counters are created outside the scope.
    optimizer.variables()?;
    let _scope = NameScope::enter(optimizer.name());
    optimizer.build(variables)
}

/// Checks that there is one gradient, or none, for each variable.
pub(super) fn same_number(gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
    if gradients.len() == variables.len() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, "gradients must match variables one to one")
        .expected(format!("{} gradients", variables.len()))
        .received(format!("{} gradients", gradients.len())))
}

/// Restores the values of all variables if `step` fails.
pub(super) fn undo_on_error<O: Optimize + ?Sized>(optimizer: &O, step: impl FnOnce() -> Result<()>) -> Result<()> {
    let trainable = optimizer.base().state().trainable.clone().unwrap_or_default();
    let before: Vec<(Variable, Tensor)> = optimizer
        .variables()?
        .into_iter()
        .chain(trainable)
        .map(|variable| {
            let value = variable.read();
            (variable, value)
        })
        .collect();
    step().inspect_err(|_| {
        for (variable, value) in &before {
            // Assigning the old value can't fail: it has the variable's shape and dtype.
            let _ = variable.assign(value);
        }
    })
}

/// Checks the gradients and returns them with their variables; skips variables without a gradient.
fn with_gradients(
    base: &OptimizerBase,
    gradients: &[Option<Tensor>],
    variables: &[Variable],
) -> Result<Vec<(Tensor, Variable)>> {
    let mut state = base.state();
    let mut pairs = Vec::with_capacity(variables.len());
    let mut without = Vec::new();
    for (gradient, variable) in gradients.iter().zip(variables) {
        if !state.known.contains(&variable.id()) {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("Unknown variable: {variable:?}"))
                .expected("one of the variables that the optimizer was built with")
                .hint("when working with a new set of variables, make a new optimizer"));
        }
        let Some(gradient) = gradient else {
            without.push(variable.path());
            continue;
        };
        if gradient.shape() != variable.shape() {
            return Err(Error::new(ErrorKind::Shape, "the shape of the gradient is not the variable's")
                .expected(format!("shape {}", variable.shape()))
                .received(format!("shape {}", gradient.shape()))
                .at(variable.path().to_owned()));
        }
        // Keras's `update_step` starts with this cast.
        let gradient = gradient.map_rows(|part| cast(&part.detached()?, variable.dtype()))?;
        pairs.push((gradient, variable.clone()));
    }
    if pairs.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, "No gradients provided for any variable"));
    }
    // Every step would say the same.
    if !without.is_empty() && !std::mem::replace(&mut state.warned_of_gradients, true) {
        tracing::warn!(
            "Gradients do not exist for variables [{}] when minimizing the loss. If using `model.compile()`, did you \
             forget to provide a `loss` argument?",
            without.join(", ")
        );
    }
    Ok(pairs)
}

fn step<O: Optimize + ?Sized>(optimizer: &O, pairs: &[(Tensor, Variable)]) -> Result<()> {
    let base = optimizer.base();
    let mut gradients: Vec<Tensor> = pairs.iter().map(|(gradient, _)| gradient.clone()).collect();
    if let Some(factor) = base.loss_scale_factor() {
        gradients =
            gradients.iter().map(|gradient| gradient.map_rows(|part| divide(part, factor))).collect::<Result<_>>()?;
    }
    let steps = base.steps()?;
    match base.accumulation() {
        None => update(optimizer, gradients, pairs)?,
        Some(count) => {
            for (gradient, (_, variable)) in gradients.iter_mut().zip(pairs) {
                *gradient = add(&*gradient, base.slot(variable, "gradient_accumulator")?.read())?;
            }
            if (steps + 1).rem_euclid(count) == 0 {
                let means = gradients.iter().map(|gradient| divide(gradient, count)).collect::<Result<_>>()?;
                update(optimizer, means, pairs)?;
                reset_accumulators(base)?;
            } else {
                for (gradient, (_, variable)) in gradients.iter().zip(pairs) {
                    base.slot(variable, "gradient_accumulator")?.assign(gradient)?;
                }
            }
        }
    }
    if base.use_ema {
        follow_averages(optimizer)?;
    }
    for (_, variable) in pairs {
        if let Some(constraint) = variable.constraint() {
            variable.assign(&constraint.project(&variable.read())?)?;
        }
    }
    base.iteration()?.assign(&Tensor::scalar(steps + 1)?)
}

/// Clips gradients, decays weights, and lets the optimizer update each variable.
fn update<O: Optimize + ?Sized>(optimizer: &O, gradients: Vec<Tensor>, pairs: &[(Tensor, Variable)]) -> Result<()> {
    let base = optimizer.base();
    let learning_rate = optimizer.learning_rate()?;
    let gradients = clip(base, gradients)?;
    for (gradient, (_, variable)) in gradients.iter().zip(pairs) {
        let Some(weight_decay) = optimizer.decay_of(variable)? else { continue };
        if !is_excluded(base, variable) {
            kernel::run(&Decay { weight_decay, learning_rate }, gradient, [variable])?;
        }
    }
    optimizer.begin_step()?;
    gradients
        .iter()
        .zip(pairs)
        .try_for_each(|(gradient, (_, variable))| optimizer.update_step(gradient, variable, learning_rate))
}

fn is_excluded(base: &OptimizerBase, variable: &Variable) -> bool {
    let state = base.state();
    let by_name = state.excluded_names.as_ref().is_some_and(|names| names.is_match(variable.name()));
    by_name || state.excluded.contains(&variable.id())
}

struct Decay {
    weight_decay: f64,
    learning_rate: f64,
}

impl Kernel<1> for Decay {
    fn step<R: Real>(&self, _: Slope<R>, [w]: [R; 1]) -> [R; 1] {
        [w - w * R::of(self.weight_decay) * R::of(self.learning_rate)]
    }
}

fn reset_accumulators(base: &OptimizerBase) -> Result<()> {
    let trainable = base.state().trainable.clone().unwrap_or_default();
    for variable in &trainable {
        let accumulator = base.slot(variable, "gradient_accumulator")?;
        accumulator.assign(&create::zeros(accumulator.shape(), accumulator.dtype())?)?;
    }
    Ok(())
}

struct Follow {
    momentum: f64,
}

impl Kernel<1> for Follow {
    fn step<R: Real>(&self, Slope { sum: variable, .. }: Slope<R>, [average]: [R; 1]) -> [R; 1] {
        [R::of(self.momentum) * average + R::of(1.0 - self.momentum) * variable]
    }
}

fn follow_averages<O: Optimize + ?Sized>(optimizer: &O) -> Result<()> {
    let base = optimizer.base();
    let trainable = base.state().trainable.clone().unwrap_or_default();
    let iterations = optimizer.iterations()?;
    // In the first step the average is the variable itself.
    let momentum = if iterations == 0 { 0.0 } else { base.ema_momentum().get() };
    for variable in &trainable {
        kernel::run(&Follow { momentum }, &variable.read(), [&base.slot(variable, "average")?])?;
    }
    match base.ema_overwrite_frequency.filter(|frequency| *frequency > 0) {
        Some(frequency) if (iterations + 1).rem_euclid(frequency) == 0 => overwrite_with_averages(base, &trainable),
        _ => Ok(()),
    }
}

/// Assigns to variables their moving averages.
pub(super) fn overwrite_with_averages(base: &OptimizerBase, variables: &[Variable]) -> Result<()> {
    let averages = variables.iter().map(|variable| base.slot(variable, "average")).collect::<Result<Vec<_>>>()?;
    variables.iter().zip(averages).try_for_each(|(variable, average)| variable.assign(&average.read()))
}
