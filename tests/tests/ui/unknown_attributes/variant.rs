use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Padding {
    #[keras(skip)]
    Valid,
}

fn main() {}
