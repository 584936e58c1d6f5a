//! A scope makes objects known to this thread until its guard is dropped.

use keras_serial::prelude::*;

/// Halves its input; not registered.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Half {
    base: LayerBase,
}

impl Layer for Half {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::divide(inputs.tensor()?, 2).map(Into::into)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let model = Sequential::new([Input::new([2]).layer(), Half::new().shared()])?;
    let json = model.to_json()?;
    let load = || model_from_json(&json, &CustomObjects::new());
    assert!(load().is_err());

    let outer = CustomObjectScope::new(CustomObjects::new().with::<Half>()).enter();
    assert!(load().is_ok());
    {
        // Scopes nest: the inner one adds to the outer one.
        let _inner = CustomObjectScope::new(CustomObjects::new()).enter();
        assert!(load().is_ok());
        // Other threads do not see this thread's scopes.
        std::thread::scope(|threads| {
            threads.spawn(|| assert!(load().is_err()));
        });
    }
    drop(outer);
    assert!(load().is_err());
    println!("found inside of the scope, and not outside of it");
    Ok(())
}
