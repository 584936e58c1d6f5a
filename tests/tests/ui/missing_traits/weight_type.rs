use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight]
    kernel: f64,
}

fn main() {}
