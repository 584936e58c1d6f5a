use keras_serial::prelude::*;

/// `Skeletons>Sphere`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Sphere {
    radius: f64,
    axis: usize,
}

impl Constrain for Sphere {
    fn project(&self, _w: &Tensor) -> Result<Tensor> {
        Err(Error::new(ErrorKind::Unsupported, "`Sphere` is yet to be written"))
    }
}
