//! Saves models and weights, in every format that Keras still writes, and as `.safetensors`.

use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use super::load::check_built;
use super::weights::{by_own_path, by_path};
use super::{assets, legacy};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::write_file;
use crate::files::legacy::{WEIGHTS as LEGACY_WEIGHTS, config as legacy_config};
use crate::files::{
    H5Attr, KERAS_VERSION, Limits, Parts, WEIGHTS, WeightTree, WriteOptions, check_config, check_tree, safetensors,
    write_hdf5, write_shards, wrong_suffix,
};
use crate::layers::LayerRef;
use crate::models::Model;
use crate::object::{Handle, SharingScope};

/// Options for saving a model or its weights.
///
/// ```no_run
/// # use keras_serial::saving::{SaveOptions, load_model};
/// # let model = load_model("model.keras")?;
/// SaveOptions::new().max_shard_size(2.0).save_weights(&model, "model.weights.json")?;
/// SaveOptions::new().zipped(false).save_model(&model, "model_directory")?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "`save_model` and its like do the saving"]
pub struct SaveOptions {
    pub(super) files: WriteOptions,
    pub(super) training_state: bool,
    pub(super) objects_to_skip: Vec<LayerRef>,
}

impl SaveOptions {
    /// Creates the default options, which save as Keras does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates the options that write files so.
    #[cfg(feature = "cli")]
    pub(crate) fn of_files(files: WriteOptions) -> Self {
        Self { files, ..Self::default() }
    }

    /// Sets whether the date is left out, so that two saves of one model are equal byte for byte; false by default.
    pub fn deterministic(mut self, deterministic: bool) -> Self {
        self.files = self.files.deterministic(deterministic);
        self
    }

    /// Sets whether to write one archive (true, the default) or a directory of its members.
    pub fn zipped(mut self, zipped: bool) -> Self {
        self.files = self.files.zipped(zipped);
        self
    }

    /// Splits weights over files of at most this many GiB, with an index `.weights.json` (`save_weights` only).
    pub fn max_shard_size(mut self, gib: f64) -> Self {
        self.files = self.files.max_shard_size(gib);
        self
    }

    /// Sets whether a legacy file includes the optimizer's state; true by default.
    pub fn include_optimizer(mut self, include_optimizer: bool) -> Self {
        self.files = self.files.include_optimizer(include_optimizer);
        self
    }

    /// Sets whether the metadata of a `.safetensors` file holds the configuration; false by default.
    pub fn embed_config(mut self, embed_config: bool) -> Self {
        self.files = self.files.embed_config(embed_config);
        self
    }

    /// Sets whether saving waits until the file is on the disk; true by default. If false, saving is faster, but a
    /// power failure soon after may lose the file. In either case, a file is there completely or not at all.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.files = self.files.fsync(fsync);
        self
    }

    /// Sets whether the [`TrainingState`](crate::training::TrainingState) is added to a `.keras` file or directory,
    /// so that training can continue bit for bit ([`Fit::resume`](crate::training::Fit::resume)); false by default.
    /// Keras ignores it.
    pub fn training_state(mut self, training_state: bool) -> Self {
        self.training_state = training_state;
        self
    }

    /// Saves no weights of these layers, nor of their sublayers (`save_weights` only).
    pub fn objects_to_skip(mut self, layers: impl IntoIterator<Item = LayerRef>) -> Self {
        self.objects_to_skip.extend(layers);
        self
    }

    /// Sets the limits with which the file will be loaded; by default those of
    /// [`LoadOptions::new`](super::LoadOptions::new). Saving what these limits would refuse is an error.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.files = self.files.limits(limits);
        self
    }

    /// Saves a whole model: `.keras`, legacy `.h5`, or a directory with `zipped(false)`; its configuration alone as
    /// `.json`.
    ///
    /// At any moment, either the complete old file or the complete new one is there. For directories, this holds if
    /// the system can exchange two of them (Linux), and if there are no other files in the old one; else it holds for
    /// each of its files.
    ///
    /// # Errors
    /// When an object can't be serialized, the path has another suffix, or the system refuses.
    pub fn save_model(&self, model: &Model, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.to_string_lossy();
        self.refuse_what_is_for_weights().at_with(|| name.clone().into_owned())?;
        if !self.files.zipped {
            if name.ends_with(".keras") {
                let text = "When using `zipped=False`, the `filepath` argument should not end in `.keras`";
                let error = Error::new(ErrorKind::InvalidArgument, text);
                return Err(error.received(format!("filepath={name}")).at(name.into_owned()));
            }
            return self.parts(model)?.write_directory(path, self.files.fsync).at_with(|| path.display().to_string());
        }
        if name.ends_with(".keras") {
            let parts = self.parts(model).at_with(|| name.clone().into_owned())?;
            return parts.write_file(path, self.files.fsync);
        }
        if self.training_state {
            let error =
                Error::new(ErrorKind::InvalidArgument, "only `.keras` files and directories have a training state");
            return Err(error.received(format!("filepath={name}")).at(name.into_owned()));
        }
        if !name.ends_with(".weights.h5") && (name.ends_with(".h5") || name.ends_with(".hdf5")) {
            let tree = self.legacy(model).at_with(|| name.clone().into_owned())?;
            return write_hdf5(&tree, path, &self.files.limits, self.files.fsync);
        }
        if name.ends_with(".json") && !name.ends_with(".weights.json") {
            let mut config = Handle::serialize(model.as_layer())?;
            legacy_config::without_old_compile(&mut config);
            let text = config.to_json();
            check_config(&config, &text, &self.files.limits).at_with(|| name.clone().into_owned())?;
            return write_file(path, self.files.fsync, |file| Ok(file.write_all(text.as_bytes())?));
        }
        Err(Error::new(ErrorKind::InvalidArgument, "Invalid filepath extension for saving")
            .expected("a `.keras` extension for the native Keras format (recommended) or a `.h5` extension")
            .received(format!("filepath={name}"))
            .at(name.into_owned()))
    }

    /// Saves a model as a `.keras` archive in memory.
    ///
    /// # Errors
    /// When an object can't be serialized.
    pub fn save_model_to_bytes(&self, model: &Model) -> Result<Vec<u8>> {
        self.refuse_what_is_for_weights()?;
        let mut bytes = Cursor::new(Vec::new());
        self.parts(model)?.write(&mut bytes)?;
        Ok(bytes.into_inner())
    }

    /// Returns the members of an archive with the model.
    fn parts(&self, model: &Model) -> Result<Parts> {
        let layer = model.as_layer();
        warn_if_unbuilt(layer);
        layer.check_tracked(&[])?;
        let mut config = {
            let _sharing = SharingScope::enter();
            Handle::serialize(layer)?
        };
        legacy_config::without_old_compile(&mut config);
        let assets = assets::of(layer)?;
        let (weights, _) = by_path::build(layer, &[])?;
        let limits = &self.files.limits;
        check_tree(&weights, limits).at(WEIGHTS)?;
        let text = config.to_json();
        check_config(&config, &text, limits).at("config.json")?;
        let training_state = self.training_state.then(|| model.training_state()?.to_json()).transpose()?;
        Ok(Parts::new(text, weights, assets, self.files.deterministic)?.with(training_state, limits.clone()))
    }

    fn refuse_what_is_for_weights(&self) -> Result<()> {
        let skip: &[&str] = if self.objects_to_skip.is_empty() { &[] } else { &["objects_to_skip"] };
        self.files.refuse_what_is_for_weights(skip)
    }

    fn legacy(&self, model: &Model) -> Result<WeightTree> {
        warn_if_unbuilt(model.as_layer());
        model.as_layer().check_tracked(&[])?;
        assets::refuse(model.as_layer())?;
        let form = Handle::serialize(model.as_layer())?;
        let mut root = WeightTree::default();
        let text = legacy_config::downgrade_model(&form)?.to_json();
        check_config(&form, &text, &self.files.limits)?;
        root.attrs.insert("keras_version".into(), H5Attr::Str(KERAS_VERSION.into()));
        root.attrs.insert("backend".into(), H5Attr::Str("tensorflow".into()));
        root.attrs.insert("model_config".into(), H5Attr::Str(text));
        let compile = form.get("compile_config").filter(|_| self.files.include_optimizer);
        if let Some((training, optimizer)) = compile.map(legacy_config::training_config).transpose()?.flatten() {
            root.attrs.insert("training_config".into(), H5Attr::Str(training.to_json()));
            if let Some(version) = compile.and_then(legacy_config::old_version) {
                root.attrs.insert(legacy_config::TRAINING_VERSION.into(), H5Attr::Str(version.to_owned()));
            }
            legacy::put_optimizer(&mut root, model.as_layer(), &optimizer)?;
        }
        root.groups.insert(LEGACY_WEIGHTS.into(), legacy::build(model.as_layer())?);
        check_tree(&root, &self.files.limits)?;
        Ok(root)
    }

    /// Saves a model's weights: `.weights.h5`, `.weights.json` in shards, or `.safetensors`.
    ///
    /// # Errors
    /// When the name has another suffix (`weights.h5` is Keras's old form, which is read but not written), the model
    /// is not built, or the system refuses.
    pub fn save_weights(&self, model: &Model, path: impl AsRef<Path>) -> Result<()> {
        check_built(model, "You are saving a model that has not yet been built")?;
        model.as_layer().check_tracked(&self.objects_to_skip)?;
        let path = path.as_ref();
        let name = path.to_string_lossy();
        if let Some(gib) = self.files.max_shard_size {
            if !name.ends_with("weights.h5") && !name.ends_with("weights.json") {
                return Err(wrong_suffix(path, ".weights.json", "when `max_shard_size` is specified"));
            }
            let (tree, order) = by_path::build(model.as_layer(), &self.objects_to_skip)?;
            check_tree(&tree, &self.files.limits).at_with(|| name.clone().into_owned())?;
            let path = path.with_extension("json");
            return write_shards(&tree, &order, &path, gib * f64::from(1 << 30), &self.files.limits, self.files.fsync);
        }
        if name.ends_with(".weights.json") {
            let error = wrong_suffix(path, ".weights.h5", "");
            return Err(error.hint("with `max_shard_size`, weights are saved as `.weights.json`"));
        }
        if name.ends_with(".weights.h5") {
            let (tree, _) = by_path::build(model.as_layer(), &self.objects_to_skip)?;
            check_tree(&tree, &self.files.limits).at_with(|| name.clone().into_owned())?;
            return write_hdf5(&tree, path, &self.files.limits, self.files.fsync);
        }
        if name.ends_with(".safetensors") {
            return self.save_safetensors(model, path);
        }
        let error = wrong_suffix(path, ".weights.h5", "");
        let Some(stem) = [".h5", ".hdf5"].iter().find_map(|suffix| name.strip_suffix(suffix)) else {
            return Err(error);
        };
        Err(error.hint(format!("save to `{stem}.weights.h5`; `.h5` is for whole models: `save_model`")))
    }

    fn save_safetensors(&self, model: &Model, path: &Path) -> Result<()> {
        let config = self.files.embed_config.then(|| embedded(model)).transpose()?;
        let tensors = by_own_path::build(model.as_layer())?;
        write_file(path, self.files.fsync, |file| safetensors::write(tensors, config, BufWriter::new(file)))
    }
}

/// Returns the text of a model's configuration, in which layers that several models share are marked as one.
fn embedded(model: &Model) -> Result<String> {
    let _sharing = SharingScope::enter();
    let mut config = Handle::serialize(model.as_layer())?;
    legacy_config::without_old_compile(&mut config);
    Ok(config.to_json())
}

impl Model {
    /// Saves the model as `.keras` or legacy `.h5`.
    ///
    /// # Errors
    /// When an object can't be serialized, or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        SaveOptions::new().save_model(self, path)
    }

    /// Saves the weights as `.weights.h5` or `.safetensors`.
    ///
    /// # Errors
    /// When the name has another suffix, the model is not built, or the system refuses.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        SaveOptions::new().save_weights(self, path)
    }
}

/// Warns of a model without weights, as Keras does.
fn warn_if_unbuilt(model: &LayerRef) {
    if !model.base().is_built() {
        tracing::warn!(
            "You are saving a model that has not yet been built. It might not contain any weights yet. Consider \
             building the model first by calling it on some data, or with `Model::build` (model `{}`)",
            model.name()
        );
    }
}
