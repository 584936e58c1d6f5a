use keras_serial::prelude::*;

/// `Skeletons>Stairs`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct Stairs {
    steps: Vec<usize>,
}

impl Schedule for Stairs {
    fn learning_rate(&self, _step: i64) -> Result<f64> {
        Err(Error::new(ErrorKind::Unsupported, "`Stairs` is yet to be written"))
    }
}
