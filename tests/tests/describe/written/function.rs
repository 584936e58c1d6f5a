use keras_serial::prelude::*;

/// `Skeletons>wave`, as a file has it.
#[register(package = "Skeletons")]
fn wave(x: &Tensor) -> Result<Tensor> {
    let _ = x;
    Err(Error::new(ErrorKind::Unsupported, "`wave` is yet to be written"))
}
