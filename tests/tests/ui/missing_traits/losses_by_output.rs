use keras_serial::prelude::*;

fn main() {
    let _ = Compile::new("adam", [("a", "mse"), ("b", "mae")]);
}
