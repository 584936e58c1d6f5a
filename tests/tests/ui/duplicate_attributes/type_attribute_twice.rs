use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(new, new)]
struct Mine {
    units: usize,
}

fn main() {}
