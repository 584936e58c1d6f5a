use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    when: std::time::Instant,
}

fn main() {}
