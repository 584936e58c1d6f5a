use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: keras_serial::optimizers::OptimizerBase,
    learning_rate: f64,
    clipnorm: f64,
    trainable: bool,
}

fn main() {}
