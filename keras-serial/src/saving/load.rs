//! Loads models and weights from files of every format.

use std::collections::HashSet;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use super::contents::{Layout, Look, ModelFile, TRAINING_STATE};
use super::layout::places;
use super::optimizers::{self, Strictness};
use super::report::LoadReport;
use super::rules::Rules;
use super::stored::{WeightTree, join};
use super::weights::{self, Plan};
use super::{FileForm, Limits, Source, assets, keras2, legacy, legacy_config};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::layers::LayerRef;
use crate::models::{Model, model_from_config};
use crate::object::SharingScope;
use crate::registry::CustomObjects;
use crate::tensor::Deferred;
use crate::tensor::symbolic::Operation;
use crate::training::{Compile, TrainingState};

/// Options for loading a model or its weights.
///
/// ```no_run
/// use keras_serial::saving::LoadOptions;
/// let model = LoadOptions::new().load_model("model.keras")?;
/// // Transfer learning: all but the head, from a file with another one.
/// let report = LoadOptions::new().skip("head").load_weights(&model, "other.weights.h5")?;
/// println!("{}", report.table());
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`load_model` and its like do the loading"]
pub struct LoadOptions {
    custom_objects: CustomObjects,
    limits: Limits,
    strict: bool,
    skip_mismatch: bool,
    by_name: bool,
    compile: bool,
    memory_map: bool,
    lambdas: Vec<(String, String)>,
    rules: Rules,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            custom_objects: CustomObjects::default(),
            limits: Limits::default(),
            strict: true,
            skip_mismatch: false,
            by_name: false,
            compile: true,
            memory_map: false,
            lambdas: Vec::new(),
            rules: Rules::default(),
        }
    }
}

impl LoadOptions {
    /// Creates the default options: strict, within the default limits, without custom objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets objects that the file may name, in addition to the registered ones.
    pub fn custom_objects(mut self, custom_objects: CustomObjects) -> Self {
        self.custom_objects = custom_objects;
        self
    }

    /// Replaces a Python lambda of the file, whose code is never run, with the function registered under `name`. A
    /// place is `dense/activation` for the argument of a layer, or `compile_config/loss` for a model's loss. If all
    /// lambdas are the same function, `custom_objects` may name it `<lambda>` instead.
    pub fn replace_lambda(mut self, place: impl Into<String>, name: impl Into<String>) -> Self {
        self.lambdas.push((place.into(), name.into()));
        self
    }

    /// Sets the limits for reading the file.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn limits_in_force(&self) -> &Limits {
        &self.limits
    }

    /// Sets whether the weights of the model and of the file must match exactly; true by default. If false, those
    /// that fit are loaded, and the report lists the rest.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether weights that are missing or of another shape are skipped, as Keras does with a warning; false by
    /// default. The report lists them.
    pub fn skip_mismatch(mut self, skip_mismatch: bool) -> Self {
        self.skip_mismatch = skip_mismatch;
        self
    }

    /// Sets whether the layers of a legacy file are matched by name instead of by order; false by default.
    pub fn by_name(mut self, by_name: bool) -> Self {
        self.by_name = by_name;
        self
    }

    /// Sets whether a loaded model is compiled as its file says, with the optimizer's state; true by default. If
    /// false, losses, metrics and optimizers need not be known, and what the file holds of them is kept unchanged for
    /// the next save.
    pub fn compile(mut self, compile: bool) -> Self {
        self.compile = compile;
        self
    }

    /// Sets whether the file is memory-mapped instead of read into memory; false by default.
    ///
    /// Weights are then slices of the mapping, where the file has aligned them (files written by this crate do,
    /// Keras's don't): a large model is available at once, and several processes share its memory.
    ///
    /// **Nobody may write to the file while the model, or any weight of it, is alive.** A process that truncates the
    /// file (Keras's own `save` starts by doing so) kills this one with a signal (`SIGBUS`) as soon as a weight is
    /// used, and one that overwrites it changes the loaded weights. Replacing the file by renaming another one over
    /// it, as this crate does, is safe.
    pub fn memory_map(mut self, memory_map: bool) -> Self {
        self.memory_map = memory_map;
        self
    }

    /// Returns how much of a file to load is read on opening.
    fn look(&self) -> Look {
        if self.memory_map { Look::Mapped } else { Look::Kept }
    }

    /// Loads no weights into these layers, nor into their sublayers (`objects_to_skip`).
    pub fn objects_to_skip(mut self, layers: impl IntoIterator<Item = LayerRef>) -> Self {
        self.rules.objects.extend(layers);
        self
    }

    /// Loads only weights that match this pattern, or another one given by a further call. A pattern is a path in the
    /// file or of a weight, which includes everything below it, or contains `*` for any characters.
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.rules.only.push(pattern.into());
        self
    }

    /// Skips weights that match a pattern, as in [`LoadOptions::only`].
    pub fn skip(mut self, pattern: impl Into<String>) -> Self {
        self.rules.skip.push(pattern.into());
        self
    }

    /// Loads only weights for whose path (`dense/kernel`) `filter` returns true.
    pub fn filter(mut self, filter: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.rules.filter = Some(Arc::new(filter));
        self
    }

    /// Loads what the file has at (or below) the path `in_file` into what the model has at `in_model`.
    pub fn rename(mut self, in_file: impl Into<String>, in_model: impl Into<String>) -> Self {
        self.rules.rename.push((in_file.into(), in_model.into()));
        self
    }

    /// Loads a model from a file: `.keras`, a directory of its members, legacy `.h5`, `.json` (with newly initialized
    /// weights), or `.safetensors` with a configuration.
    ///
    /// # Errors
    /// Names the place in the file or in the object tree; see [`ErrorKind`].
    pub fn load_model(&self, path: impl AsRef<Path>) -> Result<Model> {
        self.open_model(path.as_ref()).map(|(model, _)| model)
    }

    fn open_model(&self, path: &Path) -> Result<(Model, LoadReport)> {
        let form = FileForm::of(path)?;
        if matches!(form, FileForm::WeightsH5 | FileForm::WeightsJson) {
            let error = Error::new(ErrorKind::InvalidArgument, "the file holds weights, and no model");
            return Err(error
                .received(format!("filepath={}", path.display()))
                .hint("make the model, then call `load_weights`")
                .at(path.display().to_string()));
        }
        let file = ModelFile::look(path, &self.limits, self.look())?;
        self.revive(file).at_with(|| path.display().to_string())
    }

    /// Loads a model from a file in memory; its first bytes tell the format.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_from_bytes(&self, bytes: impl Into<Source>) -> Result<Model> {
        self.load_model_with_report(bytes).map(|(model, _)| model)
    }

    /// Loads a model from any reader.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_from_reader(&self, reader: impl Read + Seek) -> Result<Model> {
        self.load_model_from_bytes(Source::from_reader(reader)?)
    }

    /// Loads a model from a file in memory, and reports what happened to each weight.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_with_report(&self, bytes: impl Into<Source>) -> Result<(Model, LoadReport)> {
        self.revive(ModelFile::from_bytes(bytes, &self.limits)?)
    }

    /// Loads a model from a file that is already open, and reports what happened to each weight.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_file(&self, file: &ModelFile) -> Result<(Model, LoadReport)> {
        self.revive(file.clone())
    }

    fn revive(&self, file: ModelFile) -> Result<(Model, LoadReport)> {
        let config = file.config.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Archive, "No model config found in the file").hint("it may hold weights alone")
        })?;
        let replaced;
        let config = if self.lambdas.is_empty() {
            config
        } else {
            let mut own = config.clone();
            super::lambdas::replace(&mut own, &self.lambdas)?;
            replaced = own;
            &replaced
        };
        let place = match file.form {
            FileForm::Keras | FileForm::Directory => "config.json",
            FileForm::LegacyH5 => "model_config",
            _ => "model",
        };
        let _nesting = crate::registry::NestingLimit::enter(self.limits.max_nesting);
        // Weights that the file lacks keep their initial values, where that is allowed.
        let whole = self.strict && !self.skip_mismatch && self.rules.is_empty() && file.weights.is_some();
        let model = {
            let _sharing = SharingScope::enter();
            let _deferred = whole.then(Deferred::enter);
            model_from_config(config, &self.custom_objects).at(place)?
        };
        if file.form == FileForm::LegacyH5
            && let Some(compile) = config.get("compile_config").filter(|compile| **compile != Value::Null)
        {
            let mut slot = model.base().compile_config.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            slot.get_or_insert_with(|| compile.clone());
        }
        let Some(tree) = &file.weights else {
            let mut report = LoadReport::default();
            self.compile_models(&model, None, &mut report).at(place)?;
            self.set_aside(&model, &file, &mut report)?;
            return Ok((model, report));
        };
        let mut plan = self.plan(&model, &file, tree)?;
        assets::load(model.as_layer(), &file)?;
        crate::program::layers_changed();
        let kept = std::mem::take(&mut plan.kept);
        let strict = self.strict && !self.skip_mismatch;
        let mut report = locate(plan.apply(strict), file.weights_place)?;
        if let Some((kind, text)) = file.compile_error.as_ref().filter(|_| self.compile && strict) {
            return Err(Error::new(*kind, text.clone()));
        }
        if file.compile_error.is_none() {
            self.compile_models(&model, Some(tree), &mut report).at(place)?;
        }
        self.set_aside(&model, &file, &mut report)?;
        // As in Keras, the optimizer's state is optional for models that were quantized after training, for old
        // files, and if an earlier save in a legacy format lost the optimizer.
        let forgotten = config.get("compile_config").is_some_and(|compile| compile.get("optimizer").is_none());
        let excused =
            file.form == FileForm::LegacyH5 || file.is_of_keras2() || forgotten || is_quantized(model.as_layer());
        let strictness = if strict && !excused { Strictness::Strict } else { Strictness::Lenient };
        let restored = optimizers::restore(model.as_layer(), kept, &mut report, strictness);
        locate(restored, file.weights_place)?;
        if strict && !report.unexpected.is_empty() {
            locate(report.check(), file.weights_place)?;
        }
        if let Some(state) = file.training_state.as_ref().filter(|_| model.is_compiled()) {
            let state = TrainingState::from_json_value(state);
            state.and_then(|state| model.set_training_state(state)).at(TRAINING_STATE)?;
        }
        Ok((model, report))
    }

    /// Compiles a model, and the models in it, as the file says.
    fn compile_models(&self, model: &Model, tree: Option<&WeightTree>, report: &mut LoadReport) -> Result<()> {
        let is_saved = |layer: &LayerRef| {
            let config = layer.base().kept_compile_config().filter(|_| layer.layer().is_model());
            config.is_some_and(|config| config.as_dict().is_some_and(|dict| !dict.is_empty()))
        };
        let mut models: Vec<LayerRef> = model.with_layers_below().into_iter().filter(is_saved).collect();
        if !self.compile || models.is_empty() {
            return Ok(());
        }
        // Nested models are compiled before those that contain them.
        models.reverse();
        let _objects = crate::registry::with_argument(&self.custom_objects);
        let scaled = scaled_losses(model, tree);
        for layer in models {
            let is_top = layer.is_same(model.as_layer());
            let compiled = self.compile_model(&Model::from(layer.clone()), scaled.contains(&Operation::id(&layer)));
            let compiled = if is_top { compiled } else { compiled.at_with(|| layer.name().to_owned()) };
            match compiled {
                Err(error) if !self.strict => {
                    let name = if is_top { String::new() } else { format!(" `{}`", layer.name()) };
                    report.notes.push(format!("the model{name} is not compiled: {error}"));
                }
                result => result?,
            }
        }
        Ok(())
    }

    /// Notes that a file of Keras 2 was compiled in a way that Keras 3 can't read. The compile config is kept for
    /// legacy files, and left out of new ones, which Keras would refuse otherwise.
    fn set_aside(&self, model: &Model, file: &ModelFile, report: &mut LoadReport) -> Result<()> {
        let is_unversioned = file.form == FileForm::LegacyH5 && file.keras_version().is_none();
        let is_old = file.is_compiled_by_keras2() || is_unversioned;
        let config = model.base().kept_compile_config().filter(|_| is_old && !model.is_compiled());
        let Some(Value::Dict(mut config)) = config else { return Ok(()) };
        if config.is_empty() || model.layer().own_compile().is_some() {
            return Ok(());
        }
        let Some(reason) = self.why_not_compiled(file, &config) else { return Ok(()) };
        let version = file.compile_version.as_deref().or(file.keras_version()).unwrap_or("2");
        report.notes.push(format!(
            "the compile state of Keras {version} is kept for `.h5` files and left out of others, since Keras 3 can't read it: {reason}"
        ));
        legacy_config::set_aside(&mut config, version);
        *model.base().compile_config.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Value::Dict(config));
        Ok(())
    }

    /// Returns why a file's compile config can't be read; `None` if it can.
    fn why_not_compiled(&self, file: &ModelFile, config: &Dict) -> Option<String> {
        if let Some((_, text)) = &file.compile_error {
            return Some(text.clone());
        }
        let _objects = crate::registry::with_argument(&self.custom_objects);
        Compile::from_config(config).err().map(|error| error.to_string())
    }

    fn compile_model(&self, model: &Model, scales_loss: bool) -> Result<()> {
        let Some(Value::Dict(config)) = model.base().kept_compile_config() else { return Ok(()) };
        model.compile_as_saved(&config, scales_loss).at("compile_config").map_err(|error| {
            if model.layer().own_compile().is_none() && Compile::is_of_own(&config) {
                return error;
            }
            error.hint("register what is missing, give it with `custom_objects`, or load with `LoadOptions::new().compile(false)`")
        })
    }

    fn plan(&self, model: &Model, file: &ModelFile, tree: &WeightTree) -> Result<Plan> {
        let layer = model.as_layer();
        let mut plan = match file.layout {
            Layout::Paths => weights::plan(layer, tree, &self.rules),
            Layout::Legacy => {
                let root = tree.groups.get(legacy::WEIGHTS).unwrap_or(tree);
                legacy::plan(layer, root, self.by_name, &self.rules, self.skip_mismatch || !self.strict).and_then(
                    |mut plan| {
                        plan.kept = legacy::read_optimizer(tree, file.is_compiled_by_keras2())?;
                        Ok(plan)
                    },
                )
            }
            #[cfg(feature = "safetensors")]
            Layout::Own => super::safetensors::plan(layer, tree, &self.rules),
        };
        if let Ok(plan) = plan.as_mut()
            && file.is_compiled_by_keras2()
        {
            let compile = file.config.as_ref().and_then(|config| config.get("compile_config"));
            let unread = compile.and_then(Value::as_dict).and_then(|compile| self.why_not_compiled(file, compile));
            // A state that can't be read stays unchanged, for an old Keras.
            let is_kept = file.form == FileForm::LegacyH5 && unread.is_some() && model.layer().own_compile().is_none();
            keras2::upgrade_state(plan, compile.filter(|_| !is_kept));
        }
        locate(plan, file.weights_place)
    }

    fn apply(&self, mut plan: Plan, model: &Model, place: &'static str) -> Result<LoadReport> {
        let strict = self.strict && !self.skip_mismatch;
        let kept = std::mem::take(&mut plan.kept);
        let mut report = locate(plan.apply(strict), place)?;
        // As in Keras, weights may come from a model with another optimizer.
        locate(optimizers::restore(model.as_layer(), kept, &mut report, Strictness::Lenient), place)?;
        Ok(report)
    }

    /// Loads weights into a model from `.weights.h5`, `.weights.json`, `.keras`, a directory, legacy `.h5`, or
    /// `.safetensors`.
    ///
    /// # Errors
    /// When the weights do not fit (unless `strict` is off or `skip_mismatch` on); the model is unchanged then.
    pub fn load_weights(&self, model: &Model, path: impl AsRef<Path>) -> Result<LoadReport> {
        let path = path.as_ref();
        let at = || path.display().to_string();
        let form = FileForm::of(path)?;
        if !self.rules.objects.is_empty() && !matches!(form, FileForm::WeightsH5 | FileForm::WeightsJson) {
            let error =
                Error::new(ErrorKind::InvalidArgument, "`objects_to_skip` only supports loading '.weights.h5' files");
            return Err(error.received(at()).at(at()));
        }
        if self.by_name && form != FileForm::LegacyH5 {
            let error =
                Error::new(ErrorKind::InvalidArgument, "`by_name` only supports loading legacy '.h5' or '.hdf5' files");
            return Err(error.received(at()).at(at()));
        }
        let file = ModelFile::look(path, &self.limits, self.look())?;
        self.load_weights_file(model, &file).at_with(at)
    }

    /// Loads weights into a model from a file that is already open.
    ///
    /// # Errors
    /// As [`LoadOptions::load_weights`].
    pub fn load_weights_file(&self, model: &Model, file: &ModelFile) -> Result<LoadReport> {
        check_built(model, "You are loading weights into a model that has not yet been built")?;
        let tree = file.weights.as_ref().ok_or_else(|| Error::new(ErrorKind::Weights, "the file holds no weights"))?;
        let mut plan = self.plan(model, file, tree)?;
        if file.layout == Layout::Legacy {
            // As in Keras, these weights come without the optimizer's state.
            plan.kept.clear();
        }
        self.apply(plan, model, file.weights_place)
    }
}

/// Returns an error if the model is not built: it has no weights then, and its file would hold none.
pub(super) fn check_built(model: &Model, message: &'static str) -> Result<()> {
    if model.base().is_built() || !model.weights().is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, message)
        .expected("a built model")
        .hint("build the model first: call it on some data, or `build` it with the shape of its inputs")
        .at(model.name().to_owned()))
}

/// Returns the models whose optimizers scale the loss, told by the optimizer states in the file.
fn scaled_losses(model: &Model, tree: Option<&WeightTree>) -> HashSet<usize> {
    let scales = |path: &str| {
        let inner = join(path, "optimizer/inner_optimizer/vars");
        tree.is_some_and(|tree| tree.group(&inner).is_some())
    };
    if tree.is_none_or(|tree| !tree.paths().iter().any(|path| path.contains("optimizer/inner_optimizer/"))) {
        return HashSet::new();
    }
    let places = places(model.as_layer()).into_iter().filter(|place| scales(&place.path));
    places.map(|place| Operation::id(&place.layer)).collect()
}

/// Returns true if a model has quantized layers, whose trainable weights differ from the original ones.
fn is_quantized(model: &LayerRef) -> bool {
    model.with_layers_below().iter().any(|layer| layer.base().dtype_policy().quantization().is_some())
}

/// Puts the name of an archive's member in front of an error's path.
fn locate<T>(result: Result<T>, place: &'static str) -> Result<T> {
    if place.is_empty() { result } else { result.at(place) }
}

/// Loads a model from a file (`keras.models.load_model`).
///
/// # Errors
/// Names the place in the file or in the object tree; see [`ErrorKind`].
pub fn load_model(path: impl AsRef<Path>) -> Result<Model> {
    LoadOptions::new().load_model(path)
}

impl Model {
    /// Loads weights from a file of any format, strictly.
    ///
    /// # Errors
    /// When the weights do not fit; the model is unchanged then.
    pub fn load_weights(&self, path: impl AsRef<Path>) -> Result<LoadReport> {
        LoadOptions::new().load_weights(self, path)
    }
}
