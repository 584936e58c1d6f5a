use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[weight(name = "a", name = "b")]
    kernel: Weight,
}

fn main() {}
