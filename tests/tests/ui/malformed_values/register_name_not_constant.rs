use keras_serial::prelude::*;

const NAME: &str = "Mine";

#[register(name = NAME)]
#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
