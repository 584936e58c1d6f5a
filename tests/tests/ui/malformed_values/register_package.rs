use keras_serial::prelude::*;

#[register(package = "a>b")]
#[derive(KerasSerializable)]
struct Mine {}

fn main() {}
