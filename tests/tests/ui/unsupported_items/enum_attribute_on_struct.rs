use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(rename_all = "snake_case")]
struct Mine {
    units: usize,
}

fn main() {}
