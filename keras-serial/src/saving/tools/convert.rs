//! Converts files, by way of the model where the formats name weights differently.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::Look;
use crate::files::{FileForm, ModelFile, convert_file};
use crate::saving::{LoadOptions, SaveOptions};

/// Converts a file to another format, told by the file names, without changing any bit of a weight.
///
/// Forms that name weights alike are converted without the model, as [`files::convert`](crate::files::convert) does, so
/// that no custom object is needed. Else the model is made on the way: `load` needs its custom objects, or keeps those
/// that have no weights ([`LoadOptions::unknown`]); how the other form names weights is known to their class alone. Files of
/// Keras 2 are always converted so, and so is a load with rules.
///
/// # Errors
/// When either file can't be read or written, or one holds what the other form can't.
pub fn convert(from: impl AsRef<Path>, to: impl AsRef<Path>, load: &LoadOptions, save: &SaveOptions) -> Result<()> {
    let from = from.as_ref();
    let file = ModelFile::look(from, load.limits_in_force(), Look::Kept)?;
    convert_open(&file, &from.display().to_string(), to.as_ref(), load, save)
}

/// Converts a file that is open already; errors have its name.
///
/// # Errors
/// As [`convert`].
pub(crate) fn convert_open(
    file: &ModelFile,
    name: &str,
    to: &Path,
    load: &LoadOptions,
    save: &SaveOptions,
) -> Result<()> {
    let form = save.files.form_of(to)?;
    let is_plain = load.takes_all() && save.objects_to_skip.is_empty();
    if is_plain && convert_file(file, to, &save.files)? {
        return Ok(());
    }
    if file.config.is_none() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "only the model can tell how the other form names these weights",
        )
        .expected(format!("weights in a form that names them as a file of the form `{form}` does"))
        .received(format!("{} without a configuration", file.form))
        .hint("make the model, `load_weights` this file, and save the other one")
        .at(name.to_owned()));
    }
    // Nothing is trained on the way: what the file holds of it goes on as it is.
    let (model, _) = load.clone().compile(false).load_model_file(file).at_with(|| name.to_owned())?;
    let save = SaveOptions { files: save.files.with_shards(form), ..save.clone() };
    match form {
        FileForm::WeightsH5 | FileForm::WeightsJson | FileForm::Safetensors => save.save_weights(&model, to),
        _ => save.save_model(&model, to),
    }
}
