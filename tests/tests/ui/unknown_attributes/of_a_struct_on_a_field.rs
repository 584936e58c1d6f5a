use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(weight)]
struct Mine {
    base: LayerBase,
    #[keras(setters)]
    units: usize,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
