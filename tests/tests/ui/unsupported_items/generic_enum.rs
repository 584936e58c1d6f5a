use keras_serial::prelude::*;

#[derive(KerasSerializable)]
enum Mine<const N: usize> {
    A,
}

fn main() {}
