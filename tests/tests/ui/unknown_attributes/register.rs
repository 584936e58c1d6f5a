use keras_serial::prelude::*;

#[register(pakage = "A")]
#[derive(KerasSerializable)]
struct Mine {}

fn main() {}
