use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(rename_all = "snakecase")]
enum Padding {
    Valid,
}

fn main() {}
