use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(default = "many")]
    units: usize,
}

fn main() {}
