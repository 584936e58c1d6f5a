use keras_serial::prelude::*;

fn main() {
    let _ = Dense::new(8).activation(0.5);
}
