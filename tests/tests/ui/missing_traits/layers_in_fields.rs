use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    dense: Dense,
    #[keras(sublayer(init = Dense::new(3)))]
    inner: Dense,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
