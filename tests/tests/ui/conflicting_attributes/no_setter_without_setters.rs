use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(default, no_setter)]
    rate: f64,
}

fn main() {}
