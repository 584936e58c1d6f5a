use keras_serial::prelude::*;

#[derive(KerasSerializable)]
enum Padding {
    #[config(skip)]
    Valid,
}

fn main() {}
