use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine<'a> {
    name: &'a str,
}

fn main() {}
