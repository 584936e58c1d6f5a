use keras_serial::prelude::*;

/// `Skeletons>Ramp`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Ramp {
    slope: f64,
}

impl Initialize for Ramp {
    fn init(&self, _shape: &Shape, _dtype: DType) -> Result<Tensor> {
        Err(Error::new(ErrorKind::Unsupported, "`Ramp` is yet to be written"))
    }
}
