//! The calls of a serialized graph: which tensors are among their arguments.

use crate::config::ConfigField;
use crate::json::{Dict, Value};

/// An output of a layer's call, as files refer to it: `[name, node index, tensor index]`, Keras's `keras_history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History<'a> {
    /// The layer's name.
    pub name: &'a str,
    /// The index of the layer's call.
    pub node: usize,
    /// The index of the call's output.
    pub output: usize,
}

/// A tensor among the arguments of a call: the output of another call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CallTensor<'a> {
    /// The output that it is.
    pub source: History<'a>,
    /// Its shape and dtype; `None` in the Keras 2 format, which does not have them.
    pub config: Option<&'a Value>,
}

impl<'a> History<'a> {
    /// Reads `[name, node index, tensor index]`, which may have keywords behind it in the Keras 2 format.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        let [name, node, output, ..] = value.as_list()? else { return None };
        let index = |value: &Value| usize::from_value(value).ok();
        Some(Self { name: name.as_str()?, node: index(node)?, output: index(output)? })
    }

    /// Returns the outputs that the inputs or outputs of a graph refer to: `input_layers`, `output_layers`.
    pub(crate) fn of_ends(ends: &'a Value) -> Vec<Self> {
        fn add<'a>(value: &'a Value, found: &mut Vec<History<'a>>) {
            match (History::of(value), value) {
                (Some(history), _) => found.push(history),
                (None, Value::List(items)) => items.iter().for_each(|item| add(item, found)),
                (None, Value::Dict(entries)) => in_order(entries).for_each(|entry| add(entry, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        add(ends, &mut found);
        found
    }
}

impl<'a> CallTensor<'a> {
    /// Returns the tensors among the arguments of a call, an item of `inbound_nodes`, in the order in which Keras
    /// numbers them: entries of dicts by their keys.
    pub(crate) fn of_call(call: &'a Value) -> Vec<Self> {
        let mut found = Vec::new();
        match call {
            // A call in the Keras 2 format: a list of [name, node index, tensor index, keywords].
            Value::List(tensors) => {
                for tensor in tensors {
                    found.extend(History::of(tensor).map(|source| Self { source, config: None }));
                    if let Some(keywords) = tensor.as_list().and_then(|items| items.get(3)) {
                        Self::add(keywords, &mut found);
                    }
                }
            }
            call => Self::add(call, &mut found),
        }
        found
    }

    fn add(value: &'a Value, found: &mut Vec<Self>) {
        match value {
            Value::List(items) => items.iter().for_each(|item| Self::add(item, found)),
            Value::Dict(dict) if dict.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__") => {
                let config = dict.get("config");
                let source = config.and_then(|config| History::of(config.get("keras_history")?));
                found.extend(source.map(|source| Self { source, config }));
            }
            Value::Dict(dict) => in_order(dict).for_each(|entry| Self::add(entry, found)),
            _ => {}
        }
    }
}

/// Returns the values of a dict in the order of their keys.
fn in_order(dict: &Dict) -> impl Iterator<Item = &Value> {
    let mut entries: Vec<_> = dict.iter().collect();
    entries.sort_by_key(|(key, _)| key.as_str());
    entries.into_iter().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::value;

    fn sources(call: &Value) -> Vec<(&str, usize, usize)> {
        CallTensor::of_call(call)
            .iter()
            .map(|tensor| (tensor.source.name, tensor.source.node, tensor.source.output))
            .collect()
    }

    #[test]
    fn tensors_of_calls_are_found_in_both_formats() {
        let symbol = |name: &str, node: i64, output: i64| {
            let config = value!({ "shape": [null, 4], "keras_history": [name, node, output] });
            value!({ "class_name": "__keras_tensor__", "config": config })
        };
        let call = value!({
            "args": [[(symbol("a", 0, 0)), (symbol("b", 1, 2))], 3],
            "kwargs": { "value": (symbol("c", 0, 0)), "mask": { "z": (symbol("e", 0, 1)), "y": (symbol("d", 0, 0)) }, "training": null },
        });
        assert_eq!(sources(&call), [("a", 0, 0), ("b", 1, 2), ("d", 0, 0), ("e", 0, 1), ("c", 0, 0)]);
        let shape = CallTensor::of_call(&call).first().and_then(|tensor| tensor.config?.get("shape").cloned());
        assert_eq!(shape, Some(value!([null, 4])));
        let old = value!([["a", 0, 0, {}], ["b", 1, 2, { "mask": (symbol("c", 0, 0)) }]]);
        assert_eq!(sources(&old), [("a", 0, 0), ("b", 1, 2), ("c", 0, 0)]);
        assert_eq!(CallTensor::of_call(&old).first().and_then(|tensor| tensor.config), None);
        // What is no reference to an output is no tensor.
        assert!(sources(&value!([["a", -1, 0], [0, 0, 0], "a", { "keras_history": ["a", 0, 0] }])).is_empty());
    }

    #[test]
    fn ends_of_graphs_are_found_in_any_structure() {
        let names = |ends: &Value| -> Vec<String> {
            History::of_ends(ends).iter().map(|end| format!("{}[{}][{}]", end.name, end.node, end.output)).collect()
        };
        assert_eq!(names(&value!(["a", 0, 1])), ["a[0][1]"]);
        assert_eq!(names(&value!([["a", 0, 0], ["b", 2, 0]])), ["a[0][0]", "b[2][0]"]);
        assert_eq!(names(&value!({ "z": ["a", 0, 0], "y": [["b", 0, 0]] })), ["b[0][0]", "a[0][0]"]);
    }
}
