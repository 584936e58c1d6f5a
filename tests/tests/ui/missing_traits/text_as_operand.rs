//! An operand is a tensor or a number.
use keras_serial::prelude::*;

fn main() -> Result<()> {
    let x = Tensor::scalar(1.0f32)?;
    let _ = &x + "1";
    Ok(())
}
