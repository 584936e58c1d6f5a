//! Clones a model: the same architecture, with new weights.

use keras_serial::layers::Activation;
use keras_serial::models::clone_model_with;
use keras_serial::prelude::*;

/// Runs the example.
pub fn main() -> Result<()> {
    let layers = [
        Input::new([4]).layer(),
        Dense::new(8).activation("relu").name("hidden").shared(),
        Activation::new("relu").shared(),
        Dense::new(1).shared(),
    ];
    let model = Sequential::new(layers)?;
    let copy = clone_model(&model)?;
    assert_eq!(copy.count_params()?, model.count_params()?);
    assert_ne!(copy.get_weights()[0].to_vec::<f32>()?, model.get_weights()[0].to_vec::<f32>()?);

    // A function can replace some layers by others.
    let swapped = clone_model_with(&model, |layer| match layer.downcast_ref::<Activation>() {
        Some(_) => Ok(Activation::new("tanh").name(layer.name()).shared()),
        None => keras_serial::models::copy_layer(layer),
    })?;
    println!("{}", swapped.summary()?);
    assert!(swapped.to_json()?.contains("tanh"));
    Ok(())
}
