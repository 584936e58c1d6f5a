use keras_serial::prelude::*;

#[register(package = "A", package = "B")]
#[derive(KerasSerializable)]
struct Mine {}

fn main() {}
