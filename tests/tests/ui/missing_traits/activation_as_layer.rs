//! `Activation` of the prelude is the argument of layers, not the layer.
use keras_serial::prelude::*;

fn main() {
    let _ = Activation::new("relu");
}
