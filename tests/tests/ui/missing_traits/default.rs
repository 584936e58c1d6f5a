use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(skip)]
    when: std::time::Instant,
    units: usize,
}

fn main() {}
