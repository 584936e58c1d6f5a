use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[base]
    other: LayerBase,
}

fn main() {}
