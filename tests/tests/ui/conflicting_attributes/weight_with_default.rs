use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight]
    #[config(default)]
    kernel: Weight,
}

fn main() {}
