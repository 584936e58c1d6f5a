use keras_serial::prelude::*;

#[derive(KerasEnum)]
struct Mode {
    one: usize,
}

fn main() {}
