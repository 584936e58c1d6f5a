//! Saves models and weights, in every format that Keras still writes, and as `.safetensors`.

use std::io::{BufWriter, Cursor, Seek, Write};
use std::path::Path;

use super::assets::ASSETS;
use super::atomic::{refuse_file, write_directory, write_file};
use super::contents::TRAINING_STATE;
use super::form::wrong_suffix;
use super::load::check_built;
use super::loadable::{check_config, check_tree};
use super::moment::Moment;
use super::stored::WeightTree;
use super::written::{KERAS_VERSION, verify, write_hdf5};
use super::{H5Attr, Limits, ZipReader, ZipTime, ZipWriter, assets, legacy, legacy_config, shards, weights};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::layers::LayerRef;
use crate::models::Model;
use crate::object::{Handle, SharingScope};

const WEIGHTS: &str = "model.weights.h5";

/// Options for saving a model or its weights.
///
/// ```no_run
/// # use keras_serial::saving::{SaveOptions, load_model};
/// # let model = load_model("model.keras")?;
/// SaveOptions::new().max_shard_size(2.0).save_weights(&model, "model.weights.json")?;
/// SaveOptions::new().zipped(false).save_model(&model, "model_directory")?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`save_model` and its like do the saving"]
pub struct SaveOptions {
    deterministic: bool,
    zipped: bool,
    max_shard_size: Option<f64>,
    include_optimizer: bool,
    embed_config: bool,
    fsync: bool,
    training_state: bool,
    objects_to_skip: Vec<LayerRef>,
    limits: Limits,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            deterministic: false,
            zipped: true,
            max_shard_size: None,
            include_optimizer: true,
            embed_config: false,
            fsync: true,
            training_state: false,
            objects_to_skip: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl SaveOptions {
    /// Creates the default options, which save as Keras does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the date is left out, so that two saves of one model are equal byte for byte; false by default.
    pub fn deterministic(mut self, deterministic: bool) -> Self {
        self.deterministic = deterministic;
        self
    }

    /// Sets whether to write one archive (true, the default) or a directory of its members.
    pub fn zipped(mut self, zipped: bool) -> Self {
        self.zipped = zipped;
        self
    }

    /// Splits weights over files of at most this many GiB, with an index `.weights.json` (`save_weights` only).
    pub fn max_shard_size(mut self, gib: f64) -> Self {
        self.max_shard_size = Some(gib);
        self
    }

    /// Sets whether a legacy file includes the optimizer's state; true by default.
    pub fn include_optimizer(mut self, include_optimizer: bool) -> Self {
        self.include_optimizer = include_optimizer;
        self
    }

    /// Sets whether the metadata of a `.safetensors` file holds the configuration; false by default.
    pub fn embed_config(mut self, embed_config: bool) -> Self {
        self.embed_config = embed_config;
        self
    }

    /// Sets whether saving waits until the file is on the disk; true by default. If false, saving is faster, but a
    /// power failure soon after may lose the file. In either case, a file is there completely or not at all.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
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
        self.limits = limits;
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
        if !self.zipped {
            if name.ends_with(".keras") {
                let text = "When using `zipped=False`, the `filepath` argument should not end in `.keras`";
                let error = Error::new(ErrorKind::InvalidArgument, text);
                return Err(error.received(format!("filepath={name}")).at(name.into_owned()));
            }
            return Parts::of(model, self)?.write_directory(path, self.fsync).at_with(|| path.display().to_string());
        }
        if name.ends_with(".keras") {
            let parts = Parts::of(model, self).at_with(|| name.clone().into_owned())?;
            return parts.write_file(path, self.fsync);
        }
        if self.training_state {
            let error =
                Error::new(ErrorKind::InvalidArgument, "only `.keras` files and directories have a training state");
            return Err(error.received(format!("filepath={name}")).at(name.into_owned()));
        }
        if !name.ends_with(".weights.h5") && (name.ends_with(".h5") || name.ends_with(".hdf5")) {
            let tree = self.legacy(model).at_with(|| name.clone().into_owned())?;
            return write_hdf5(&tree, path, &self.limits, self.fsync);
        }
        if name.ends_with(".json") && !name.ends_with(".weights.json") {
            let mut config = Handle::serialize(model.as_layer())?;
            legacy_config::without_old_compile(&mut config);
            let text = config.to_json();
            check_config(&config, &text, &self.limits).at_with(|| name.clone().into_owned())?;
            return write_file(path, self.fsync, |file| Ok(file.write_all(text.as_bytes())?));
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
        Parts::of(model, self)?.write(&mut bytes)?;
        Ok(bytes.into_inner())
    }

    fn refuse_what_is_for_weights(&self) -> Result<()> {
        let given =
            [("max_shard_size", self.max_shard_size.is_some()), ("objects_to_skip", !self.objects_to_skip.is_empty())];
        let names: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let text = "The following argument(s) are not supported when a whole model is saved";
        Err(Error::new(ErrorKind::InvalidArgument, text).received(names.join(", ")).hint("`save_weights` takes them"))
    }

    fn legacy(&self, model: &Model) -> Result<WeightTree> {
        model.as_layer().check_tracked(&[])?;
        assets::refuse(model.as_layer())?;
        let form = Handle::serialize(model.as_layer())?;
        let mut root = WeightTree::default();
        let text = legacy_config::downgrade_model(&form)?.to_json();
        check_config(&form, &text, &self.limits)?;
        root.attrs.insert("keras_version".into(), H5Attr::Str(KERAS_VERSION.into()));
        root.attrs.insert("backend".into(), H5Attr::Str("tensorflow".into()));
        root.attrs.insert("model_config".into(), H5Attr::Str(text));
        let compile = form.get("compile_config").filter(|_| self.include_optimizer);
        if let Some((training, optimizer)) = compile.map(legacy_config::training_config).transpose()?.flatten() {
            root.attrs.insert("training_config".into(), H5Attr::Str(training.to_json()));
            if let Some(version) = compile.and_then(legacy_config::old_version) {
                root.attrs.insert(legacy_config::TRAINING_VERSION.into(), H5Attr::Str(version.to_owned()));
            }
            legacy::put_optimizer(&mut root, model.as_layer(), &optimizer)?;
        }
        root.groups.insert(legacy::WEIGHTS.into(), legacy::build(model.as_layer())?);
        check_tree(&root, &self.limits)?;
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
        if let Some(gib) = self.max_shard_size {
            if !name.ends_with("weights.h5") && !name.ends_with("weights.json") {
                return Err(wrong_suffix(path, ".weights.json", "when `max_shard_size` is specified"));
            }
            let (tree, order) = weights::build(model.as_layer(), &self.objects_to_skip)?;
            check_tree(&tree, &self.limits).at_with(|| name.clone().into_owned())?;
            let path = path.with_extension("json");
            return shards::write(&tree, &order, &path, gib * f64::from(1 << 30), &self.limits, self.fsync);
        }
        if name.ends_with(".weights.json") {
            let error = wrong_suffix(path, ".weights.h5", "");
            return Err(error.hint("with `max_shard_size`, weights are saved as `.weights.json`"));
        }
        if name.ends_with(".weights.h5") {
            let (tree, _) = weights::build(model.as_layer(), &self.objects_to_skip)?;
            check_tree(&tree, &self.limits).at_with(|| name.clone().into_owned())?;
            return write_hdf5(&tree, path, &self.limits, self.fsync);
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

    #[cfg(feature = "safetensors")]
    fn save_safetensors(&self, model: &Model, path: &Path) -> Result<()> {
        let config = self.embed_config.then(|| model.to_json()).transpose()?;
        let tensors = super::safetensors::build(model.as_layer())?;
        write_file(path, self.fsync, |file| super::safetensors::write(tensors, config, BufWriter::new(file)))
    }

    #[cfg(not(feature = "safetensors"))]
    fn save_safetensors(&self, _: &Model, path: &Path) -> Result<()> {
        let error = Error::new(ErrorKind::Unsupported, "this build does not write safetensors");
        Err(error.hint("enable the feature `safetensors`").at(path.display().to_string()))
    }
}

/// The members of an archive, serialized before the file is opened.
pub(super) struct Parts {
    pub metadata: String,
    pub config: String,
    pub weights: WeightTree,
    pub training_state: Option<String>,
    pub assets: Vec<(String, Vec<u8>)>,
    pub time: Option<ZipTime>,
    limits: Limits,
}

impl Parts {
    fn of(model: &Model, options: &SaveOptions) -> Result<Self> {
        let layer = model.as_layer();
        layer.check_tracked(&[])?;
        let mut config = {
            let _sharing = SharingScope::enter();
            Handle::serialize(layer)?
        };
        legacy_config::without_old_compile(&mut config);
        let assets = assets::of(layer)?;
        let (weights, _) = weights::build(layer, &[])?;
        check_tree(&weights, &options.limits).at(WEIGHTS)?;
        let text = config.to_json();
        check_config(&config, &text, &options.limits).at("config.json")?;
        let training_state = options.training_state.then(|| model.training_state()?.to_json()).transpose()?;
        let limits = options.limits.clone();
        Ok(Self { training_state, limits, ..Self::new(text, weights, assets, options.deterministic)? })
    }

    /// Serializes a model for an archive that is saved now.
    pub fn new(
        config: String,
        weights: WeightTree,
        assets: Vec<(String, Vec<u8>)>,
        deterministic: bool,
    ) -> Result<Self> {
        let now = if deterministic { Moment::START } else { Moment::now() };
        let metadata = Value::Dict(Dict::from([
            ("keras_version".to_owned(), Value::from(KERAS_VERSION)),
            ("date_saved".to_owned(), Value::from(now.text())),
        ]));
        let time = (!deterministic).then(|| now.zip_time()).transpose()?;
        Ok(Self {
            metadata: metadata.to_json(),
            config,
            weights,
            training_state: None,
            assets,
            time,
            limits: Limits::default(),
        })
    }

    /// Writes a `.keras` file, and reads names and shapes back before it replaces the old file.
    pub fn write_file(self, path: &Path, fsync: bool) -> Result<()> {
        let (expected, limits) = (self.weights.clone(), self.limits.clone());
        write_file(path, fsync, |file| {
            self.write(BufWriter::new(&mut *file))?;
            verify(file, &expected, &limits, |file| Ok(ZipReader::of_section(file, &limits)?.section(WEIGHTS)?.0))
        })
    }

    /// Writes a `.keras` archive.
    pub fn write(self, output: impl Write + Seek) -> Result<()> {
        let mut archive = ZipWriter::new(output);
        if let Some(time) = self.time {
            archive = archive.with_time(time);
        }
        archive.add("metadata.json", self.metadata.as_bytes())?;
        archive.add("config.json", self.config.as_bytes())?;
        let bound = self.weights.size_bound().saturating_mul(2);
        let weights = self.weights.to_hdf5()?;
        archive.add_with(WEIGHTS, bound, |member| weights.write(member))?;
        if let Some(text) = &self.training_state {
            archive.add(TRAINING_STATE, text.as_bytes())?;
        }
        for (name, bytes) in &self.assets {
            archive.add(name, bytes)?;
        }
        archive.finish()?.flush()?;
        Ok(())
    }

    /// Writes the members of an archive into a directory.
    pub fn write_directory(self, path: &Path, fsync: bool) -> Result<()> {
        if let Some((name, _)) = self.assets.iter().find(|(name, _)| !stays_inside(name)) {
            let text = "the name of an asset leads out of the directory";
            return Err(Error::new(ErrorKind::Archive, text).at(name.clone()));
        }
        match Standing::at(path)? {
            Standing::Nothing | Standing::Model => write_directory(path, fsync, |new| self.write_members(new, fsync)),
            Standing::Others => self.write_beside_others(path, fsync),
        }
    }

    /// Writes the members into a directory in which the user keeps other files: those stay, and members of an earlier
    /// model are removed.
    fn write_beside_others(&self, path: &Path, fsync: bool) -> Result<()> {
        let folder = path.join(ASSETS);
        let found = folder.symlink_metadata().ok();
        let has_assets = found.is_some();
        if found.is_some_and(|found| !found.is_dir() || !path.join(WEIGHTS).exists()) {
            let text = "the directory has a folder `assets` that is no model's";
            let error = Error::new(ErrorKind::Io, text).at(ASSETS);
            return Err(error.hint("save the model into a directory of its own"));
        }
        write_hdf5(&self.weights, &path.join(WEIGHTS), &self.limits, fsync)?;
        if has_assets || !self.assets.is_empty() {
            write_directory(&folder, fsync, |new| self.write_assets(new, fsync))?;
        }
        if self.assets.is_empty() && has_assets {
            std::fs::remove_dir(&folder)?;
        }
        if self.training_state.is_none() {
            remove_if_there(&path.join(TRAINING_STATE))?;
        }
        self.write_texts(path, fsync)
    }

    /// Writes all assets into their folder.
    fn write_assets(&self, folder: &Path, fsync: bool) -> Result<()> {
        for (name, bytes) in &self.assets {
            let file = folder.join(name.strip_prefix("assets/").unwrap_or(name));
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            write_file(&file, fsync, |file| Ok(file.write_all(bytes)?))?;
        }
        Ok(())
    }

    fn write_members(&self, path: &Path, fsync: bool) -> Result<()> {
        self.write_assets(&path.join(ASSETS), fsync)?;
        write_hdf5(&self.weights, &path.join(WEIGHTS), &self.limits, fsync)?;
        self.write_texts(path, fsync)
    }

    fn write_texts(&self, path: &Path, fsync: bool) -> Result<()> {
        let text =
            |name: &str, text: &str| write_file(&path.join(name), fsync, |file| Ok(file.write_all(text.as_bytes())?));
        if let Some(state) = &self.training_state {
            text(TRAINING_STATE, state)?;
        }
        text("config.json", &self.config)?;
        text("metadata.json", &self.metadata)
    }
}

fn stays_inside(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']))
}

/// What exists at the path where a model's directory is to be written.
enum Standing {
    /// Nothing, or an empty directory.
    Nothing,
    /// A model's directory, with nothing else in it.
    Model,
    /// A directory with other files.
    Others,
}

impl Standing {
    fn at(path: &Path) -> Result<Self> {
        refuse_file(path)?;
        if !path.is_dir() {
            return Ok(Self::Nothing);
        }
        let mut is_empty = true;
        for entry in std::fs::read_dir(path)? {
            is_empty = false;
            let known = ["config.json", "metadata.json", WEIGHTS, TRAINING_STATE, ASSETS].map(Some);
            if !known.contains(&entry?.file_name().to_str()) {
                return Ok(Self::Others);
            }
        }
        // A folder `assets` without weights may be the user's own.
        Ok(if is_empty {
            Self::Nothing
        } else if path.join(WEIGHTS).exists() {
            Self::Model
        } else {
            Self::Others
        })
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
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
