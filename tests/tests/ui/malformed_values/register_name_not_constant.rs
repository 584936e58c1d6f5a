use keras_serial::prelude::*;

const NAME: &str = "Mine";

#[register(name = NAME)]
#[derive(KerasSerializable)]
struct Mine {}

fn main() {}
