//! The registry: what it contains, how an object is looked up, and the error if there is none.

use keras_serial::prelude::*;
use keras_serial::registry::{clear_custom_objects, entries, get_registered_object, isolate};

/// An identity layer.
#[register(package = "ListExample")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Nothing {
    base: LayerBase,
}

impl Layer for Nothing {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    // The guard gives this thread its own registry, so that clearing it affects nobody else.
    let _list = isolate();

    let entry = get_registered_object("ListExample>Nothing")?;
    println!("{} {:?}, registered at {}", entry.registered_name(), entry.kinds(), entry.place());

    // The error for a misspelled name suggests similar ones.
    let error = get_registered_object("ListExample>Nothin").unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("did you mean `ListExample>Nothing`?"));

    clear_custom_objects();
    assert!(get_registered_object("ListExample>Nothing").is_err());
    assert!(entries().iter().any(|entry| entry.class_name() == "Dense"));
    Ok(())
}
