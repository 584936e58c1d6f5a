use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Padding {
    Valid,
    #[config(alias = "valid")]
    Same,
}

fn main() {}
