use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine(usize);

fn main() {}
