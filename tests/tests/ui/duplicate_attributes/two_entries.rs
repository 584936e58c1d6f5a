use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    units: usize,
    #[config(alias = "units")]
    outputs: usize,
}

fn main() {}
