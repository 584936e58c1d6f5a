use keras_serial::prelude::*;

fn scaled(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    (a + b) * 2.0
}

fn main() {}
