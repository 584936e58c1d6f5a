use keras_serial::prelude::*;

fn calls(model: &Model, a: Tensor, b: Tensor) -> Result<()> {
    model.predict(vec![1.0f32, 2.0])?;
    model.predict((a, b))?;
    let x = Input::new([4]).tensor();
    Dense::new(3).apply(&x)?;
    Functional::new(x, Input::new([4]).tensor()?)?;
    Ok(())
}

fn main() {}
