//! Raw identifiers: the struct, the function, the fields, the module.
#![allow(non_camel_case_types)]
use keras_serial::prelude::*;
mod r#mod {
    use super::*;
    #[register(package = "Raw")]
    #[derive(KerasSerializable)]
    #[keras(new, setters)]
    pub struct r#struct {
        pub base: LayerBase,
        #[keras(default = "a".to_owned())]
        pub r#type: String,
        #[keras(weight)]
        pub r#loop: Weight,
        #[keras(sublayer(init = Dense::new(r#type.len()).shared()))]
        pub r#dyn: LayerRef,
    }
    impl Layer for r#struct {
        fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
            Ok(inputs.tensor()?.clone().into())
        }
    }
    #[register(package = "Raw")]
    pub fn r#fn(x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }
}
pub(super) fn main() {
    let layer = r#mod::r#struct::new().r#type("bc").shared();
    println!("{}", keras_serial::json::Value::Dict(layer.get_config().unwrap()));
    println!("class name {:?} layer's name {:?}", layer.class_name(), layer.name());
    for entry in keras_serial::registry::get_custom_objects() {
        println!("{entry}");
    }
    let form = keras_serial::registry::serialize_keras_object(&layer).unwrap();
    println!("{form}");
    println!("{:?}", LayerRef::deserialize(&form, &CustomObjects::new()).map_err(|e| e.to_string()));
    println!("{:?}", keras_serial::functions::Function::new(r#mod::r#fn).name());
}
