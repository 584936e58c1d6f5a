//! `Model.summary()`, in Keras's format.

use std::sync::Arc;

use super::graph::{Graph, as_layer};
use super::{Functional, Model};
use crate::error::Result;
use crate::layers::LayerRef;
use crate::tensor::symbolic::Operation;
use crate::tensor::{Nested, Shape, Tensor};
use crate::utils::{Table, readable, thousands};
use crate::variable::Variable;

/// Options for printing a summary.
#[derive(Debug, Clone)]
#[must_use = "`render` gives the text"]
pub struct Summary<'a> {
    model: &'a Model,
    line_length: Option<usize>,
    console_width: usize,
    expand_nested: bool,
    show_trainable: bool,
    cost_of: Option<Vec<Shape>>,
}

impl Model {
    /// Returns the summary as text, for a console of 80 characters.
    ///
    /// # Errors
    /// If a layer's output shape can't be inferred.
    pub fn summary(&self) -> Result<String> {
        Summary::of(self).render()
    }

    /// Returns the summary as text with this `line_length`, as Keras prints it on a console of 80 characters.
    ///
    /// # Errors
    /// If a layer's output shape can't be inferred.
    pub fn summary_at(&self, line_length: usize) -> Result<String> {
        Summary::of(self).line_length(line_length).render()
    }
}

impl<'a> Summary<'a> {
    /// Creates the summary of a model.
    pub fn of(model: &'a Model) -> Self {
        Self { model, line_length: None, console_width: 80, expand_nested: false, show_trainable: false, cost_of: None }
    }

    /// Sets the width of the table; by default the console's width less 4, but at most 88 (108 with
    /// connections).
    pub fn line_length(mut self, line_length: usize) -> Self {
        self.line_length = Some(line_length);
        self
    }

    /// Sets the width at which lines are cut off; 80 by default.
    pub fn console_width(mut self, console_width: usize) -> Self {
        self.console_width = console_width;
        self
    }

    /// Sets whether the layers of inner models are shown; false by default.
    pub fn expand_nested(mut self, expand_nested: bool) -> Self {
        self.expand_nested = expand_nested;
        self
    }

    /// Sets whether the table shows which layers are trainable; false by default.
    pub fn show_trainable(mut self, show_trainable: bool) -> Self {
        self.show_trainable = show_trainable;
        self
    }

    /// Adds lines that say what a prediction for inputs of these shapes costs: operations on numbers (a
    /// multiplication and an addition are two), and bytes of all values that are computed. Not shown by default.
    ///
    /// ```
    /// use keras_serial::{models::Summary, prelude::*};
    /// let model = Sequential::new([Input::new([100]).layer(), Dense::new(10).use_bias(false).into()])?;
    /// let text = Summary::of(&model).cost_of([[1, 100]]).render()?;
    /// assert!(text.contains("Operations: 2,000"), "{text}");
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn cost_of(mut self, shapes: impl IntoIterator<Item = impl Into<Shape>>) -> Self {
        self.cost_of = Some(shapes.into_iter().map(Into::into).collect());
        self
    }

    /// Returns the summary as text.
    ///
    /// # Errors
    /// If a layer's output shape can't be inferred.
    pub fn render(&self) -> Result<String> {
        let graph = self.model.downcast_ref::<Functional>().map(|functional| &functional.graph);
        let connected = graph.filter(|graph| !graph.is_sequence());
        let (mut table, width) =
            Table::of_summary(connected.is_some(), self.show_trainable, self.line_length, self.console_width);
        for operation in self.operations(graph) {
            self.add_rows(&*operation, connected, 0, &mut table.rows)?;
        }
        let mut lines = vec![format!("Model: \"{}\"", self.model.name())];
        lines.extend(table.render(width, self.console_width));
        lines.extend(self.totals());
        if let Some(shapes) = &self.cost_of {
            let program = self.model.program(shapes)?;
            lines.push(format!(" Operations: {}", thousands(program.operations() as usize)));
            lines.push(format!(" Computed values: {}", readable(program.value_bytes() as f64)));
        }
        let lost = self.model.lost_layers();
        lines.extend(lost.iter().map(|lost| format!(" Warning: {lost}: its weights are not counted and not saved")));
        Ok(lines.join("\n") + "\n")
    }

    fn operations(&self, graph: Option<&Graph>) -> Vec<Arc<dyn Operation>> {
        match graph {
            Some(graph) => graph.operations().to_vec(),
            None => self.model.layers().into_iter().map(|layer| Arc::new(layer) as Arc<dyn Operation>).collect(),
        }
    }

    fn add_rows(
        &self,
        operation: &dyn Operation,
        graph: Option<&Graph>,
        level: usize,
        rows: &mut Vec<Vec<String>>,
    ) -> Result<()> {
        let prefix = if level > 0 { format!("{}└ ", "   ".repeat(level)) } else { String::new() };
        let layer = as_layer(operation);
        let params = match layer {
            None => "0".to_owned(),
            Some(layer) if !layer.base().is_built() => "0 (unbuilt)".to_owned(),
            Some(layer) => thousands(layer.count_params()? + placeholder_size(layer).0),
        };
        let class = match layer {
            None => operation_class(operation),
            Some(layer) if layer.placeholder().is_some() => format!("[{}]", layer.original_class()),
            Some(layer) => layer.original_class().to_owned(),
        };
        let mut row = vec![format!("{prefix}{} ({class})", operation.name()), output_shape(operation)?, params];
        if let Some(graph) = graph {
            row.push(connections(operation, graph));
        }
        if self.show_trainable {
            let flag = match layer {
                Some(layer) if !layer.weights().is_empty() => {
                    if layer.is_trainable() {
                        "Y"
                    } else {
                        "N"
                    }
                }
                _ => "-",
            };
            row.push(flag.to_owned());
        }
        rows.push(row);
        if let Some(layer) = layer.filter(|layer| self.expand_nested && layer.is_model()) {
            for inner in Model::from(layer.clone()).layers() {
                self.add_rows(&inner, graph, level + 1, rows)?;
            }
        }
        Ok(())
    }

    fn totals(&self) -> Vec<String> {
        let size = |weights: &[Variable]| {
            let counts = weights.iter().filter_map(|w| Some((w.shape().num_elements()?, w.dtype().size())));
            counts.fold((0, 0.0), |(count, bytes), (n, size)| (count + n, bytes + (n * size) as f64))
        };
        let trainable = size(&self.model.trainable_weights());
        let other = size(&self.model.non_trainable_weights());
        let optimizer = self.optimizer();
        let kept = placeholder_size(self.model);
        let parts = [trainable, other, optimizer, kept];
        let total = parts.iter().fold((0, 0.0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        let line = |what: &str, (count, bytes): (usize, f64)| {
            format!(" {what} params: {} ({})", thousands(count), readable(bytes))
        };
        let mut lines = vec![line("Total", total), line("Trainable", trainable), line("Non-trainable", other)];
        if kept.0 > 0 {
            lines.push(line("Placeholder", kept));
        }
        if optimizer.0 > 0 {
            lines.push(line("Optimizer", optimizer));
        }
        lines
    }

    /// Returns the number of elements and bytes of the optimizer's state, or of what the model's file holds
    /// of it.
    fn optimizer(&self) -> (usize, f64) {
        if let Some(trained) = self.model.base().trained() {
            let (count, bytes) = trained.optimizer_size();
            return (count, bytes as f64);
        }
        match self.model.placeholder() {
            Some(_) => (0, 0.0),
            None => kept_size(self.model),
        }
    }
}

/// Returns the number of elements and bytes of the weights of placeholders: a layer's own, if it is one, and of those
/// inside.
fn placeholder_size(layer: &LayerRef) -> (usize, f64) {
    let layers = layer.with_layers_below();
    let kept = layers.iter().filter(|layer| layer.placeholder().is_some()).map(kept_size);
    kept.fold((0, 0.0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
}

/// Returns the number of elements and bytes that a layer keeps of its file without reading them.
fn kept_size(layer: &LayerRef) -> (usize, f64) {
    layer.base().model_state().unread().map_or((0, 0.0), |unread| {
        let (count, bytes) = unread.size();
        (count, bytes as f64)
    })
}

fn operation_class(operation: &dyn Operation) -> String {
    let form = operation.serialize().ok();
    let class = form.as_ref().and_then(|form| form.get("class_name")?.as_str());
    class.unwrap_or("Operation").to_owned()
}

/// Returns the output shape of the last call, or for the shapes that the layer was built for.
fn output_shape(operation: &dyn Operation) -> Result<String> {
    let inbound = operation.inbound();
    let recorded = (0..inbound.len()).rev().find_map(|index| inbound.get(index));
    let outputs = match (recorded, as_layer(operation)) {
        // Keras keeps the outputs of a call as a flat list.
        (Some(node), _) => Nested::list(node.outputs.leaves().into_iter().cloned()),
        (None, Some(layer)) => match built_for(layer)? {
            Some(outputs) => outputs,
            None => return Ok("?".to_owned()),
        },
        (None, None) => return Ok("?".to_owned()),
    };
    Ok(format_shapes(&outputs.map(|output| output.shape().clone()), true))
}

/// Returns the outputs for the shapes that the layer was built for.
fn built_for(layer: &LayerRef) -> Result<Option<Nested<Tensor>>> {
    if let Some(outputs) = layer.graph().and_then(|graph| graph.graph_outputs()) {
        return Ok(Some(outputs));
    }
    layer.trace()
}

fn format_shapes(shapes: &Nested<Shape>, outermost: bool) -> String {
    let join =
        |items: &[Nested<Shape>]| items.iter().map(|item| format_shapes(item, false)).collect::<Vec<_>>().join(", ");
    match shapes {
        Nested::Leaf(shape) if shape.is_unranked() => "?".to_owned(),
        Nested::Leaf(shape) => {
            let dims = shape.dims().iter().map(|dim| dim.map_or("None".to_owned(), |dim| dim.to_string()));
            format!("({})", dims.collect::<Vec<_>>().join(", "))
        }
        Nested::None => "None".to_owned(),
        Nested::List(items) | Nested::Tuple(items) if outermost && items.len() == 1 => join(items),
        Nested::List(items) => format!("[{}]", join(items)),
        Nested::Tuple(items) => format!("({})", join(items)),
        Nested::Dict(items) => {
            let items = items.iter().map(|(key, item)| format!("{key}: {}", format_shapes(item, false)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn connections(operation: &dyn Operation, graph: &Graph) -> String {
    let inbound = operation.inbound();
    let nodes =
        (0..inbound.len()).filter(|index| graph.contains(operation, *index)).filter_map(|index| inbound.get(index));
    let mut parts = Vec::new();
    for node in nodes {
        for history in node.input_tensors().into_iter().filter_map(Tensor::history) {
            parts.push(format!("{}[{}][{}]", history.node.operation.name(), history.node.index, history.index));
        }
    }
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}
