use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Mine<const N: usize> {
    A,
}

fn main() {}
