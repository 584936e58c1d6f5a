//! Converts files between formats that name weights alike.

use std::io::Write;
use std::path::Path;

use crate::config::wrong_type;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::{Look, write_file};
use crate::files::legacy::config::without_old_compile;
use crate::files::{
    FileForm, Layout, Limits, ModelFile, Parts, WeightTree, WriteOptions, check_config, check_tree, safetensors,
    write_hdf5, write_shards,
};

/// GiB of a shard where the options do not say it.
const SHARD_SIZE: f64 = 5.0;

/// Converts a file to another format, told by the file names, without changing any bit of a weight.
///
/// This works for formats that name weights alike, whatever classes the file needs: whole models and weights by the
/// paths of layers (`.keras`, a directory, `.weights.h5`, `.weights.json`; weights alone as `.safetensors` too, and from
/// there), legacy `.h5` among themselves, `.safetensors` among themselves, and the configuration of any as `.json`.
/// Shards are merged and split on the way; they have 5 GiB where the options have no
/// [`max_shard_size`](WriteOptions::max_shard_size). For the other formats the model itself is needed: see
/// `saving::convert`.
///
/// # Errors
/// When either file can't be read or written, or one holds what the other format can't.
pub fn convert(from: impl AsRef<Path>, to: impl AsRef<Path>, limits: &Limits, options: &WriteOptions) -> Result<()> {
    let from = from.as_ref();
    let file = ModelFile::look(from, limits, Look::Kept)?;
    convert_open(&file, &from.display().to_string(), to.as_ref(), options)
}

/// Converts a file that is open already; errors have its name.
///
/// # Errors
/// As [`convert`].
pub(crate) fn convert_open(file: &ModelFile, name: &str, to: &Path, options: &WriteOptions) -> Result<()> {
    if convert_file(file, to, options)? {
        return Ok(());
    }
    let form = options.form_of(to)?;
    Err(Error::new(ErrorKind::Unsupported, "only the model can tell how the other format names these weights")
        .expected(format!("weights in a form that names them as a file of the form `{form}` does"))
        .received(file.form.to_string())
        .hint("`saving::convert` deserializes the model on the way; it needs the feature `archive`")
        .at(name.to_owned()))
}

/// Converts a file without its model; returns false if that needs the model.
pub(crate) fn convert_file(file: &ModelFile, to: &Path, options: &WriteOptions) -> Result<bool> {
    let form = options.form_of(to)?;
    let options = options.with_shards(form);
    match Direct::of(file, form, &options) {
        Some(direct) => direct.write(to).map(|()| true),
        None => Ok(false),
    }
}

impl WriteOptions {
    /// Returns the format that is written at a path.
    pub(crate) fn form_of(&self, to: &Path) -> Result<FileForm> {
        if self.zipped { FileForm::of_name(to) } else { Ok(FileForm::Directory) }
    }

    /// Returns the options with the size of a shard, where shards are written.
    pub(crate) fn with_shards(&self, form: FileForm) -> Self {
        let mut options = self.clone();
        if form == FileForm::WeightsJson {
            options.max_shard_size.get_or_insert(SHARD_SIZE);
        }
        options
    }

    /// Returns an error if a whole model is written, and an option is for weights alone.
    pub(crate) fn refuse_what_is_for_weights(&self, others: &[&str]) -> Result<()> {
        let shards = self.max_shard_size.map(|_| "max_shard_size");
        let names: Vec<&str> = shards.into_iter().chain(others.iter().copied()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let text = "The following argument(s) are not supported when a whole model is saved";
        Err(Error::new(ErrorKind::InvalidArgument, text).received(names.join(", ")).hint("`save_weights` takes them"))
    }
}

/// A conversion that needs no model.
struct Direct<'a> {
    file: &'a ModelFile,
    options: &'a WriteOptions,
    write: fn(&Direct<'a>, &Path) -> Result<()>,
}

impl<'a> Direct<'a> {
    fn of(file: &'a ModelFile, form: FileForm, options: &'a WriteOptions) -> Option<Self> {
        let has_weights = file.weights.is_some();
        let write: fn(&Direct<'a>, &Path) -> Result<()> = match (file.layout, form) {
            (_, FileForm::Json) if file.config.is_some() => Self::write_json,
            _ if !has_weights => return None,
            (Layout::Paths, FileForm::WeightsH5 | FileForm::WeightsJson) => Self::write_weights,
            (Layout::Paths, FileForm::Keras) if file.config.is_some() => Self::write_archive,
            (Layout::Paths, FileForm::Directory) if file.config.is_some() => Self::write_directory,
            (Layout::Paths, FileForm::Safetensors) if file.config.is_none() => Self::write_safetensors,
            (Layout::Own, FileForm::Safetensors) => Self::write_safetensors,
            (Layout::Legacy, FileForm::LegacyH5) => Self::write_legacy,
            _ => return None,
        };
        (!file.is_of_keras2()).then_some(Self { file, options, write })
    }

    fn write(&self, to: &Path) -> Result<()> {
        (self.write)(self, to)
    }

    fn tree(&self) -> Result<&WeightTree> {
        let tree = self.file.weights.as_ref();
        let tree = tree.ok_or_else(|| Error::new(ErrorKind::Weights, "the file holds no weights"))?;
        check_tree(tree, &self.options.limits)?;
        Ok(tree)
    }

    /// Returns the text of the configuration, as in files of Keras 3.
    fn config(&self) -> Result<String> {
        let mut config = self.file.config.clone().unwrap_or_default();
        if config.as_dict().is_none() {
            return Err(wrong_type("a dict", &config).at("config.json"));
        }
        without_old_compile(&mut config);
        let text = config.to_json();
        check_config(&config, &text, &self.options.limits)?;
        Ok(text)
    }

    fn write_json(&self, to: &Path) -> Result<()> {
        let text = self.config().at_with(|| to.display().to_string())?;
        write_file(to, self.options.fsync, |file| Ok(file.write_all(text.as_bytes())?))
    }

    fn write_weights(&self, to: &Path) -> Result<()> {
        let tree = self.tree().at_with(|| to.display().to_string())?;
        let WriteOptions { limits, fsync, .. } = self.options;
        match self.options.max_shard_size {
            None => write_hdf5(tree, to, limits, *fsync),
            Some(gib) => {
                let index = to.with_extension("json");
                write_shards(tree, &tree.groups_with_contents(), &index, gib * f64::from(1 << 30), limits, *fsync)
            }
        }
    }

    fn parts(&self) -> Result<Parts> {
        self.options.refuse_what_is_for_weights(&[])?;
        let assets = self.file.assets.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())).collect();
        let parts = Parts::new(self.config()?, self.tree()?.clone(), assets, self.options.deterministic)?;
        let state = self.file.training_state.as_ref().map(crate::json::Value::to_json);
        Ok(parts.with(state, self.options.limits.clone()))
    }

    fn write_archive(&self, to: &Path) -> Result<()> {
        self.parts().at_with(|| to.display().to_string())?.write_file(to, self.options.fsync)
    }

    fn write_directory(&self, to: &Path) -> Result<()> {
        self.parts()
            .and_then(|parts| parts.write_directory(to, self.options.fsync))
            .at_with(|| to.display().to_string())
    }

    fn write_safetensors(&self, to: &Path) -> Result<()> {
        let is_whole = self.options.embed_config && self.file.config.is_some();
        let config = is_whole.then(|| self.config()).transpose().at_with(|| to.display().to_string())?;
        let tree = self.tree().at_with(|| to.display().to_string())?;
        safetensors::write_tree(tree, config, to, self.options.fsync)
    }

    /// Writes a legacy file, with the optimizer's state unless the options leave it out.
    fn write_legacy(&self, to: &Path) -> Result<()> {
        let tree = self.tree().at_with(|| to.display().to_string())?;
        if self.options.include_optimizer {
            return write_hdf5(tree, to, &self.options.limits, self.options.fsync);
        }
        let mut tree = tree.clone();
        tree.groups.shift_remove("optimizer_weights");
        tree.attrs.remove("training_config");
        write_hdf5(&tree, to, &self.options.limits, self.options.fsync)
    }
}
