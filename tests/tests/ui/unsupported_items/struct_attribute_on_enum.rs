use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(new)]
enum Mine {
    A,
}

fn main() {}
