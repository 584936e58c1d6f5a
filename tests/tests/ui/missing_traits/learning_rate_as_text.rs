//! A learning rate is a number or a schedule, not its text.
use keras_serial::optimizers::Adam;
use keras_serial::prelude::*;

fn main() {
    let _ = Adam::new().learning_rate("0.1");
}
