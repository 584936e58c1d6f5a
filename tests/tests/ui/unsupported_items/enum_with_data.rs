use keras_serial::prelude::*;

#[derive(KerasSerializable)]
enum Mine {
    Units(usize),
}

fn main() {}
