use keras_serial::prelude::*;

#[derive(KerasSerializable)]
enum Mine {}

fn main() {}
