use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(ignore("axis"))]
struct Mine {
    base: LayerBase,
    axis: i64,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
