use keras_serial::prelude::*;

#[register(name = "")]
#[derive(KerasSerializable)]
struct Mine {}

fn main() {}
