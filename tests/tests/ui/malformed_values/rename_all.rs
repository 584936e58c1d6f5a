use keras_serial::prelude::*;

#[derive(KerasEnum)]
#[keras(rename_all = "snakecase")]
enum Padding {
    Valid,
}

fn main() {}
