use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight(shape = 3)]
    kernel: Weight,
}

fn main() {}
