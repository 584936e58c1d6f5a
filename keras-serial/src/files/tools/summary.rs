//! A summary of a file's model in Keras's format, without the model.

use super::compile_info::OPTIMIZER_GROUPS;
use super::config_names::name_of;
use super::summary_layer::{SummaryLayer, is_sequence, layers};
use crate::error::{Error, ErrorKind, Result};
use crate::files::{DType, Layout, ModelFile, StoredTensor, WeightTree, legacy};
use crate::utils::{Table, readable, thousands};

/// A summary of the model in a file. Shapes are those that the configuration tells, `?` where it does not; classes
/// that neither Keras nor this program has are in brackets.
pub(crate) struct FileSummary<'a> {
    pub(crate) file: &'a ModelFile,
    pub(crate) line_length: Option<usize>,
    pub(crate) console_width: usize,
    pub(crate) expand_nested: bool,
    pub(crate) show_trainable: bool,
}

impl FileSummary<'_> {
    /// Returns the summary as text.
    ///
    /// # Errors
    /// For a file of weights alone.
    pub(crate) fn render(&self) -> Result<String> {
        let config = self.file.config().ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "the file holds weights, and no model")
                .hint("`inspect` lists the weights")
        })?;
        let empty = WeightTree::default();
        let tree = self.file.weights().unwrap_or(&empty);
        let root = if self.file.layout == Layout::Legacy { legacy::WEIGHTS } else { "" };
        let rows = layers(config, self.file.layout, tree, root);
        let connected = !rows.iter().all(|layer| layer.inputs.is_empty()) && !is_sequence(&rows);
        let (mut table, width) =
            Table::of_summary(connected, self.show_trainable, self.line_length, self.console_width);
        rows.iter().for_each(|layer| self.add_rows(layer, tree, connected, 0, &mut table));
        let mut lines = vec![format!("Model: \"{}\"", name_of(config).unwrap_or("?"))];
        lines.extend(table.render(width, self.console_width));
        let mut all = Vec::new();
        tree.each(&mut |_, tensor| all.push(tensor));
        lines.push(total("Total", &all));
        let mut state = Vec::new();
        for group in OPTIMIZER_GROUPS.iter().filter_map(|name| tree.group(name)) {
            group.each(&mut |_, tensor| state.push(tensor));
        }
        if !state.is_empty() {
            lines.push(total("Optimizer", &state));
        }
        Ok(lines.join("\n") + "\n")
    }

    fn add_rows<'t>(
        &self,
        layer: &SummaryLayer<'t>,
        tree: &'t WeightTree,
        connected: bool,
        level: usize,
        table: &mut Table,
    ) {
        let prefix = if level > 0 { format!("{}└ ", "   ".repeat(level)) } else { String::new() };
        let weights = layer.weights(tree);
        let shape = layer.shape.clone().unwrap_or_else(|| "?".to_owned());
        let mut row = vec![format!("{prefix}{} ({})", layer.name(), layer.class()), shape, thousands(count(&weights))];
        if connected {
            row.push(if layer.inputs.is_empty() { "-".to_owned() } else { layer.inputs.join(", ") });
        }
        if self.show_trainable {
            let flag = match (weights.is_empty(), layer.is_trainable()) {
                (true, _) => "-",
                (false, true) => "Y",
                (false, false) => "N",
            };
            row.push(flag.to_owned());
        }
        table.rows.push(row);
        if self.expand_nested {
            let inner = layer.inner(self.file.layout, tree);
            inner.iter().for_each(|inner| self.add_rows(inner, tree, connected, level + 1, table));
        }
    }
}

/// Returns the number of elements of tensors.
fn count(tensors: &[&StoredTensor]) -> usize {
    let elements = |tensor: &&StoredTensor| tensor.shape().iter().fold(1usize, |n, extent| n.saturating_mul(*extent));
    tensors.iter().map(elements).fold(0, usize::saturating_add)
}

fn total(what: &str, tensors: &[&StoredTensor]) -> String {
    let numbers: Vec<&StoredTensor> =
        tensors.iter().copied().filter(|tensor| tensor.dtype().is_ok_and(|dtype| dtype != DType::String)).collect();
    let bytes = numbers.iter().map(|tensor| tensor.num_bytes()).fold(0, u64::saturating_add);
    format!(" {what} params: {} ({})", thousands(count(&numbers)), readable(bytes as f64))
}
