use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(new)]
struct Mine {
    base: LayerBase,
    #[keras(sublayer)]
    inner: LayerRef,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
