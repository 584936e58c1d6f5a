//! Converting files from one format to another.

use std::path::Path;

use super::contents::{Look, ModelFile};
use super::{LoadOptions, SaveOptions};
use crate::error::{Result, ResultExt};

/// Converts a file to another format, told by the file names, without changing any bit of a weight.
///
/// The model is deserialized on the way, so `load` needs its custom objects.
///
/// # Errors
/// When either file can't be read or written, or the target format can't hold the contents.
pub fn convert(from: impl AsRef<Path>, to: impl AsRef<Path>, load: &LoadOptions, save: &SaveOptions) -> Result<()> {
    let to = to.as_ref();
    let file = ModelFile::look(from.as_ref(), load.limits_in_force(), Look::Kept)?;
    // Not compiled, so that the training configuration and state are passed through unchanged.
    let (model, _) =
        load.clone().compile(false).load_model_file(&file).at_with(|| from.as_ref().display().to_string())?;
    let name = to.to_string_lossy();
    let weights_alone = [".weights.h5", ".weights.json", ".safetensors"].iter().any(|suffix| name.ends_with(suffix));
    if weights_alone { save.save_weights(&model, to) } else { save.save_model(&model, to) }
}
