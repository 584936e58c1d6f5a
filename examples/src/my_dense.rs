//! The guide's `MyDense`, with hyper-parameters of several types, a weight and a sublayer, inside
//! another custom layer.

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::regularizers::L1;

pub use crate::quickstart::MyDense;

/// Runs the example.
pub fn main() -> Result<()> {
    let inner = MyDense::new(2).name("inner").shared();
    let layer = MyDense::new(3)
        .kernel_regularizer(L1::new(0.1))
        .kernel_initializer("ones")
        .nested_model(inner)
        .name("outer")
        .shared();

    let form = layer.serialize()?;
    println!("{}", form.to_json());
    assert_eq!(form.get("module"), Some(&Value::Null));
    assert_eq!(form.get("class_name").and_then(Value::as_str), Some("MyDense"));
    assert_eq!(form.get("registered_name").and_then(Value::as_str), Some("MyLayers>KernelMult"));

    let again = LayerRef::deserialize(&form, &CustomObjects::new())?;
    assert_eq!(again.serialize()?, form);
    let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
    assert_eq!(again.apply(&x)?.to_vec::<f32>()?, [3.0, 3.0, 3.0]);
    Ok(())
}
