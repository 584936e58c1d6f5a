//! Transfers weights between models that differ only in layers without weights.

use keras_serial::prelude::*;

/// Runs the example.
pub fn main() -> Result<()> {
    let plain = Sequential::new([Input::new([4]).layer(), Dense::new(8).shared(), Dense::new(2).shared()])?;
    let with_dropout = Sequential::new([
        Input::new([4]).layer(),
        Dense::new(8).shared(),
        Dropout::new(0.5).shared(),
        Dense::new(2).shared(),
    ])?;
    with_dropout.set_weights(&plain.get_weights())?;

    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    assert_eq!(with_dropout.predict(&x)?.to_vec::<f32>()?, plain.predict(&x)?.to_vec::<f32>()?);
    println!("{} weights each", plain.weights().len());
    Ok(())
}
