//! Loads a model with unknown classes, and saves it in every form that keeps them: `placeholders FOLDER OUT`, as
//! `tests/exchange/run` calls it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keras_serial::files::FileEditor;
use keras_serial::prelude::*;
use keras_serial::registry::Unknown;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [folder, out] = arguments.as_slice() else {
        eprintln!("usage: placeholders FOLDER OUT");
        return ExitCode::from(2);
    };
    match save(folder, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn save(folder: &Path, out: &Path) -> Result<()> {
    let keep = LoadOptions::new().unknown(Unknown::Keep);
    let legacy = keep.load_model(folder.join("model.h5"))?;
    legacy.save(out.join("model.h5"))?;

    let model = keep.load_model(folder.join("model.keras"))?;
    model.save(out.join("model.keras"))?;
    model.save_weights(out.join("model.weights.h5"))?;

    // Edited in memory: the outputs are doubled. Edited in the file: a rate.
    let head = model.get_layer("head")?;
    let doubled = head.get_weights().iter().map(|weight| weight * 2.0).collect::<Result<Vec<_>>>()?;
    head.set_weights(&doubled)?;
    model.save(out.join("edited.keras"))?;
    let mut editor = FileEditor::open(out.join("edited.keras"))?;
    editor.set_config("config/layers[dropped]/config/rate", 0.5)?;
    editor.save(out.join("edited.keras"))
}
