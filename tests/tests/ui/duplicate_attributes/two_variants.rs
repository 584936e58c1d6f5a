use keras_serial::prelude::*;

#[derive(KerasEnum)]
enum Padding {
    Valid,
    #[keras(alias = "valid")]
    Same,
}

fn main() {}
