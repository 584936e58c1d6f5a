//! What the model of a file is compiled with.

use std::fmt;

use serde::Serialize;

use crate::files::{ModelFile, WeightTree};
use crate::json::{Dict, Value};

/// The compile state of a file: the names of optimizer, loss and metrics, as the configuration has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CompileInfo {
    /// The optimizer's class, or its name.
    pub optimizer: Option<String>,
    /// The loss: a name, or names by output.
    pub loss: Option<String>,
    /// The metrics: names, in the configuration's structure.
    pub metrics: Option<String>,
    /// The number of tensors of the optimizer's state in the file.
    pub optimizer_weights: usize,
}

/// The groups that hold the state of an optimizer: in files of Keras 3, and in legacy files.
pub(crate) const OPTIMIZER_GROUPS: [&str; 2] = ["optimizer", "optimizer_weights"];

impl CompileInfo {
    /// Returns the compile state of a file; `None` for a model that is not compiled.
    pub(super) fn of(file: &ModelFile) -> Option<Self> {
        let compile = file.config()?.get("compile_config").filter(|compile| is_compiled(compile))?;
        let text = |key: &str| {
            let value = compile.get(key).filter(|value| **value != Value::Null)?;
            Some(names(value)).filter(|names| !names.is_empty())
        };
        let weights = file.weights().into_iter();
        let groups = weights.flat_map(|tree| OPTIMIZER_GROUPS.iter().filter_map(|name| tree.group(name)));
        Some(Self {
            optimizer: text("optimizer"),
            loss: text("loss"),
            metrics: text("metrics"),
            optimizer_weights: groups.map(|group| WeightTree::paths(group).len()).sum(),
        })
    }
}

/// Returns true for the compile configuration of a compiled model.
pub(crate) fn is_compiled(compile: &Value) -> bool {
    compile.as_dict().is_some_and(|compile| !compile.is_empty())
}

/// Returns the names of the objects in a part of a compile configuration.
fn names(value: &Value) -> String {
    let in_dict = |dict: &Dict| {
        let class = dict.get("class_name").and_then(Value::as_str).filter(|_| dict.contains_key("config"))?;
        let function = dict.get("config").and_then(Value::as_str).filter(|_| class == "function");
        Some(function.unwrap_or(class).to_owned())
    };
    match value {
        Value::Str(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(names).filter(|names| !names.is_empty()).collect();
            if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) }
        }
        Value::Dict(dict) => in_dict(dict).unwrap_or_else(|| {
            let items: Vec<String> = dict.iter().map(|(key, item)| format!("{key}: {}", names(item))).collect();
            format!("{{{}}}", items.join(", "))
        }),
        Value::Null => String::new(),
        other => other.short(),
    }
}

impl fmt::Display for CompileInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "compiled with optimizer {}", self.optimizer.as_deref().unwrap_or("none"))?;
        for (what, names) in [("loss", &self.loss), ("metrics", &self.metrics)] {
            if let Some(names) = names {
                write!(f, ", {what} {names}")?;
            }
        }
        match self.optimizer_weights {
            0 => f.write_str("; without the optimizer's state"),
            count => write!(f, "; {count} tensors of the optimizer's state"),
        }
    }
}
