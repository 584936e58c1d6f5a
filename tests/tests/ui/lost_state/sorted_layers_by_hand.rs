use keras_serial::prelude::*;

mod heads {
    use keras_serial::json::Value;
    use keras_serial::prelude::*;
    use std::collections::BTreeMap;

    pub fn to_value(_: &BTreeMap<String, LayerRef>) -> Result<Value> {
        Ok(Value::Null)
    }

    pub fn from_value(_: &Value) -> Result<BTreeMap<String, LayerRef>> {
        Ok(BTreeMap::new())
    }
}

#[derive(KerasSerializable)]
struct Mine {
    base: LayerBase,
    #[keras(with = "heads")]
    heads: std::collections::BTreeMap<String, LayerRef>,
}

impl Layer for Mine {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

fn main() {}
