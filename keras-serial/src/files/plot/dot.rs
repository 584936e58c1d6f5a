//! Writes a graph as DOT, for Graphviz: the text of Keras's `model_to_dot`, with other names of nodes.

use std::fmt::Write;

use super::graph::{Child, Graph, LayerBox};
use super::options::PlotOptions;
use super::text::escape_element as escape;

/// Returns the graph as DOT.
pub(super) fn write(graph: &Graph, options: &PlotOptions) -> String {
    let mut out = format!(
        "digraph G {{\nrankdir={};\nconcentrate=true;\ndpi={};\nsplines={};\nnode [shape=record];\n",
        options.rankdir.name(),
        options.dpi,
        options.splines.name()
    );
    cluster(graph, 0, options, &mut out);
    out.push_str("}\n");
    out
}

fn cluster(graph: &Graph, index: usize, options: &PlotOptions, out: &mut String) {
    let Some(own) = graph.clusters.get(index) else { return };
    for child in &own.children {
        match *child {
            Child::Box(index) => {
                if let Some(layer) = graph.boxes.get(index) {
                    let label = label(layer, options);
                    // Writing to a string does not fail.
                    let _ = writeln!(out, "n{index} [label=<{label}>, fontname=Helvetica, border=0, margin=0];");
                }
            }
            Child::Cluster(index) => {
                let name = graph.clusters.get(index).map_or("", |cluster| cluster.name.as_str());
                let (id, label) = (identifier(&format!("cluster_{name}")), identifier(name));
                let _ = writeln!(out, "subgraph {id} {{\nstyle=dashed;\nlabel={label};\nlabeljust=l;");
                cluster(graph, index, options, out);
                out.push_str("}\n");
            }
        }
    }
    for (from, to) in &own.edges {
        let _ = writeln!(out, "n{from} -> n{to} [penwidth=2];");
    }
}

/// Returns the label of a box as Graphviz's kind of HTML.
fn label(layer: &LayerBox, options: &PlotOptions) -> String {
    let label = &layer.label;
    let columns =
        usize::from(options.show_dtype) + usize::from(options.show_trainable) + 2 * usize::from(options.show_shapes);
    let columns = columns.max(1);
    let class = escape(&label.class);
    let title = match &label.name {
        Some(name) => format!("<b>{}</b> ({class})", escape(name)),
        None => format!("<b>{class}</b>"),
    };
    let colour = if layer.is_highlighted { "orange" } else { "black" };
    let mut table = format!(
        "<table border=\"0\" cellborder=\"1\" bgcolor=\"black\" cellpadding=\"10\"><tr><td colspan=\"{columns}\" \
         bgcolor=\"{colour}\"><font point-size=\"16\" color=\"white\">{title}</font></td></tr>"
    );
    if let Some(activation) = &label.activation {
        let activation = escape(activation);
        let _ = write!(
            table,
            "<tr><td bgcolor=\"white\" colspan=\"{columns}\"><font point-size=\"14\">Activation: <b>{activation}</b>\
             </font></td></tr>"
        );
    }
    let mut cells = String::new();
    for (key, value) in &label.lines {
        let value = escape(value);
        let _ = write!(cells, "<td bgcolor=\"white\"><font point-size=\"14\">{key}: <b>{value}</b></font></td>");
    }
    if let Some(is_trainable) = label.trainable {
        let (colour, text) = if is_trainable { ("forestgreen", "Trainable") } else { ("firebrick", "Non-trainable") };
        let _ =
            write!(cells, "<td bgcolor=\"{colour}\"><font point-size=\"14\" color=\"white\"><b>{text}</b></font></td>");
    }
    if !cells.is_empty() {
        let _ = write!(table, "<tr>{cells}</tr>");
    }
    table.push_str("</table>");
    table
}

/// Writes an identifier, in quotes where DOT needs them.
fn identifier(text: &str) -> String {
    const KEYWORDS: [&str; 6] = ["graph", "subgraph", "digraph", "node", "edge", "strict"];
    let is_plain = text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && text.starts_with(|first: char| !first.is_ascii_digit())
        && !KEYWORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}
