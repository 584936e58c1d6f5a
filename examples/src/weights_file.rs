//! Saves and loads weights alone, in a separate file.

use keras_serial::prelude::*;

fn model() -> Result<Model> {
    Sequential::new([Input::new([4]).layer(), Dense::new(8).activation("relu").shared(), Dense::new(2).shared()])
}

/// Runs the example.
pub fn main() -> Result<()> {
    let (saved, loaded) = (model()?, model()?);
    let name = format!("keras_serial_{}", std::process::id());
    let path = std::env::temp_dir().join(format!("{name}.weights.h5"));
    saved.save_weights(&path)?;
    let report = loaded.load_weights(&path)?;
    std::fs::remove_file(&path)?;
    println!("{report}");
    assert!(report.is_complete());

    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, saved.predict(&x)?.to_vec::<f32>()?);

    // As in Keras, the suffix is required.
    let error = saved.save_weights(std::env::temp_dir().join(format!("{name}.bin"))).unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains(".weights.h5"));
    Ok(())
}
