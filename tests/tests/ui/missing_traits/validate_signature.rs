use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(validate = Self::check)]
struct Mine {
    base: LayerBase,
    units: usize,
}

impl Mine {
    fn check(&self) -> bool {
        self.units > 0
    }
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
