use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(serde, with = convert)]
    value: f64,
}

fn main() {}
