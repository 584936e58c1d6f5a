//! Every object can be serialized to `{module, class_name, config, registered_name}` and deserialized
//! again; older forms of Keras can be deserialized too.

use keras_serial::json::{Value, value};
use keras_serial::prelude::*;
use keras_serial::registry::deserialize_keras_object;

/// Runs the example.
pub fn main() -> Result<()> {
    let form = Regularizer::from("l2").serialize()?;
    println!("{}", form.to_json());
    assert_eq!(form.get("module").and_then(Value::as_str), Some("keras.regularizers"));
    assert_eq!(Regularizer::deserialize(&form)?.serialize()?, form);

    // Objects inside lists and dicts are deserialized too.
    let nested = value!({"first": form.clone(), "rest": [1, "two", form.clone()]});
    let deserialized = deserialize_keras_object(&nested, &CustomObjects::new())?;
    assert_eq!(deserialized.serialize()?, nested);

    // As in Keras's guide: a private module, and a registered name for a built-in class.
    let old = value!({
        "module": "keras.src.initializers.random_initializers",
        "class_name": "HeNormal",
        "config": {"seed": null},
        "registered_name": "HeNormal"
    });
    println!("{}", Initializer::deserialize(&old)?.serialize()?.to_json());
    Ok(())
}
