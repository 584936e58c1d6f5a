use keras_serial::prelude::*;

#[register]
struct Mine {
    units: usize,
}

fn main() {}
