use keras_serial::prelude::*;

type Base = LayerBase;

#[derive(KerasSerializable)]
struct Mine {
    base: Base,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
