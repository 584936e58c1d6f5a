use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[config(new, default)]
struct Mine {
    base: LayerBase,
    units: usize,
    #[config(default)]
    rate: f64,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
