use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(packge = "A")]
struct Mine {
    units: usize,
}

fn main() {}
