use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Mine {}

fn main() {}
