//! A command line of one's own: `keras-serial` with the layers of this program.

use keras_serial::prelude::*;

/// A layer: its input times a factor.
#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale {
    base: LayerBase, // name, trainable, dtype
    factor: f64,
}

impl Layer for Scale {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        (inputs.tensor()? * self.factor).map(Into::into)
    }
}

fn main() -> std::process::ExitCode {
    keras_serial::cli::main()
}
