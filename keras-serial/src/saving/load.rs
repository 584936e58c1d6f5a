//! Loads models and weights from files of every format.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{Read, Seek};
use std::path::Path;

use super::legacy::{self, upgrade_state};
use super::weights::LoadReport;
use super::weights::by_path::Plan;
use super::weights::layout::places;
use super::weights::optimizers::{self, Strictness};
use super::weights::rules::Rules;
use super::weights::spellings::Spellings;
use super::weights::{by_own_path, by_path};
use super::{LoadOptions, assets, lambdas};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::legacy::{WEIGHTS as LEGACY_WEIGHTS, config as legacy_config};
use crate::files::{FileForm, Layout, ModelFile, Source, TRAINING_STATE, WeightTree};
use crate::json::{Dict, Value};
use crate::layers::LayerRef;
use crate::models::{Model, model_from_config};
use crate::object::{SharingScope, is_torn};
use crate::registry::{KeepUnknown, Unknown};
use crate::tensor::Deferred;
use crate::tensor::symbolic::Operation;
use crate::training::{Compile, TrainingState};
use crate::utils::join;

impl LoadOptions {
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
        self.deserialize_file(file).at_with(|| path.display().to_string())
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
        self.deserialize_file(ModelFile::from_bytes(bytes, &self.limits)?)
    }

    /// Loads a model from a file that is already open, and reports what happened to each weight.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_file(&self, file: &ModelFile) -> Result<(Model, LoadReport)> {
        self.deserialize_file(file.clone())
    }

    fn deserialize_file(&self, file: ModelFile) -> Result<(Model, LoadReport)> {
        let (model, report) = self.deserialize_silently(file)?;
        report.warn();
        Ok((model, report))
    }

    fn deserialize_silently(&self, file: ModelFile) -> Result<(Model, LoadReport)> {
        let config = file.config.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Archive, "No model config found in the file").hint("it may hold weights alone")
        })?;
        let replaced;
        let config = if self.lambdas.is_empty() {
            config
        } else {
            let mut own = config.clone();
            lambdas::replace(&mut own, &self.lambdas)?;
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
        let (model, placeholders, is_torn) = {
            let _sharing = SharingScope::enter();
            let _deferred = whole.then(Deferred::enter);
            let keep = (self.unknown == Unknown::Keep).then(KeepUnknown::enter);
            let model = model_from_config(config, &self.custom_objects).at(place)?;
            (model, keep.map(KeepUnknown::placeholders).unwrap_or_default(), is_torn())
        };
        if file.form == FileForm::LegacyH5
            && let Some(compile) = config.get("compile_config").filter(|compile| **compile != Value::Null)
        {
            let state = model.base().model_state();
            state.set_compile_config(state.compile_config().or_else(|| Some(compile.clone())));
        }
        let Some(tree) = &file.weights else {
            let mut report = LoadReport { placeholders, ..LoadReport::default() };
            if !self.rules.is_empty() {
                let unmet = "all rules match nothing: the file holds no weights".to_owned();
                self.tell_unmet(vec![unmet], &mut report)?;
            }
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
        report.placeholders = placeholders;
        if is_torn {
            report.notes.push(
                "an object that a placeholder shares with the rest of the model is saved as two, of which the \
                 placeholder has one"
                    .to_owned(),
            );
        }
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
        if !excused
            && let Some(optimizer) = model.optimizer()
            && !tree.groups.contains_key("optimizer")
        {
            let name = optimizer.name();
            report.notes.push(format!("the file has no state of the optimizer `{name}`, which starts anew"));
        }
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
            let config = layer.base().compile_config_of_file().filter(|_| layer.is_model());
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
            let keeps = self.unknown == Unknown::Keep;
            if keeps && layer.has_placeholders() {
                report.notes.push(uncompiled(&layer, is_top, "it has placeholders, and can't be trained"));
                continue;
            }
            let compiled = self.compile_model(&Model::from(layer.clone()), scaled.contains(&Operation::id(&layer)));
            let compiled = if is_top { compiled } else { compiled.at_with(|| layer.name().to_owned()) };
            match compiled {
                Err(error) if !self.strict || keeps && error.kind() == ErrorKind::UnknownObject => {
                    report.notes.push(uncompiled(&layer, is_top, error));
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
        let config = model.base().compile_config_of_file().filter(|_| is_old && !model.is_compiled());
        let Some(Value::Dict(mut config)) = config else { return Ok(()) };
        if config.is_empty() || model.own_compile().is_some() {
            return Ok(());
        }
        let Some(reason) = self.why_not_compiled(file, &config) else { return Ok(()) };
        let version = file.compile_version.as_deref().or(file.keras_version()).unwrap_or("2");
        report.notes.push(format!(
            "the compile state of Keras {version} is kept for `.h5` files and left out of others, since Keras 3 can't read it: {reason}"
        ));
        legacy_config::set_aside(&mut config, version);
        model.base().model_state().set_compile_config(Some(Value::Dict(config)));
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
        let Some(Value::Dict(config)) = model.base().compile_config_of_file() else { return Ok(()) };
        model.compile_as_saved(&config, scales_loss).at("compile_config").map_err(|error| {
            if model.own_compile().is_none() && Compile::is_of_own(&config) {
                return error;
            }
            let without = "load without the compile configuration: `LoadOptions::new().compile(false)`";
            if error.kind() == ErrorKind::UnknownObject {
                error.or_hint(format!("register what is missing, give it with `custom_objects`, or {without}"))
            } else {
                error.or_hint(without)
            }
        })
    }

    fn plan(&self, model: &Model, file: &ModelFile, tree: &WeightTree) -> Result<Plan> {
        let layer = model.as_layer();
        let spellings = || Spellings::new(layer, tree, file.layout, file.weights_place);
        let rules = Rules::new(&self.rules, spellings)?;
        let plan = match file.layout {
            Layout::Paths => by_path::plan(layer, tree, &rules),
            Layout::Legacy => {
                let root = tree.groups.get(LEGACY_WEIGHTS).unwrap_or(tree);
                legacy::plan(layer, root, self.by_name, &rules, self.skip_mismatch || !self.strict).and_then(
                    |mut plan| {
                        plan.kept = legacy::read_optimizer(tree, file.is_compiled_by_keras2())?;
                        Ok(plan)
                    },
                )
            }
            Layout::Own => by_own_path::plan(layer, tree, &rules),
        };
        let mut plan = locate(plan, file.weights_place)?;
        if file.is_compiled_by_keras2() {
            let compile = file.config.as_ref().and_then(|config| config.get("compile_config"));
            let unread = compile.and_then(Value::as_dict).and_then(|compile| self.why_not_compiled(file, compile));
            // A state that can't be read stays unchanged, for an old Keras.
            let is_kept = file.form == FileForm::LegacyH5 && unread.is_some() && model.own_compile().is_none();
            upgrade_state(&mut plan, compile.filter(|_| !is_kept));
        }
        let (kept, skipped) = std::mem::take(&mut plan.kept)
            .into_iter()
            .partition::<Vec<_>, _>(|group| rules.wants_optimizer(&group.path));
        plan.kept = kept;
        plan.report.skipped.extend(skipped.into_iter().map(|group| group.path));
        let mut unmet = rules.unmet();
        if file.layout == Layout::Legacy && !self.by_name && !self.rules.rename.is_empty() {
            unmet.push("rename(…) matches nothing: the layers of this file are matched by their order, unless `by_name(true)` is set".into());
        }
        self.tell_unmet(unmet, &mut plan.report)?;
        Ok(plan)
    }

    /// Returns an error for rules that match nothing; notes them in the report if the load is not strict.
    fn tell_unmet(&self, unmet: Vec<String>, report: &mut LoadReport) -> Result<()> {
        if unmet.is_empty() || !self.strict {
            report.notes.extend(unmet);
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("rules of the load match nothing\n  {}", unmet.join("\n  ")),
        )
        .hint("`LoadOptions::only` tells how paths are written; with `strict(false)` the report notes such rules"))
    }

    fn apply(&self, mut plan: Plan, model: &Model, place: &'static str) -> Result<LoadReport> {
        let strict = self.strict && !self.skip_mismatch;
        let kept = std::mem::take(&mut plan.kept);
        let mut report = locate(plan.apply(strict), place)?;
        // As in Keras, weights may come from a model with another optimizer.
        locate(optimizers::restore(model.as_layer(), kept, &mut report, Strictness::Lenient), place)?;
        report.warn();
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

impl LoadOptions {
    /// Loads a model anew from what it would be saved as, so that classes that were registered since it was loaded take
    /// the place of its placeholders; with its weights, and the optimizer's state that was kept.
    ///
    /// # Errors
    /// As [`SaveOptions::save_model_to_bytes`](super::SaveOptions::save_model_to_bytes) and
    /// [`LoadOptions::load_model_from_bytes`].
    pub fn revive(&self, model: &Model) -> Result<Model> {
        self.load_model_from_bytes(super::SaveOptions::new().save_model_to_bytes(model)?)
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

/// Returns the note that a model is not compiled.
fn uncompiled(model: &LayerRef, is_top: bool, reason: impl Display) -> String {
    let name = if is_top { String::new() } else { format!(" `{}`", model.name()) };
    format!("the model{name} is not compiled: {reason}")
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
