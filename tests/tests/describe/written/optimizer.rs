use keras_serial::optimizers::OptimizerBase;
use keras_serial::prelude::*;
use keras_serial::variable::Variable;

/// `Skeletons>Steady`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Steady {
    base: OptimizerBase,
    momentum: f64,
}

impl Optimize for Steady {
    fn create_slots(&self, _variables: &[Variable]) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "`Steady` is yet to be written"))
    }

    fn update_step(&self, _gradient: &Tensor, _variable: &Variable, _rate: f64) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "`Steady` is yet to be written"))
    }
}
