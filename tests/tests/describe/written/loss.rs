use keras_serial::prelude::*;

/// `Skeletons>Power`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Power {
    base: LossBase,
    exponent: f64,
}

impl ComputeLoss for Power {
    fn call(&self, _y_true: &Tensor, _y_pred: &Tensor) -> Result<Tensor> {
        Err(Error::new(ErrorKind::Unsupported, "`Power` is yet to be written"))
    }
}
