//! The graph of a model's picture: boxes of layers in clusters of nested models, and edges, as Keras's `model_to_dot`
//! gives them.

use std::collections::{HashMap, HashSet};

use super::facts::Facts;
use super::family::Family;
use super::form::{Form, ModelKind};
use super::label::Label;
use super::options::PlotOptions;
use super::text::shorten;
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// The graph of a picture. The first cluster is the model itself.
pub(super) struct Graph<'a> {
    pub boxes: Vec<LayerBox<'a>>,
    pub clusters: Vec<Cluster>,
}

/// A layer's box, or that of a nested model which is not expanded.
pub(super) struct LayerBox<'a> {
    pub form: Form<'a>,
    pub facts: &'a Facts,
    pub label: Label,
    pub family: Family,
    pub is_highlighted: bool,
    /// The index of the cluster around it.
    pub cluster: usize,
}

/// A model whose layers are drawn.
pub(super) struct Cluster {
    pub name: String,
    /// The index of the cluster around it; none for the model itself.
    pub parent: Option<usize>,
    /// Boxes and clusters in the order of the configuration.
    pub children: Vec<Child>,
    /// The edges that Keras draws in this cluster: from box, to box.
    pub edges: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
pub(super) enum Child {
    Box(usize),
    Cluster(usize),
}

/// The boxes that edges to and from a layer lead to: itself, or those at the ends of a nested model.
#[derive(Clone)]
struct Ends {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

/// The maximum number of layers of a model that is drawn in any format, including those in nested models.
pub(super) const MAX_LAYERS: usize = 20_000;
/// The maximum number of edges.
const MAX_EDGES: usize = 100_000;
/// How deep models may be nested in a picture.
const MAX_DEPTH: usize = crate::registry::MAX_NESTING;

impl<'a> Graph<'a> {
    /// Builds the graph of a model's configuration, of at most `most` boxes.
    ///
    /// # Errors
    /// [`ErrorKind::Graph`] if a call refers to a layer that is not there; [`ErrorKind::InvalidArgument`] if an
    /// option names one; [`ErrorKind::Limit`] if the graph is too large.
    pub fn build(form: Form<'a>, facts: &'a Facts, options: &'a PlotOptions, most: usize) -> Result<Self> {
        let highlighted = options.highlight_layers.iter().map(String::as_str).collect();
        let mut builder =
            Builder { graph: Self { boxes: Vec::new(), clusters: Vec::new() }, edges: 0, most, options, highlighted };
        match form.model_kind() {
            Some(_) => _ = builder.cluster(form, facts, None)?,
            None => {
                // Keras draws a model without a graph as one box.
                builder.open(form, None);
                builder.layer(form, facts, 0)?;
            }
        }
        Ok(builder.graph)
    }

    /// Returns all edges, without those that several clusters have.
    pub fn edges(&self) -> Vec<(usize, usize)> {
        let mut seen = HashSet::new();
        let all = self.clusters.iter().flat_map(|cluster| &cluster.edges).copied();
        all.filter(|edge| seen.insert(*edge)).collect()
    }
}

/// Counts the layers of a model and of those in it, up to one more than the maximum.
pub(super) fn count_layers(form: Form) -> usize {
    form.layers().fold(0, |count, layer| if count > MAX_LAYERS { count } else { count + 1 + count_layers(layer) })
}

/// Checks the number of layers, and that all highlighted layers are in the model or in the models in it.
pub(super) fn check(form: Form, options: &PlotOptions) -> Result<()> {
    let count = count_layers(form);
    if count > MAX_LAYERS {
        return Err(too_large("layers", count, MAX_LAYERS));
    }
    if options.highlight_layers.is_empty() {
        return Ok(());
    }
    let mut names = HashSet::new();
    collect_names(form, &mut names);
    match options.highlight_layers.iter().find(|name| !names.contains(name.as_str())) {
        Some(name) => Err(no_layer("highlight_layers", name, names.into_iter())),
        None => Ok(()),
    }
}

fn collect_names<'a>(form: Form<'a>, names: &mut HashSet<&'a str>) {
    names.insert(form.name());
    form.layers().for_each(|layer| collect_names(layer, names));
}

fn no_layer<'a>(option: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let error =
        Error::new(ErrorKind::InvalidArgument, format!("`{option}` names a layer that the model does not have"))
            .expected("the name of a layer")
            .received(format!("{name:?}"));
    match did_you_mean(name, names) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

struct Builder<'a> {
    graph: Graph<'a>,
    edges: usize,
    most: usize,
    options: &'a PlotOptions,
    highlighted: HashSet<&'a str>,
}

impl<'a> Builder<'a> {
    fn open(&mut self, form: Form<'a>, parent: Option<usize>) -> usize {
        let name = shorten(form.name(), 256);
        self.graph.clusters.push(Cluster { name, parent, children: Vec::new(), edges: Vec::new() });
        self.graph.clusters.len() - 1
    }

    fn add(&mut self, child: Child, cluster: usize) {
        if let Some(cluster) = self.graph.clusters.get_mut(cluster) {
            cluster.children.push(child);
        }
    }

    fn connect(&mut self, cluster: usize, seen: &mut HashSet<(usize, usize)>, from: usize, to: usize) -> Result<()> {
        if !seen.insert((from, to)) {
            return Ok(());
        }
        self.edges += 1;
        if self.edges > MAX_EDGES {
            return Err(too_large("edges", self.edges, MAX_EDGES));
        }
        if let Some(cluster) = self.graph.clusters.get_mut(cluster) {
            cluster.edges.push((from, to));
        }
        Ok(())
    }

    /// Adds a layer or a nested model to a cluster.
    fn layer(&mut self, form: Form<'a>, facts: &'a Facts, cluster: usize) -> Result<Ends> {
        if self.options.expand_nested && form.model_kind().is_some() && form.layers().next().is_some() {
            return self.cluster(form, facts, Some(cluster));
        }
        let index = self.graph.boxes.len();
        if index == self.most {
            return Err(too_large("layers", index + 1, self.most));
        }
        let label = Label::of(form, facts, self.options);
        let family = Family::of(form.0, form.class());
        let is_highlighted = self.highlighted.contains(form.name());
        self.graph.boxes.push(LayerBox { form, facts, label, family, is_highlighted, cluster });
        self.add(Child::Box(index), cluster);
        Ok(Ends { inputs: vec![index], outputs: vec![index] })
    }

    /// Adds the layers and edges of a model as a cluster.
    fn cluster(&mut self, form: Form<'a>, facts: &'a Facts, parent: Option<usize>) -> Result<Ends> {
        let mut depth = 0;
        let mut around = parent;
        while let Some(index) = around {
            depth += 1;
            around = self.graph.clusters.get(index).and_then(|cluster| cluster.parent);
        }
        if depth > MAX_DEPTH {
            return Err(too_large("nested models", depth, MAX_DEPTH));
        }
        let index = self.open(form, parent);
        if let Some(parent) = parent {
            self.add(Child::Cluster(index), parent);
        }
        let mut layers: Vec<(Form, &Facts)> = form.layers().zip(&facts.layers).collect();
        if parent.is_none() {
            layers = self.in_range(layers)?;
        }
        match form.model_kind() {
            Some(ModelKind::Functional) => self.functional(form, &layers, index),
            _ => self.sequential(&layers, index),
        }
    }

    fn in_range(&self, mut layers: Vec<(Form<'a>, &'a Facts)>) -> Result<Vec<(Form<'a>, &'a Facts)>> {
        let Some(range) = &self.options.layer_range else { return Ok(layers) };
        let position = |name: &String| {
            let found = layers.iter().position(|(layer, _)| layer.name() == name);
            found.ok_or_else(|| no_layer("layer_range", name, layers.iter().map(|(layer, _)| layer.name())))
        };
        let [first, last] = range;
        let (first, last) = (position(first)?, position(last)?);
        if first > last {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the last layer of `layer_range` stands before the first",
            )
            .expected("the names of two layers in the order of the model")
            .received(format!("{range:?}")));
        }
        layers.truncate(last + 1);
        layers.drain(..first);
        Ok(layers)
    }

    fn sequential(&mut self, layers: &[(Form<'a>, &'a Facts)], cluster: usize) -> Result<Ends> {
        let mut seen = HashSet::new();
        let mut ends: Option<Ends> = None;
        for (layer, facts) in layers {
            let own = self.layer(*layer, facts, cluster)?;
            ends = Some(match ends {
                Some(before) => {
                    for (i, from) in before.outputs.iter().enumerate() {
                        if let Some(to) = own.inputs.get(i).or(own.inputs.last()) {
                            self.connect(cluster, &mut seen, *from, *to)?;
                        }
                    }
                    Ends { inputs: before.inputs, outputs: own.outputs }
                }
                None => own,
            });
        }
        Ok(ends.unwrap_or(Ends { inputs: Vec::new(), outputs: Vec::new() }))
    }

    fn functional(&mut self, form: Form<'a>, layers: &[(Form<'a>, &'a Facts)], cluster: usize) -> Result<Ends> {
        let mut built: HashMap<&str, Ends> = HashMap::new();
        for (layer, facts) in layers {
            let ends = self.layer(*layer, facts, cluster)?;
            if built.insert(layer.name(), ends).is_some() {
                return Err(Error::new(ErrorKind::Graph, "two layers have the same name").at(layer.name().to_owned()));
            }
        }
        let known: HashSet<&str> = form.layers().map(Form::name).collect();
        let mut seen = HashSet::new();
        for (layer, _) in layers {
            let Some(own) = built.get(layer.name()) else { continue };
            for call in layer.calls() {
                for (index, argument) in call.iter().enumerate() {
                    let name = argument.source.name;
                    let Some(source) = built.get(name) else {
                        // What is not in `layer_range` is not drawn.
                        if known.contains(name) {
                            continue;
                        }
                        return Err(missing(name, known.into_iter()).at(layer.name().to_owned()));
                    };
                    // A nested model may be called with more tensors than its inputs, such as a mask.
                    let from = source.outputs.get(argument.source.output).or(source.outputs.last());
                    let to = own.inputs.get(index).or(own.inputs.last());
                    if let (Some(from), Some(to)) = (from, to) {
                        self.connect(cluster, &mut seen, *from, *to)?;
                    }
                }
            }
        }
        let mut inputs = Vec::new();
        for end in form.ends("input_layers") {
            inputs.extend(built.get(end.name).and_then(|ends| ends.inputs.first()));
        }
        let mut outputs = Vec::new();
        for end in form.ends("output_layers") {
            outputs.extend(built.get(end.name).and_then(|ends| ends.outputs.get(end.output).or(ends.outputs.last())));
        }
        Ok(Ends { inputs, outputs })
    }
}

fn missing<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let error = Error::new(ErrorKind::Graph, "a call refers to a layer that the model does not have")
        .expected("the name of a layer")
        .received(format!("{name:?}"));
    match did_you_mean(name, known) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn too_large(what: &str, count: usize, limit: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the model has too many {what} for a picture"))
        .expected(format!("at most {limit}"))
        .received(count.to_string())
        .hint("`layer_range` draws a part of the model, and DOT may be larger than other formats")
}
