//! The spellings of paths in the rules of a load: of weights, of layers, and of what a file has.

use std::collections::HashMap;

use super::layout::places;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::files::{H5Attr, Layout, WeightTree, legacy, names};
use crate::layers::LayerRef;
use crate::tensor::symbolic::Operation;
use crate::utils::join;
use crate::variable::Variable;

/// How many paths are named where none is near.
const SHOWN: usize = 6;

/// All paths that a rule may name, of a model and of the file that is loaded into it.
#[derive(Default)]
pub(in crate::saving) struct Spellings {
    model: String,
    /// What errors put in front of the paths of weights: `model.weights.h5`.
    place: &'static str,
    objects: Vec<Object>,
    /// Where the layers and the weights of the model stand in `objects`.
    layers: HashMap<usize, usize>,
    weights: HashMap<u64, usize>,
    /// The paths of the file's groups and tensors.
    paths: Vec<String>,
    /// Groups of the file with the names of their objects, where it tells them.
    named: Vec<(String, String)>,
}

/// A layer or a weight of the model.
struct Object {
    /// Where files of this layout have it.
    path: String,
    /// By the names of the layers around, which stand for nothing else.
    by_names: Vec<String>,
    others: Vec<String>,
    is_weight: bool,
}

impl Object {
    fn spellings(&self) -> impl Iterator<Item = &str> {
        self.by_names.iter().chain(&self.others).map(String::as_str)
    }
}

impl Spellings {
    pub fn new(model: &LayerRef, tree: &WeightTree, layout: Layout, place: &'static str) -> Self {
        let mut all = Self { model: model.name().to_owned(), place, ..Self::default() };
        let mut chains = HashMap::new();
        chain(model, "", &mut chains);
        for object in places(model) {
            let names = chains.get(&Operation::id(&object.layer)).cloned();
            all.layer(&object.layer, object.path, names, layout);
        }
        let root = tree.groups.get(legacy::WEIGHTS).filter(|_| layout == Layout::Legacy).unwrap_or(tree);
        all.file("", "", root);
        all
    }

    fn layer(&mut self, layer: &LayerRef, path: String, chain: Option<String>, layout: Layout) {
        let chain = chain.unwrap_or_else(|| path.clone());
        let place = |in_groups: &str, by_names: &str| match layout {
            Layout::Paths => in_groups.to_owned(),
            _ => by_names.to_owned(),
        };
        let weights = layer.saved_weights();
        let around = weights.first().and_then(|weight| weight.path().rsplit_once('/'));
        let mut others: Vec<String> = around.into_iter().flat_map(|(around, _)| self.with_model(around)).collect();
        others.push(path.clone());
        self.layers.insert(Operation::id(layer), self.objects.len());
        let by_names = self.with_model(&chain);
        self.objects.push(Object { path: place(&path, &chain), by_names, others, is_weight: false });
        for (index, weight) in weights.iter().enumerate() {
            let in_groups = format!("{}/{index}", join(&path, "vars"));
            let named = join(&chain, weight.name());
            let mut others = self.with_model(weight.path());
            others.extend([in_groups.clone(), format!("{}:0", weight.path())]);
            self.weights.insert(weight.id(), self.objects.len());
            let by_names = self.with_model(&named);
            self.objects.push(Object { path: place(&in_groups, &named), by_names, others, is_weight: true });
        }
    }

    /// Returns a path with and without the model's name in front of it.
    fn with_model(&self, path: &str) -> Vec<String> {
        let without = path.strip_prefix(&self.model).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
        let with = format!("{}/{without}", self.model);
        if without.is_empty() { vec![self.model.clone()] } else { vec![without.to_owned(), with] }
    }

    fn file(&mut self, path: &str, around: &str, group: &WeightTree) {
        let vars = group.groups.get("vars");
        let name = vars.and_then(|vars| vars.attrs.get("name")).and_then(H5Attr::as_str);
        // The name of the model is in front of no other.
        let around = match name.filter(|_| !path.is_empty()) {
            Some(name) => {
                let chain = join(around, name);
                self.named.push((path.to_owned(), chain.clone()));
                chain
            }
            None => around.to_owned(),
        };
        self.paths.extend(group.tensors.keys().map(|name| join(path, name)));
        for (name, group) in &group.groups {
            let path = join(path, name);
            self.paths.push(path.clone());
            self.file(&path, &around, group);
        }
    }

    /// Returns a path or pattern without the slashes around it, and without the weights' member of an archive.
    pub fn plain(&self, path: &str) -> String {
        let path = names(path).collect::<Vec<_>>().join("/");
        let inside = path.strip_prefix(self.place).filter(|_| !self.place.is_empty());
        inside.and_then(|rest| rest.strip_prefix('/')).map(str::to_owned).unwrap_or(path)
    }

    /// Returns the spellings of a weight of the model.
    pub fn of_weight(&self, weight: &Variable) -> impl Iterator<Item = &str> {
        self.spellings(self.weights.get(&weight.id()))
    }

    /// Returns the spellings of a layer of the model.
    pub fn of_layer(&self, layer: &LayerRef) -> impl Iterator<Item = &str> {
        self.spellings(self.layers.get(&Operation::id(layer)))
    }

    fn spellings(&self, index: Option<&usize>) -> impl Iterator<Item = &str> {
        let object = index.and_then(|index| self.objects.get(*index));
        object.into_iter().flat_map(Object::spellings)
    }

    /// Returns the spellings of what the file has at a path: the path itself, and names in place of groups.
    pub fn in_file(&self, path: &str) -> Vec<String> {
        let below = |group: &str| path.strip_prefix(group).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let nearest =
            self.named.iter().filter(|(group, _)| below(group).is_some()).max_by_key(|(group, _)| group.len());
        let by_names = nearest.and_then(|(group, chain)| Some(format!("{chain}{}", below(group)?)));
        let mut spellings = self.with_model(path);
        spellings.extend(by_names.iter().flat_map(|path| self.with_model(path)));
        spellings
    }

    /// Returns the path in files of this layout of the object or weight of the model that a path names.
    ///
    /// # Errors
    /// When it names several.
    pub fn of_model(&self, path: &str) -> Result<Option<String>> {
        let path = self.plain(path);
        let below = |known: &str| known.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if self.objects.iter().any(|object| object.path == path || below(&object.path)) {
            return Ok(Some(path));
        }
        let named = self.objects.iter().find(|object| object.by_names.contains(&path));
        if let Some(object) = named {
            return Ok(Some(object.path.clone()));
        }
        let others = self.objects.iter().filter(|object| object.others.contains(&path));
        one_of(&path, others.map(|object| object.path.as_str()).collect())
    }

    /// Returns the path in the file that a spelling names, for what the model has at `in_model`.
    ///
    /// # Errors
    /// When it names several.
    pub fn of_file(&self, path: &str, in_model: &str) -> Result<Option<String>> {
        let path = self.plain(path);
        if self.paths.contains(&path) {
            return Ok(Some(path));
        }
        let by_names = |path: &str| {
            let named = self.named.iter().filter(|(_, chain)| self.with_model(chain).iter().any(|known| known == path));
            one_of(path, named.map(|(group, _)| group.as_str()).collect())
        };
        if let Some(found) = by_names(&path)? {
            return Ok(Some(found));
        }
        let Some((object, rest)) = path.rsplit_once('/') else { return Ok(None) };
        // A file numbers weights; their names are those of the model.
        let is_named = |object: &&Object| {
            let last = |path: &str| path.rsplit_once('/').is_some_and(|(_, name)| name == rest);
            object.is_weight && object.path == in_model && object.spellings().any(last)
        };
        let number = self.objects.iter().find(is_named).and_then(|object| object.path.rsplit_once('/'));
        let Some((_, number)) = number else { return Ok(None) };
        let group =
            if self.paths.iter().any(|known| known == object) { Some(object.to_owned()) } else { by_names(object)? };
        let tensor = group.map(|group| format!("{group}/vars/{number}"));
        Ok(tensor.filter(|tensor| self.paths.contains(tensor)))
    }

    /// Suggests paths for one that matches nothing.
    pub fn near(&self, path: &str) -> String {
        let known = self.known();
        self.suggest(path, known.iter().map(String::as_str).chain(self.paths.iter().map(String::as_str)))
    }

    /// Suggests paths of the model.
    pub fn near_in_model(&self, path: &str) -> String {
        let known = self.known();
        self.suggest(&self.plain(path), known.iter().map(String::as_str))
    }

    /// Suggests paths of the file.
    pub fn near_in_file(&self, path: &str) -> String {
        let named = self.named.iter().map(|(_, chain)| chain.as_str());
        let known: Vec<&str> = self.paths.iter().map(String::as_str).chain(named).collect();
        match did_you_mean(&self.plain(path), known.iter().copied()) {
            Some(near) => near,
            None => format!("there are {}", some(known.into_iter())),
        }
    }

    /// Returns all spellings of the model's paths, and those of the groups around them.
    fn known(&self) -> Vec<String> {
        let mut known = Vec::new();
        for path in self.objects.iter().flat_map(Object::spellings) {
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            known.extend(ends.filter_map(|end| path.get(..end)).map(str::to_owned));
        }
        known.sort_unstable();
        known.dedup();
        known
    }

    fn suggest<'a>(&self, path: &str, known: impl Iterator<Item = &'a str>) -> String {
        let near = if path.contains('*') {
            // The longest name of the pattern, among all names.
            let longest = path.split(['*', '/']).max_by_key(|part| part.len()).unwrap_or_default();
            did_you_mean(longest, known.flat_map(|path| path.split('/')))
        } else {
            did_you_mean(path, known)
        };
        near.unwrap_or_else(|| self.some_weights())
    }

    /// Returns the paths of a few weights, as examples.
    pub fn some_weights(&self) -> String {
        let weights = self.objects.iter().filter(|object| object.is_weight);
        format!("the weights are {}", some(weights.filter_map(|weight| weight.others.first()).map(String::as_str)))
    }
}

/// Collects the names of the layers that lead to each layer.
fn chain(layer: &LayerRef, path: &str, out: &mut HashMap<usize, String>) {
    if out.contains_key(&Operation::id(layer)) {
        return;
    }
    out.insert(Operation::id(layer), path.to_owned());
    for inner in layer.layers() {
        chain(&inner, &join(path, inner.name()), out);
    }
}

fn one_of(path: &str, mut found: Vec<&str>) -> Result<Option<String>> {
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        several => Err(Error::new(ErrorKind::InvalidArgument, "the path stands for several objects")
            .expected(format!("one of {}", some(several.iter().copied())))
            .received(path.to_owned())),
    }
}

fn some<'a>(mut paths: impl Iterator<Item = &'a str>) -> String {
    let mut shown: Vec<String> = paths.by_ref().take(SHOWN).map(|path| format!("`{path}`")).collect();
    if paths.next().is_some() {
        shown.push("…".to_owned());
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
