use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(ignore("axis"))]
struct Mine {
    axis: i64,
}

fn main() {}
