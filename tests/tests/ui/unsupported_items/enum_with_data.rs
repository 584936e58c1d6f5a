use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Mine {
    Units(usize),
}

fn main() {}
