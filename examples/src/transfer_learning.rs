//! Puts a new head on a trained model's layers.

use keras_serial::prelude::*;

fn pretrained(weights: &std::path::Path) -> Result<Model> {
    let inputs = Input::new([8]).name("digits").tensor()?;
    let x = Dense::new(16).activation("relu").name("dense_1").apply(&inputs)?;
    let x = Dense::new(16).activation("relu").name("dense_2").apply(&x)?;
    let model = Functional::named("pretrained", inputs, Dense::new(4).name("predictions").apply(&x)?)?;
    if weights.exists() {
        model.load_weights(weights)?;
    }
    Ok(model)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let path = std::env::temp_dir().join(format!("keras_serial_pretrained_{}.weights.h5", std::process::id()));
    pretrained(&path)?.save_weights(&path)?;
    let pretrained = pretrained(&path)?;
    std::fs::remove_file(&path)?;

    // All layers but the last, frozen, and a new head.
    let layers = pretrained.layers();
    let body = Sequential::new(layers[..layers.len() - 1].iter().cloned())?;
    body.set_trainable(false);
    let model = Sequential::new([body.as_layer().clone(), Dense::new(5).name("new_head").shared()])?;
    println!("{}", model.summary()?);

    model.compile(Compile::new("adam", Losses::from("mse")).metrics(["mae"]))?;
    let (x, y) = (ops::ones(&[8, 8].into(), DType::Float32)?, ops::ones(&[8, 5].into(), DType::Float32)?);
    model.fit((&x, &y), Fit::new().epochs(2).verbose(2))?;

    assert_eq!(model.trainable_weights().len(), 2);
    assert_eq!(model.count_params()?, (8 * 16 + 16) + (16 * 16 + 16) + (16 * 5 + 5));
    Ok(())
}
