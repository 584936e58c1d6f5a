//! Building of layers: creates weights for input shapes from a call or a file.

use super::LayerRef;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::base::{BuildShapes, BuildState, shapes_from_value};
use crate::layers::tracking::{self, Tracking};
use crate::layers::{BuildAttempt, BuildContext, StateVisitor, Weight, visit_state};
use crate::tensor::symbolic::{Inner, check_ranked};
use crate::tensor::{CallArgs, Nested, Shape};
use crate::utils::{Locked, NameScope};
use crate::variable::Autocast;

impl LayerRef {
    /// Builds the layer for an input of this shape, unless it is built.
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn build(&self, input: &Shape) -> Result<()> {
        let name = self.0.signature().build.first().copied().unwrap_or("input_shape");
        let shapes = BuildShapes::from([(name.to_owned(), Nested::Leaf(input.clone()))]);
        self.build_named(shapes).at_with(|| self.name().to_owned())
    }

    /// Builds the layer and those inside, in its name scope.
    fn build_named(&self, shapes: BuildShapes) -> Result<()> {
        let attempt = BuildAttempt::begin();
        {
            let _scope = NameScope::enter(self.name());
            self.build_with(shapes)?;
        }
        // The call on symbols enters the name scope itself.
        self.build_inner()?;
        attempt.succeed();
        tracking::note(self);
        Ok(())
    }

    fn build_with(&self, shapes: BuildShapes) -> Result<()> {
        let base = self.base();
        if base.is_built() {
            return Ok(());
        }
        let _building = base.building.locked();
        if base.is_built() {
            return Ok(());
        }
        self.0.validate()?;
        let first = shapes.values().next().and_then(|shape| shape.leaves().first().map(|shape| (*shape).clone()));
        let _inner = Inner::enter();
        let _plain = Autocast::enter(None);
        let attempt = BuildAttempt::begin();
        attempt.builds(self);
        {
            let _tracking = Tracking::enter(self);
            self.0.build(&first.unwrap_or_default(), &mut BuildContext { base, shapes: &shapes })?;
        }
        visit_state(&*self.0, &mut AfterBuild);
        *base.build.locked() = BuildState { shapes: Some(shapes) };
        base.set_built();
        attempt.succeed();
        Ok(())
    }

    /// Builds the layer for the inputs of a call that can't be made, unless it is built.
    pub(crate) fn build_for(&self, args: &CallArgs) -> Result<()> {
        check_ranked(args)?;
        let _scope = NameScope::enter(self.name());
        self.ensure_built(args)
    }

    /// Builds the layer for the inputs of a call, unless it is built.
    pub(super) fn ensure_built(&self, args: &CallArgs) -> Result<()> {
        if self.base().is_built() {
            return Ok(());
        }
        let names = self.0.signature().build;
        let mut shapes = BuildShapes::new();
        for name in names {
            // A single shape belongs to the first argument, whatever its name; several are matched by name.
            let inputs = match names.len() {
                1 => args.inputs().ok(),
                _ => args.structure(self.argument_of_shape(name)?)?,
            };
            if let Some(inputs) = inputs {
                shapes.insert((*name).to_owned(), inputs.map(|input| input.shape().clone()));
            }
        }
        self.build_with(shapes)
    }

    /// Returns the argument of `call` that a shape of `build` belongs to.
    fn argument_of_shape(&self, name: &'static str) -> Result<&'static str> {
        let class = self.class_name();
        let wrong = |what: String| {
            Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("For layer '{class}', received `build()` argument {what}"),
            )
            .hint(
                "for a `build()` method with more than one argument, all arguments should have a `_shape` suffix \
                     and match an argument from `call()`",
            ))
        };
        match name.strip_suffix("_shape") {
            None => wrong(format!("`{name}`, which does not end in `_shape`")),
            Some(argument) if !self.0.signature().call.contains(&argument) => {
                wrong(format!("`{name}`, but `call()` does not have argument `{argument}`"))
            }
            Some(argument) => Ok(argument),
        }
    }

    pub(crate) fn build_from_config(&self, build_config: &Value) -> Result<()> {
        let Value::Dict(config) = build_config else {
            return match build_config {
                Value::Null => Ok(()),
                other => Err(crate::config::wrong_type("a dict", other).at("build_config")),
            };
        };
        if self.base().is_built() || config.is_empty() {
            return Ok(());
        }
        if let Some(built) = self.own_state().build_from_config(config, self) {
            built.at("build_config")?;
            self.base().set_built();
            return self.build_inner();
        }
        let mut shapes = BuildShapes::new();
        if let Some(shape) = config.get("input_shape") {
            let name = self.0.signature().build.first().copied().unwrap_or("input_shape");
            shapes.insert(name.to_owned(), shapes_from_value(shape).at("input_shape").at("build_config")?);
        } else if let Some(Value::Dict(dict)) = config.get("shapes_dict") {
            for (name, shape) in dict {
                shapes.insert(name.clone(), shapes_from_value(shape).at_with(|| name.clone()).at("build_config")?);
            }
        }
        if shapes.values().all(|shape| shape.leaves().is_empty()) {
            return Ok(());
        }
        self.build_named(shapes)
    }

    /// Builds the layers that `build` leaves to the first call, by calling the layer on symbols.
    fn build_inner(&self) -> Result<()> {
        // A cell can't be called this way: the layer around it calls it with its states.
        if self.0.rnn_cell().is_some() || self.layers().iter().all(|layer| layer.base().is_built()) {
            return Ok(());
        }
        self.trace().map(|_| ())
    }
}

/// Visits fields and records in weights that `build` has run.
struct AfterBuild;

impl StateVisitor for AfterBuild {
    fn weight(&mut self, _: &str, weight: &Weight) {
        weight.after_build();
    }
}
