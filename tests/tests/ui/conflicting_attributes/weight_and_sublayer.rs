use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight]
    #[sublayer]
    kernel: Weight,
}

fn main() {}
