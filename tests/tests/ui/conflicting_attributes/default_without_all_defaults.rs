use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(new, default)]
struct Mine {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    rate: f64,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
