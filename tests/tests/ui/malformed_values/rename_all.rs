use keras_serial::prelude::*;

#[derive(KerasEnum)]
#[config(rename_all = "snakecase")]
enum Padding {
    Valid,
}

fn main() {}
