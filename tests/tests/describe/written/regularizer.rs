use keras_serial::prelude::*;

/// `Skeletons>Sparse`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Sparse {
    l1: f64,
}

impl Regularize for Sparse {
    fn penalty(&self, _x: &Tensor) -> Result<Tensor> {
        Err(Error::new(ErrorKind::Unsupported, "`Sparse` is yet to be written"))
    }
}
