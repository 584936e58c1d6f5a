use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(rename = "a")]
    #[config(rename = "b")]
    units: usize,
}

fn main() {}
