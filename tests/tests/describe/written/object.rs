use keras_serial::prelude::*;

/// `Skeletons>Settings`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Settings {
    depth: usize,
    children: Vec<keras_serial::json::Value>,
}
