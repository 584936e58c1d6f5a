use keras_serial::prelude::*;

#[derive(KerasEnum)]
#[config(new)]
enum Mine {
    A,
}

fn main() {}
