use keras_serial::prelude::*;

#[derive(KerasSerializable)]
enum Padding {
    Valid,
    #[config(alias = "valid")]
    Same,
}

fn main() {}
