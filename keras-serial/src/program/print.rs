//! Programs as readable text, one line a node, and as DOT.

use std::fmt::{self, Write};

use super::primitive::Spec;
use super::program::{Node, Operand, Program};

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(position) => write!(f, "x{position}"),
            Self::Constant(position) => write!(f, "c{position}"),
            Self::Node(position) => write!(f, "%{position}"),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dtype.name(), self.shape)
    }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// Returns the name of a primitive with its attributes: `reduce[kind=sum, axis=1]`.
fn call(node: &Node) -> String {
    let attributes = node.primitive.attributes();
    let attributes = list(attributes.iter().map(|(name, value)| format!("{name}={value}")));
    let name = node.primitive.name();
    if attributes.is_empty() { name.to_owned() } else { format!("{name}[{attributes}]") }
}

/// Prints the inputs, the weights and other constants, one line a node, and the outputs.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, spec) in self.inputs().iter().enumerate() {
            writeln!(f, "{} = input: {spec}", Operand::Input(position))?;
        }
        for (position, constant) in self.constants().iter().enumerate() {
            let path = constant.path.as_deref().unwrap_or("constant");
            writeln!(f, "{} = {path}: {}", Operand::Constant(position), Spec::of(&constant.value))?;
        }
        for (position, node) in self.nodes().iter().enumerate() {
            writeln!(f, "%{position} = {}({}): {}", call(node), list(&node.operands), node.spec)?;
        }
        writeln!(f, "return {}", list(self.outputs().leaves()))
    }
}

impl Program {
    /// Returns the program as a graph in the DOT language of Graphviz.
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph program {\n");
        let mut line = |text: String| {
            // Writing to a string can't fail.
            let _ = writeln!(dot, "  {text}");
        };
        let quoted = |text: String| format!("{:?}", text.replace('\n', " "));
        for (position, spec) in self.inputs().iter().enumerate() {
            line(format!("\"x{position}\" [label={}, shape=box];", quoted(format!("input {position}\n{spec}"))));
        }
        for (position, node) in self.nodes().iter().enumerate() {
            line(format!("\"%{position}\" [label={}];", quoted(format!("{}\n{}", call(node), node.spec))));
            for operand in &node.operands {
                if let Operand::Constant(constant) = operand {
                    let path = self.constants().get(*constant).and_then(|constant| constant.path.clone());
                    line(format!(
                        "\"c{constant}\" [label={}, shape=note];",
                        quoted(path.as_deref().unwrap_or("constant").to_owned())
                    ));
                }
                line(format!("\"{operand}\" -> \"%{position}\";"));
            }
        }
        for (position, output) in self.outputs().leaves().into_iter().enumerate() {
            line(format!("\"y{position}\" [label={}, shape=box];", quoted(format!("output {position}"))));
            line(format!("\"{output}\" -> \"y{position}\";"));
        }
        dot.push_str("}\n");
        dot
    }
}
