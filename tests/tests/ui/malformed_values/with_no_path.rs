use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(with = "not a path")]
    units: usize,
}

fn main() {}
