use keras_serial::prelude::*;

#[derive(KerasEnum)]
#[keras(new)]
enum Mine {
    A,
}

fn main() {}
