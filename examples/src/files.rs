//! Works on files without loading their models: inspects, scans, converts, edits and compares them.

use keras_serial::prelude::*;
use keras_serial::saving::{
    Change, FileEditor, Limits, ModelFile, Severity, convert, diff, inspect, lint, scan,
};

/// Runs the example.
pub fn main() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("keras-serial-files-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let layers = [Input::new([4]).layer(), Dense::new(8).activation("relu").shared(), Dense::new(2).shared()];
    let model = Sequential::new(layers)?;
    let path = directory.join("model.keras");
    model.save(&path)?;

    // What is in a file: class, layers, weights. No weight is read, and no object has to be registered.
    let limits = Limits::default();
    let contents = inspect(&path, &limits)?;
    println!("{contents}");
    assert_eq!((contents.layers.len(), contents.num_elements()), (3, 58));

    // Whether it may be opened: `scan` reads nothing but names; `lint` also loads the model.
    let report = scan(&path, &limits);
    println!("{report}");
    assert!(report.severity() < Some(Severity::Warning));
    assert!(lint(&path, &LoadOptions::new()).severity() < Some(Severity::Warning));
    std::fs::write(directory.join("broken.keras"), std::fs::read(&path)?.get(..600).unwrap_or_default())?;
    assert_eq!(scan(directory.join("broken.keras"), &limits).severity(), Some(Severity::Error));

    // Another format, told by the name; bit for bit, and without the model where weights are named alike.
    let weights = directory.join("model.weights.h5");
    convert(&path, &weights, &LoadOptions::new(), &SaveOptions::new())?;
    convert(&weights, directory.join("model.safetensors"), &LoadOptions::new(), &SaveOptions::new())?;

    // Changes in place: objects are named by their paths, or by their names where those are unique.
    let mut editor = FileEditor::open(&weights)?;
    println!("{}", editor.summary());
    editor.rename_object("layers/dense_1", "classifier")?;
    let edited = directory.join("edited.weights.h5");
    editor.save(&edited)?;

    // What differs: configurations, weights, assets. Values may differ by `atol + rtol · |second|`.
    let open = |path| ModelFile::open(path, &limits);
    let difference = diff(&open(&weights)?, &open(&edited)?, 0.0, 0.0)?;
    println!("{difference}");
    let count = |change: &Change| difference.weights.iter().filter(|weight| weight.change == *change).count();
    assert_eq!((count(&Change::Removed), count(&Change::Added)), (2, 2));
    assert!(diff(&open(&path)?, &open(&path)?, 0.0, 0.0)?.is_empty());

    std::fs::remove_dir_all(directory)?;
    Ok(())
}
