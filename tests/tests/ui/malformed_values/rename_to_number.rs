use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(rename = 3)]
    units: usize,
}

fn main() {}
