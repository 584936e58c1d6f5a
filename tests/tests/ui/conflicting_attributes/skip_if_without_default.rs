use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(skip_if = Option::is_none)]
    rate: Option<f64>,
}

fn main() {}
