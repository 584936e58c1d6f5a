use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(rename)]
    units: usize,
}

fn main() {}
