use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    units: usize,
    #[keras(weight, name = "kernel")]
    matrix: Weight,
    #[keras(sublayer, init = Dense::new(*units))]
    dense: Dense,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
