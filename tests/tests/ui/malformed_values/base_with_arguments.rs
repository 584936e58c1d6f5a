use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[base(name)]
    base: LayerBase,
}

fn main() {}
