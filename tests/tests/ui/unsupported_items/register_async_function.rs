use keras_serial::prelude::*;

#[register]
async fn mine(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}

fn main() {}
