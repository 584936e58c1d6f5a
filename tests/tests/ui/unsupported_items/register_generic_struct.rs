use keras_serial::prelude::*;

#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
struct Mine<T> {
    factor: T,
}

fn main() {}
