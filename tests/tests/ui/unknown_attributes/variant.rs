use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Padding {
    #[config(skip)]
    Valid,
}

fn main() {}
