//! A `.keras` file is a zip archive of JSON and HDF5; two saves of one model can be equal byte for byte.

use keras_serial::prelude::*;
use keras_serial::saving::ZipReader;

/// Runs the example.
pub fn main() -> Result<()> {
    let model = Sequential::new([Input::new([4]).layer(), Dense::new(2).shared()])?;
    let first = SaveOptions::new().deterministic(true).save_model_to_bytes(&model)?;
    let second = SaveOptions::new().deterministic(true).save_model_to_bytes(&model)?;
    assert_eq!(first, second);

    let archive = ZipReader::open(first.into(), &Default::default())?;
    let names: Vec<&str> = archive.members().iter().map(|member| member.name.as_str()).collect();
    println!("{names:?}");
    assert_eq!(names, ["metadata.json", "config.json", "model.weights.h5"]);
    Ok(())
}
