use keras_serial::prelude::*;

/// `Skeletons>Growth`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Growth {
    factor: f64,
}

impl Activate for Growth {
    fn activate(&self, _x: &Tensor) -> Result<Tensor> {
        Err(Error::new(ErrorKind::Unsupported, "`Growth` is yet to be written"))
    }
}
