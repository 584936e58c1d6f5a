use keras_serial::prelude::*;

fn fit(model: &Model, x: Tensor, y: Tensor) -> Result<()> {
    model.fit([x, y], Fit::new())?;
    model.fit((vec![1.0f32, 2.0], vec![1.0f32]), Fit::new())?;
    Ok(())
}

fn main() {}
