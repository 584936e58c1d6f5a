use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
}

fn main() {
    let _ = LayerRef::new(Mine { base: LayerBase::default() });
}
