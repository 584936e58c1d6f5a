use keras_serial::prelude::*;
use keras_serial::variable::Variable;

/// `Skeletons>Largest`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Largest {
    base: MetricBase,
    top: usize,
}

impl Measure for Largest {
    fn update_state(&self, _y_true: &Tensor, _y_pred: &Tensor, _weight: Option<&Tensor>) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "`Largest` is yet to be written"))
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Err(Error::new(ErrorKind::Unsupported, "`Largest` is yet to be written"))
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Err(Error::new(ErrorKind::Unsupported, "`Largest` is yet to be written"))
    }
}
