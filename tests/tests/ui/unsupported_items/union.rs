use keras_serial::prelude::*;

#[derive(KerasSerializable)]
union Mine {
    units: usize,
}

fn main() {}
