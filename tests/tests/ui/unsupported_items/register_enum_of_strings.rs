use keras_serial::prelude::*;

#[register(package = "Mine")]
#[derive(KerasEnum)]
enum Mode {
    One,
}

fn main() {}
