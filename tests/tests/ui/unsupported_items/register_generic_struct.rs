use keras_serial::prelude::*;

#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
struct Mine<T> {
    base: LayerBase,
    factor: T,
}

impl<T: ConfigField + Send + Sync + 'static> Layer for Mine<T> {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
