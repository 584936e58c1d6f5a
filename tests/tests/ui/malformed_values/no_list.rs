use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config]
    units: usize,
}

fn main() {}
