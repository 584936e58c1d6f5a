//! Reads what a file holds, in any format, before any object is deserialized from it.

use std::path::Path;

use bytes::Bytes;
use indexmap::IndexMap;

use super::members::{Directory, Members, Zip};
use super::unread::Unread;
use crate::config::wrong_type;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::{Look, Section, checksum as sum_of};
use crate::files::json_text::{json, json_of};
use crate::files::legacy::{self, config as legacy_config, keras2};
use crate::files::weights::open_shards;
use crate::files::zip::check_sum;
use crate::files::{FileForm, H5Attr, H5Reader, Limits, Source, WeightTree, ZipReader, safetensors};
use crate::json::Value;

/// How the weights in a file are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// By the paths of layers: `layers/dense/vars/0`.
    Paths,
    /// By the names of layers, with lists of names as attributes.
    Legacy,
    /// By the weights' own paths.
    Own,
}

/// An open Keras file: configuration, weights (read on demand) and assets.
///
/// ```no_run
/// use keras_serial::files::{Limits, ModelFile};
/// let file = ModelFile::open("model.keras", &Limits::default())?;
/// for path in file.weights().unwrap().paths() {
///     println!("{path}");
/// }
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelFile {
    pub(crate) form: FileForm,
    pub(crate) layout: Layout,
    pub(crate) metadata: Option<Value>,
    pub(crate) config: Option<Value>,
    pub(crate) weights: Option<WeightTree>,
    /// The part of the file that holds the weights, for the paths in errors.
    pub(crate) weights_place: &'static str,
    pub(crate) training_state: Option<Value>,
    /// Why a `compile_config` of Keras 2 could not be upgraded.
    pub(crate) compile_error: Option<(ErrorKind, String)>,
    /// The version of the old Keras whose `training_config` this file of ours keeps.
    pub(crate) compile_version: Option<String>,
    pub(crate) assets: IndexMap<String, Bytes>,
    /// What is in the file, and nothing reads.
    pub(crate) unread: Vec<Unread>,
}

impl ModelFile {
    /// Opens and checks a file of any format, told by its name.
    ///
    /// # Errors
    /// Names the file and the place in it: broken, cut short, over a limit, or of an unknown format.
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        Self::look(path.as_ref(), limits, Look::Checked)
    }

    pub(crate) fn look(path: &Path, limits: &Limits, look: Look) -> Result<Self> {
        let form = FileForm::of(path)?;
        Self::of_form(path, form, limits, look).at_with(|| path.display().to_string())
    }

    fn of_form(path: &Path, form: FileForm, limits: &Limits, look: Look) -> Result<Self> {
        if form == FileForm::Directory {
            let memory_map = look == Look::Mapped;
            return Self::archive(form, &Directory { root: path.to_owned(), limits, memory_map }, limits, look);
        }
        let file = Section::open(path, look == Look::Mapped)?;
        match form {
            FileForm::WeightsJson => {
                Ok(Self::only_weights(form, Layout::Paths, open_shards(path, file, limits, look)?))
            }
            form => Self::of_section(form, file, limits, look),
        }
    }

    /// Opens a file in memory; its first bytes tell the format.
    ///
    /// # Errors
    /// As [`ModelFile::open`].
    pub fn from_bytes(bytes: impl Into<Source>, limits: &Limits) -> Result<Self> {
        let source = bytes.into();
        let bytes = source.bytes();
        let form = if bytes.starts_with(b"\x89HDF") {
            FileForm::LegacyH5
        } else if bytes.first() == Some(&b'{') {
            FileForm::Json
        } else if bytes.get(8) == Some(&b'{') {
            FileForm::Safetensors
        } else {
            FileForm::Keras
        };
        Self::of_section(form, source.into_bytes().into(), limits, Look::Kept)
    }

    fn of_section(form: FileForm, file: Section, limits: &Limits, look: Look) -> Result<Self> {
        match form {
            FileForm::Keras => Self::archive(form, &Zip(ZipReader::of_section(file, limits)?), limits, look),
            FileForm::WeightsH5 => {
                let reader = H5Reader::of_section(file, limits)?;
                let tree = reader.root().into();
                Ok(Self { unread: trailing(&reader, ""), ..Self::only_weights(form, Layout::Paths, tree) })
            }
            FileForm::LegacyH5 => Self::legacy(file, limits),
            FileForm::Json => {
                let config = json_of(&file, limits)?;
                let version = config.get("keras_version").and_then(Value::as_str);
                let is_old = keras2::is_old(version) || (version.is_none() && config.get("module").is_none());
                let config = legacy_config::upgrade_model(config, is_old)?;
                Ok(Self { config: Some(config), ..Self::empty(form) })
            }
            FileForm::Safetensors => Self::safetensors(&file, limits),
            FileForm::Directory | FileForm::WeightsJson => {
                Err(Error::new(ErrorKind::InvalidArgument, format!("{form} is several files, not one")))
            }
        }
    }

    fn safetensors(file: &Section, limits: &Limits) -> Result<Self> {
        let (tree, config) = safetensors::read(file, limits)?;
        let config = config.map(|text| json(text.as_bytes(), limits)).transpose().at("__metadata__")?;
        let layout = if safetensors::is_by_paths(&tree) { Layout::Paths } else { Layout::Own };
        Ok(Self { config, ..Self::only_weights(FileForm::Safetensors, layout, tree) })
    }

    /// Returns a file that holds nothing, to compare others with.
    #[cfg(feature = "cli")]
    pub(crate) fn nothing() -> Self {
        Self::empty(FileForm::Json)
    }

    fn empty(form: FileForm) -> Self {
        Self {
            form,
            layout: Layout::Paths,
            metadata: None,
            config: None,
            weights: None,
            weights_place: "",
            training_state: None,
            compile_error: None,
            compile_version: None,
            assets: IndexMap::new(),
            unread: Vec::new(),
        }
    }

    fn only_weights(form: FileForm, layout: Layout, tree: WeightTree) -> Self {
        Self { layout, weights: Some(tree), ..Self::empty(form) }
    }

    fn archive(form: FileForm, members: &dyn Members, limits: &Limits, look: Look) -> Result<Self> {
        if !members.contains("config.json") {
            return Err(match form {
                FileForm::Directory => Error::new(ErrorKind::Archive, "the directory has no `config.json`")
                    .hint("the directory of a model has one; this may be another one"),
                _ => Error::new(ErrorKind::Archive, "the archive has no `config.json`")
                    .hint("a `.keras` file has one; this may be another zip"),
            });
        }
        let mut file = Self { weights_place: WEIGHTS, unread: members.unread(), ..Self::empty(form) };
        if members.contains("metadata.json") {
            let metadata = json(&members.text("metadata.json")?, limits).at("metadata.json")?;
            if metadata.as_dict().is_none() {
                return Err(wrong_type("a dict", &metadata).at("metadata.json"));
            }
            file.metadata = Some(metadata);
        }
        let mut config = json(&members.text("config.json")?, limits).at("config.json")?;
        if file.is_of_keras2() {
            keras2::upgrade_archive(&mut config).at("config.json")?;
        }
        file.config = Some(config);
        if !members.contains(WEIGHTS) {
            let hint = if members.contains("model.weights.npz") {
                "weights in NumPy's format are pickled, and not read"
            } else {
                "the file may be cut short"
            };
            return Err(Error::new(ErrorKind::Archive, "the archive has no `model.weights.h5`").hint(hint));
        }
        let reader = weights(members, limits, look).at(WEIGHTS)?;
        file.unread.extend(trailing(&reader, WEIGHTS));
        file.weights = Some(reader.root().into());
        if members.contains(TRAINING_STATE) {
            file.training_state = Some(json(&members.text(TRAINING_STATE)?, limits).at(TRAINING_STATE)?);
        }
        for name in members.names()? {
            if name.starts_with("assets/") && !name.ends_with('/') {
                let bytes = members.bytes(&name)?;
                file.assets.insert(name, bytes);
            }
        }
        Ok(file)
    }

    fn legacy(file: Section, limits: &Limits) -> Result<Self> {
        let reader = H5Reader::of_section(file, limits)?;
        Ok(Self { unread: trailing(&reader, ""), ..Self::legacy_tree(&reader, limits)? })
    }

    fn legacy_tree(reader: &H5Reader, limits: &Limits) -> Result<Self> {
        let mut root: WeightTree = reader.root().into();
        if let Some(H5Attr::Str(text)) = root.attrs.get("model_config") {
            let place = "model_config";
            let version = root.attrs.get("keras_version").and_then(H5Attr::as_str);
            let is_old = version.is_none() || keras2::is_old(version);
            let config = json(text.as_bytes(), limits);
            let config = config.and_then(|config| legacy_config::upgrade_model(config, is_old)).at(place)?;
            let mut file = Self { layout: Layout::Legacy, config: Some(config), ..Self::empty(FileForm::LegacyH5) };
            if let Some(H5Attr::Str(text)) = root.attrs.get("training_config") {
                let training = json(text.as_bytes(), limits).at("training_config")?;
                let version = root.attrs.get(legacy_config::TRAINING_VERSION).and_then(H5Attr::as_str);
                file.compile_version = version.filter(|version| keras2::is_old(Some(version))).map(str::to_owned);
                let is_old = is_old || file.compile_version.is_some();
                let model = file.config.clone().unwrap_or_default();
                let compile = match legacy_config::compile_config(&training, &model, is_old) {
                    // Only needed if the model is compiled.
                    Err(error) if is_old => {
                        let error = error.at("training_config");
                        file.compile_error = Some((error.kind(), error.to_string()));
                        Value::Dict(keras2::training_config(&training).at("training_config")?)
                    }
                    compile => compile.at("training_config")?,
                };
                if let Some(Value::Dict(config)) = &mut file.config {
                    config.insert("compile_config".into(), compile);
                }
            }
            file.weights_place = legacy::WEIGHTS;
            if !root.groups.contains_key(legacy::WEIGHTS) {
                return Err(Error::new(ErrorKind::Hdf5, "the file has no group `model_weights`"));
            }
            file.weights = Some(root);
            return Ok(file);
        }
        // Files of weights alone have the groups in the root.
        let is_legacy = root.attrs.keys().any(|name| name.starts_with("layer_names"));
        if !is_legacy && let Some(weights) = root.groups.swap_remove(legacy::WEIGHTS) {
            root = WeightTree::default();
            root.groups.insert(legacy::WEIGHTS.into(), weights);
            return Ok(Self {
                weights_place: legacy::WEIGHTS,
                ..Self::only_weights(FileForm::LegacyH5, Layout::Legacy, root)
            });
        }
        let layout = if is_legacy || root.groups.is_empty() { Layout::Legacy } else { Layout::Paths };
        Ok(Self::only_weights(FileForm::LegacyH5, layout, root))
    }

    /// Returns the file's format.
    pub fn form(&self) -> FileForm {
        self.form
    }

    /// Returns the model's serialized form, as Keras 3 writes it; `None` in files of weights.
    pub fn config(&self) -> Option<&Value> {
        self.config.as_ref()
    }

    /// Returns the metadata: version and date.
    pub fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref()
    }

    /// Returns the version of Keras that wrote the file, if the file says so.
    pub fn keras_version(&self) -> Option<&str> {
        let of_metadata = self.metadata.as_ref().and_then(|metadata| metadata.get("keras_version")?.as_str());
        of_metadata.or_else(|| {
            let root = self.weights.as_ref()?;
            let group = root.groups.get(legacy::WEIGHTS).unwrap_or(root);
            root.attrs.get("keras_version").or_else(|| group.attrs.get("keras_version"))?.as_str()
        })
    }

    /// Returns true if a Keras before 3 wrote the file.
    pub(crate) fn is_of_keras2(&self) -> bool {
        keras2::is_old(self.keras_version())
    }

    /// Returns whether a Keras before 3 wrote the compile config and the optimizer's state.
    pub(crate) fn is_compiled_by_keras2(&self) -> bool {
        self.is_of_keras2() || self.compile_version.is_some()
    }

    /// Returns the weights, which are read on demand; `None` in files with a configuration alone.
    pub fn weights(&self) -> Option<&WeightTree> {
        self.weights.as_ref()
    }

    /// Returns the assets with their paths in the archive.
    pub fn assets(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.assets.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref()))
    }
}

/// The member of an archive that holds the weights.
pub(crate) const WEIGHTS: &str = "model.weights.h5";

/// The member that `SaveOptions::training_state` adds.
pub(crate) const TRAINING_STATE: &str = "training_state.json";

/// Opens the weights of an archive, as far as `look` asks.
fn weights(members: &dyn Members, limits: &Limits, look: Look) -> Result<H5Reader> {
    let (file, checksum) = members.section(WEIGHTS)?;
    let checksum = checksum.filter(|_| look != Look::Names);
    let in_file = file.in_file().is_some();
    if let Some(checksum) = checksum.filter(|_| !in_file || look != Look::Kept && look != Look::Mapped) {
        check_sum(sum_of(&file)?, checksum)?;
        return H5Reader::of_section(file, limits);
    }
    let Some(checksum) = checksum else { return H5Reader::of_section(file, limits) };
    let mut reader = match H5Reader::of_section(file.clone(), limits) {
        Ok(reader) => reader,
        Err(error) => {
            // A wrong checksum explains the error better.
            check_sum(sum_of(&file)?, checksum)?;
            return Err(error);
        }
    };
    reader.read_all(&file, checksum)?;
    Ok(reader)
}

/// Returns the bytes after the end of an HDF5 file.
fn trailing(reader: &H5Reader, place: &str) -> Vec<Unread> {
    Unread::bytes(place, reader.trailing(), "after the end of the HDF5 file").into_iter().collect()
}
