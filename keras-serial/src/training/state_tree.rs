//! All variables of a compiled model as a tree (`Model.get_state_tree`).

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::models::Model;
use crate::tensor::{Nested, Tensor};
use crate::variable::Variable;

/// Keras's names of the parts of a tree.
const PARTS: [&str; 4] = ["trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"];

impl Model {
    /// Returns the values of all variables of weights, optimizer and metrics, each at its path.
    ///
    /// The parts are `trainable_variables`, `non_trainable_variables`, `optimizer_variables` and
    /// `metrics_variables`; the last two are empty if the model is not compiled.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let layers = [Input::new([1]).layer(), Dense::new(1).name("my_dense").into()];
    /// let model = Sequential::named("my_sequential", layers)?;
    /// model.compile(Compile::new("adam", "mse"))?;
    /// let tree = model.get_state_tree()?;
    /// let bias = tree
    ///     .get("trainable_variables")
    ///     .and_then(|part| part.get("my_sequential")?.get("my_dense")?.get("bias"))
    ///     .expect("the layer has a bias");
    /// assert_eq!(bias.single()?.to_vec::<f32>()?, [0.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When two variables have the same path, because layers have the same name.
    pub fn get_state_tree(&self) -> Result<Nested<Tensor>> {
        let parts = PARTS.into_iter().map(|part| Ok((part.to_owned(), tree(&self.variables_of(part)?).at(part)?)));
        Ok(Nested::Dict(parts.collect::<Result<_>>()?))
    }

    /// Assigns the values of a tree as returned by [`Model::get_state_tree`]; missing parts and paths
    /// stay unchanged.
    ///
    /// # Errors
    /// When the tree has a part or path that the model lacks, two variables have the same path, or a
    /// shape differs; no variable is changed then.
    pub fn set_state_tree(&self, tree: &Nested<Tensor>) -> Result<()> {
        let Nested::Dict(parts) = tree else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a state tree is a dict")
                .expected(format!("the keys {}", PARTS.join(", "))));
        };
        let mut assignments = Vec::new();
        for (part, values) in parts {
            if !PARTS.contains(&part.as_str()) {
                return Err(Error::new(ErrorKind::InvalidArgument, format!("Unknown variable name: {part}"))
                    .expected(format!("one of {}", PARTS.join(", "))));
            }
            let variables = self.variables_of(part)?;
            let variables = by_path(&variables).at_with(|| part.clone())?;
            let mut found = Vec::new();
            flatten(values, String::new(), &mut found);
            for (path, value) in found {
                let assignment = checked(&variables, &path, value, part);
                assignments.push(assignment.at_with(|| path.clone()).at_with(|| part.clone())?);
            }
        }
        assignments.into_iter().try_for_each(|(variable, value)| variable.assign(value))
    }

    fn variables_of(&self, part: &str) -> Result<Vec<Variable>> {
        match part {
            "trainable_variables" => Ok(self.trainable_weights()),
            "non_trainable_variables" => Ok(self.non_trainable_weights()),
            "optimizer_variables" => self.optimizer().map_or(Ok(Vec::new()), |optimizer| optimizer.variables()),
            _ => {
                let of_each = self.metrics().into_iter().map(|metric| metric.variables());
                Ok(of_each.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
            }
        }
    }
}

/// Returns variables by their paths.
fn by_path(variables: &[Variable]) -> Result<IndexMap<&str, &Variable>> {
    let mut found = IndexMap::new();
    for variable in variables {
        if found.insert(variable.path(), variable).is_some() {
            return Err(twice(variable));
        }
    }
    Ok(found)
}

fn twice(variable: &Variable) -> Error {
    Error::new(
        ErrorKind::Weights,
        format!("The following variable path is found twice in the model: '{}'", variable.path()),
    )
    .hint("give unique names to layers (and other objects)")
}

/// Returns the values of variables as nested dicts.
fn tree(variables: &[Variable]) -> Result<Nested<Tensor>> {
    let mut root = IndexMap::new();
    for (path, variable) in by_path(variables)? {
        let mut at = &mut root;
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
            match at.entry(parent.to_owned()).or_insert_with(|| Nested::Dict(IndexMap::new())) {
                Nested::Dict(inner) => at = inner,
                _ => return Err(twice(variable)),
            }
        }
        if at.insert(name.to_owned(), Nested::Leaf(variable.read())).is_some() {
            return Err(twice(variable));
        }
    }
    Ok(Nested::Dict(root))
}

/// Collects the leaves of nested dicts, with their paths.
fn flatten<'a>(values: &'a Nested<Tensor>, path: String, found: &mut Vec<(String, Option<&'a Tensor>)>) {
    match values {
        Nested::Dict(items) => {
            for (name, item) in items {
                flatten(item, if path.is_empty() { name.clone() } else { format!("{path}/{name}") }, found);
            }
        }
        Nested::Leaf(value) => found.push((path, Some(value))),
        Nested::None | Nested::List(_) | Nested::Tuple(_) => found.push((path, None)),
    }
}

/// Returns the variable at a path, if the value fits it.
fn checked<'a>(
    variables: &IndexMap<&str, &Variable>,
    path: &str,
    value: Option<&'a Tensor>,
    part: &str,
) -> Result<(Variable, &'a Tensor)> {
    let Some(variable) = variables.get(path) else {
        let error = Error::new(ErrorKind::Weights, format!("the model has no variable `{path}` among its `{part}`"));
        return Err(match did_you_mean(path, variables.keys().copied()) {
            Some(near) => error.hint(near),
            None if part == "optimizer_variables" => error.hint("compile the model, and build the optimizer first"),
            None if part == "metrics_variables" => error.hint("metrics are known after the first batch"),
            None => error,
        });
    };
    let value = value.ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "a tree holds dicts and tensors").received("a list, or none")
    })?;
    if value.shape() != variable.shape() {
        return Err(Error::new(ErrorKind::Shape, "the shape of the value is not the variable's")
            .expected(format!("shape {}", variable.shape()))
            .received(format!("shape {}", value.shape())));
    }
    // A value that can't be converted (text) must fail before any is assigned.
    crate::ops::dtypes::cast(value, variable.dtype())?;
    Ok(((*variable).clone(), value))
}
