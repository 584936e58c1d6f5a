use keras_serial::prelude::*;

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    a: std::collections::HashMap<String, f64>,
    b: u128,
    c: char,
    d: std::path::PathBuf,
    e: Vec<Option<std::sync::Arc<str>>>,
    f: (),
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
