use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[keras(skip)]
    inner: Option<Metric>,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
