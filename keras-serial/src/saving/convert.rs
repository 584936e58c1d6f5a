//! Converts files: directly if both formats name weights alike, else by way of the model.

use std::io::Write;
use std::path::Path;

use super::atomic::write_file;
use super::contents::{Layout, Look};
use super::loadable::{check_config, check_tree};
use super::parts::Parts;
use super::stored::WeightTree;
use super::written::write_hdf5;
use super::{FileForm, LoadOptions, ModelFile, SaveOptions, legacy_config, shards};
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// GiB of a shard where the options do not say it.
const SHARD_SIZE: f64 = 5.0;

/// Converts a file to another format, told by the file names, without changing any bit of a weight.
///
/// Forms that name weights alike are converted without the model, so that no custom object is needed: whole
/// models and weights by the paths of layers (`.keras`, a directory, `.weights.h5`, `.weights.json`; weights
/// alone as `.safetensors` too, and from there), legacy `.h5` among themselves, `.safetensors` among
/// themselves, and the configuration of any as `.json`. Else the model is made on the way: `load` needs its
/// custom objects. Files of Keras 2 are always converted so, and so is a load with rules. Shards have 5 GiB
/// where `save` has no [`max_shard_size`](SaveOptions::max_shard_size).
///
/// # Errors
/// When either file can't be read or written, or one holds what the other form can't.
pub fn convert(from: impl AsRef<Path>, to: impl AsRef<Path>, load: &LoadOptions, save: &SaveOptions) -> Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let file = ModelFile::look(from, load.limits_in_force(), Look::Kept)?;
    let form = if save.zipped { FileForm::of_name(to)? } else { FileForm::Directory };
    let mut save = save.clone();
    if form == FileForm::WeightsJson {
        save.max_shard_size.get_or_insert(SHARD_SIZE);
    }
    if let Some(direct) = Direct::of(&file, form, load, &save) {
        return direct.write(to);
    }
    if file.config.is_none() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "only the model can tell how the other form names these weights",
        )
        .expected(format!("weights in a form that names them as a file of the form `{form}` does"))
        .received(format!("{} without a configuration", file.form))
        .hint("make the model, `load_weights` this file, and save the other one")
        .at(from.display().to_string()));
    }
    // Nothing is trained on the way: what the file holds of it goes on as it is.
    let (model, _) = load.clone().compile(false).load_model_file(&file).at_with(|| from.display().to_string())?;
    match form {
        FileForm::WeightsH5 | FileForm::WeightsJson | FileForm::Safetensors => save.save_weights(&model, to),
        _ => save.save_model(&model, to),
    }
}

/// A conversion that needs no model.
struct Direct<'a> {
    file: &'a ModelFile,
    save: &'a SaveOptions,
    write: fn(&Direct<'a>, &Path) -> Result<()>,
}

impl<'a> Direct<'a> {
    fn of(file: &'a ModelFile, form: FileForm, load: &LoadOptions, save: &'a SaveOptions) -> Option<Self> {
        let is_plain = load.takes_all() && save.objects_to_skip.is_empty() && !file.is_of_keras2();
        let has_weights = file.weights.is_some();
        let write: fn(&Direct<'a>, &Path) -> Result<()> = match (file.layout, form) {
            (_, FileForm::Json) if file.config.is_some() => Self::write_json,
            _ if !has_weights => return None,
            (Layout::Paths, FileForm::WeightsH5 | FileForm::WeightsJson) => Self::write_weights,
            (Layout::Paths, FileForm::Keras) if file.config.is_some() => Self::write_archive,
            (Layout::Paths, FileForm::Directory) if file.config.is_some() => Self::write_directory,
            #[cfg(feature = "safetensors")]
            (Layout::Paths, FileForm::Safetensors) if file.config.is_none() => Self::write_safetensors,
            #[cfg(feature = "safetensors")]
            (Layout::Own, FileForm::Safetensors) => Self::write_safetensors,
            (Layout::Legacy, FileForm::LegacyH5) => Self::write_legacy,
            _ => return None,
        };
        is_plain.then_some(Self { file, save, write })
    }

    fn write(&self, to: &Path) -> Result<()> {
        (self.write)(self, to)
    }

    fn tree(&self) -> Result<&WeightTree> {
        let tree = self.file.weights.as_ref();
        let tree = tree.ok_or_else(|| Error::new(ErrorKind::Weights, "the file holds no weights"))?;
        check_tree(tree, &self.save.limits)?;
        Ok(tree)
    }

    /// Returns the text of the configuration, as in files of Keras 3.
    fn config(&self) -> Result<String> {
        let mut config = self.file.config.clone().unwrap_or_default();
        legacy_config::without_old_compile(&mut config);
        let text = config.to_json();
        check_config(&config, &text, &self.save.limits)?;
        Ok(text)
    }

    fn write_json(&self, to: &Path) -> Result<()> {
        let text = self.config().at_with(|| to.display().to_string())?;
        write_file(to, self.save.fsync, |file| Ok(file.write_all(text.as_bytes())?))
    }

    fn write_weights(&self, to: &Path) -> Result<()> {
        let tree = self.tree().at_with(|| to.display().to_string())?;
        let SaveOptions { limits, fsync, .. } = self.save;
        match self.save.max_shard_size {
            None => write_hdf5(tree, to, limits, *fsync),
            Some(gib) => {
                let index = to.with_extension("json");
                shards::write(tree, &tree.groups_with_contents(), &index, gib * f64::from(1 << 30), limits, *fsync)
            }
        }
    }

    fn parts(&self) -> Result<Parts> {
        self.save.refuse_what_is_for_weights()?;
        let assets = self.file.assets.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())).collect();
        let parts = Parts::new(self.config()?, self.tree()?.clone(), assets, self.save.deterministic)?;
        let state = self.file.training_state.as_ref().map(crate::json::Value::to_json);
        Ok(parts.with(state, self.save.limits.clone()))
    }

    fn write_archive(&self, to: &Path) -> Result<()> {
        self.parts().at_with(|| to.display().to_string())?.write_file(to, self.save.fsync)
    }

    fn write_directory(&self, to: &Path) -> Result<()> {
        self.parts().and_then(|parts| parts.write_directory(to, self.save.fsync)).at_with(|| to.display().to_string())
    }

    #[cfg(feature = "safetensors")]
    fn write_safetensors(&self, to: &Path) -> Result<()> {
        let is_whole = self.save.embed_config && self.file.config.is_some();
        let config = is_whole.then(|| self.config()).transpose().at_with(|| to.display().to_string())?;
        let tree = self.tree().at_with(|| to.display().to_string())?;
        super::safetensors::write_tree(tree, config, to, self.save.fsync)
    }

    /// Writes a legacy file, with the optimizer's state unless the options leave it out.
    fn write_legacy(&self, to: &Path) -> Result<()> {
        let tree = self.tree().at_with(|| to.display().to_string())?;
        if self.save.include_optimizer {
            return write_hdf5(tree, to, &self.save.limits, self.save.fsync);
        }
        let mut tree = tree.clone();
        tree.groups.shift_remove("optimizer_weights");
        tree.attrs.remove("training_config");
        write_hdf5(&tree, to, &self.save.limits, self.save.fsync)
    }
}
