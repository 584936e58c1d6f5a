use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[sublayer]
    inner: Option<usize>,
}

fn main() {}
