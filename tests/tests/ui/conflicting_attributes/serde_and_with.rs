use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[keras(serde, with = convert)]
    value: f64,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
