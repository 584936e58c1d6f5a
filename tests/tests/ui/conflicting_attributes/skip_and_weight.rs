use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight]
    #[config(skip)]
    kernel: Weight,
}

fn main() {}
