use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(defualt)]
    units: usize,
}

fn main() {}
