//! Copies weights between layers, and to another model with the same architecture.

use keras_serial::prelude::*;

fn model() -> Result<Model> {
    Sequential::new([
        Input::new([4]).layer(),
        Dense::new(8).activation("relu").name("hidden").shared(),
        Dense::new(2).name("head").shared(),
    ])
}

/// Runs the example.
pub fn main() -> Result<()> {
    let (teacher, pupil) = (model()?, model()?);
    pupil.get_layer("hidden")?.set_weights(&teacher.get_layer("hidden")?.get_weights())?;
    pupil.set_weights(&teacher.get_weights())?;

    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    assert_eq!(pupil.predict(&x)?.to_vec::<f32>()?, teacher.predict(&x)?.to_vec::<f32>()?);

    // Weights that do not fit are an error that names the weight; nothing is changed.
    let error = pupil.get_layer("head")?.set_weights(&teacher.get_layer("hidden")?.get_weights()).unwrap_err();
    println!("{error}");
    assert_eq!(pupil.predict(&x)?.to_vec::<f32>()?, teacher.predict(&x)?.to_vec::<f32>()?);
    Ok(())
}
