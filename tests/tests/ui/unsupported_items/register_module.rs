use keras_serial::prelude::*;

#[register]
mod mine {}

fn main() {}
