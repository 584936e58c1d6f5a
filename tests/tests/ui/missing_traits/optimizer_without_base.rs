use keras_serial::prelude::*;

use keras_serial::optimizers::Optimize;
use keras_serial::variable::Variable;

#[derive(KerasSerializable)]
struct Mine {
    momentum: f64,
}

impl Optimize for Mine {
    fn create_slots(&self, _: &[Variable]) -> Result<()> {
        Ok(())
    }

    fn update_step(&self, _: &Tensor, _: &Variable, _: f64) -> Result<()> {
        Ok(())
    }
}

fn main() {}
