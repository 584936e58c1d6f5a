//! The master list: what is on it, how an object is found, and what an error says when it is not.

use keras_serial::prelude::*;
use keras_serial::registry::{clear_custom_objects, entries, get_registered_object, isolate};

/// A layer that changes nothing.
#[register(package = "ListExample")]
#[derive(KerasSerializable)]
#[config(new)]
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
    // The guard gives this thread a master list of its own, so that nobody else sees it cleared.
    let _list = isolate();

    let entry = get_registered_object("ListExample>Nothing")?;
    println!("{} {:?}, registered at {}", entry.registered_name(), entry.kinds(), entry.place());

    // A name that is not quite right is answered with the ones that are near.
    let error = get_registered_object("ListExample>Nothin").unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("did you mean `ListExample>Nothing`?"));

    clear_custom_objects();
    assert!(get_registered_object("ListExample>Nothing").is_err());
    assert!(entries().iter().any(|entry| entry.class_name() == "Dense"));
    Ok(())
}
