use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(skip, rename = "other")]
    cache: Vec<f64>,
}

fn main() {}
