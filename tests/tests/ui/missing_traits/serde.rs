use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    #[config(serde)]
    when: std::time::Instant,
}

fn main() {}
