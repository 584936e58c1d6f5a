//! Weights between models and HDF5 files, as Keras lays them out.

use bytes::Bytes;

use super::layout::{Place, places};
use super::report::{LoadReport, Mismatch, Missing};
use super::{H5Attr, H5Builder, H5Group, H5Reader, Limits};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::LayerRef;
use crate::tensor::{Shape, Tensor, TensorBytes};
use crate::variable::Variable;

/// The groups of a file that no layer has: an optimizer's state. Kept, and written back unharmed.
const KEPT: &[&str] = &["optimizer"];

/// A group of a file that is kept as it is.
#[derive(Clone, Debug)]
pub(crate) struct KeptGroup {
    path: String,
    attrs: Vec<(String, H5Attr)>,
    datasets: Vec<(String, TensorBytes)>,
}

impl KeptGroup {
    /// The number of elements, and of bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.datasets.iter().fold((0, 0), |(count, bytes), (_, data)| {
            (count + data.shape.iter().product::<usize>(), bytes + data.data.len())
        })
    }
}

/// All groups below one, with their paths.
fn keep(path: &str, group: &H5Group, kept: &mut Vec<KeptGroup>) -> Result<()> {
    let datasets = group.datasets.iter().map(|(name, dataset)| Ok((name.clone(), dataset.read()?)));
    kept.push(KeptGroup {
        path: path.to_owned(),
        attrs: group.attrs.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        datasets: datasets.collect::<Result<_>>()?,
    });
    group.groups.iter().try_for_each(|(name, group)| keep(&format!("{path}/{name}"), group, kept))
}

/// The HDF5 file of a model's weights.
pub(super) fn build(model: &LayerRef, kept: &[KeptGroup]) -> Result<H5Builder> {
    let mut file = H5Builder::new();
    for Place { path, layer } in places(model) {
        let group = file.group(&join(&path, "vars"))?;
        group.attr("name", H5Attr::Str(layer.name().to_owned()));
        for (index, variable) in layer.saved_weights().iter().enumerate() {
            group.dataset(&index.to_string(), variable.read().to_bytes()?).at_with(|| variable.path().to_owned())?;
        }
        for (name, value) in layer.layer().named_state().at_with(|| layer.name().to_owned())? {
            group.dataset(name, value.to_bytes()?).at_with(|| layer.name().to_owned())?;
        }
    }
    for group in kept {
        let target = file.group(&group.path)?;
        for (name, value) in &group.attrs {
            target.attr(name.clone(), value.clone());
        }
        for (name, data) in &group.datasets {
            target.dataset(name, data.clone())?;
        }
    }
    Ok(file)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// How many bytes the file's weights take, and a bound for all else.
pub(super) fn size_bound(model: &LayerRef) -> u64 {
    let weights = model.weights();
    let bytes: u64 = weights.iter().map(|w| w.shape().num_elements().unwrap_or(0) as u64 * w.dtype().size() as u64).sum();
    bytes + (weights.len() as u64 + 64) * 4096
}

/// What a file's weights come to in a model, before anything is changed.
pub(super) struct Plan {
    pub report: LoadReport,
    assignments: Vec<(Variable, Tensor)>,
    /// What layers keep by name beside their weights.
    states: Vec<(LayerRef, String, Tensor)>,
    layers: Vec<LayerRef>,
    pub kept: Vec<KeptGroup>,
}

/// Finds a value for each weight, by Keras's paths.
pub(super) fn plan(model: &LayerRef, bytes: Bytes, limits: &Limits) -> Result<Plan> {
    let root = H5Reader::open(bytes, limits)?.into_root();
    let mut plan = Plan {
        report: LoadReport::default(),
        assignments: Vec::new(),
        states: Vec::new(),
        layers: Vec::new(),
        kept: Vec::new(),
    };
    let mut used = std::collections::HashSet::new();
    for Place { path, layer } in places(model) {
        let vars = join(&path, "vars");
        let group = find(&root, &vars);
        used.insert(vars.clone());
        plan.layers.push(layer.clone());
        let own = layer.saved_weights();
        for (index, variable) in own.iter().enumerate() {
            let path = format!("{vars}/{index}");
            // Keras wrote names in place of numbers for some weeks of 2025.
            let dataset = group.and_then(|group| group.datasets.get(&index.to_string()).or_else(|| group.datasets.get(variable.name())));
            let Some(dataset) = dataset else {
                plan.report.missing.push(Missing { path, weight: variable.path().to_owned(), near: None });
                continue;
            };
            if variable.shape() != &Shape::from(dataset.shape()) {
                plan.report.mismatched.push(Mismatch {
                    path,
                    weight: variable.path().to_owned(),
                    expected: variable.shape().to_string(),
                    received: Shape::from(dataset.shape()).to_string(),
                });
                continue;
            }
            let value = dataset.read().and_then(|data| Tensor::from_bytes(&data)).at_with(|| path.clone())?;
            plan.assignments.push((variable.clone(), value));
            plan.report.applied.push(path);
        }
        if let Some(group) = group {
            let known = layer.layer().state_names();
            for (name, dataset) in group.datasets.iter().filter(|(name, _)| known.contains(&name.as_str())) {
                let path = format!("{vars}/{name}");
                let value = dataset.read().and_then(|data| Tensor::from_bytes(&data)).at_with(|| path.clone())?;
                plan.states.push((layer.clone(), name.clone(), value));
                plan.report.applied.push(path);
            }
            let extra = group.datasets.keys().filter(|name| !known.contains(&name.as_str())).filter(|name| {
                name.parse::<usize>().map_or_else(|_| !own.iter().any(|v| v.name() == *name), |index| index >= own.len())
            });
            plan.report.unexpected.extend(extra.map(|name| format!("{vars}/{name}")));
        }
    }
    for name in KEPT {
        if let Some(group) = root.groups.get(*name) {
            keep(name, group, &mut plan.kept)?;
        }
    }
    unused("", &root, &used, &mut plan.report.unexpected);
    plan.report.suggest();
    Ok(plan)
}

/// The group of a path; files of Keras 2.13 call a model's layers otherwise.
fn find<'a>(root: &'a H5Group, path: &str) -> Option<&'a H5Group> {
    root.group(path).or_else(|| {
        let rest = path.strip_prefix("layers/")?;
        root.group(&format!("_layer_checkpoint_dependencies/{rest}"))
    })
}

/// Datasets that no layer of the model leads to.
fn unused(path: &str, group: &H5Group, used: &std::collections::HashSet<String>, out: &mut Vec<String>) {
    if path.is_empty() || !KEPT.contains(&path) {
        let known = used.contains(&path.replace("_layer_checkpoint_dependencies/", "layers/"));
        if !known {
            out.extend(group.datasets.keys().map(|name| join(path, name)));
        }
        for (name, group) in &group.groups {
            unused(&join(path, name), group, used, out);
        }
    }
}

impl Plan {
    /// Gives the weights their values: all of them, or none and an error.
    pub fn apply(self, strict: bool) -> Result<LoadReport> {
        if strict {
            self.report.check()?;
        }
        for (variable, value) in &self.assignments {
            variable.assign(value)?;
        }
        for (layer, name, value) in &self.states {
            layer.layer().load_named_state(name, value).at_with(|| layer.name().to_owned())?;
        }
        for layer in &self.layers {
            layer.layer().after_load().at_with(|| layer.name().to_owned())?;
        }
        Ok(self.report)
    }
}

/// The error for a file of another kind than its name says.
pub(super) fn wrong_suffix(path: &std::path::Path, right: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("The filename must end in `{right}`")).received(format!("filepath={}", path.display()))
}
