use keras_serial::prelude::*;

#[derive(KerasSerializable)]
#[keras(new, setter)]
struct Mine {
    base: LayerBase,
    #[keras(weigth)]
    kernel: Weight,
    #[keras(defualt = 3)]
    units: usize,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {
    let _ = Mine::new().units(4);
}
