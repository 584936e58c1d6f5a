use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(default, default = 3)]
    units: usize,
}

fn main() {}
