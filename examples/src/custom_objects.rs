//! Passes custom objects that are not registered to the call that loads a model.

use keras_serial::prelude::*;

/// Adds a number; not registered.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Shift {
    base: LayerBase,
    by: f64,
}

impl Layer for Shift {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::add(inputs.tensor()?, self.by).map(Into::into)
    }
}

/// An activation; not registered.
fn cube(x: &Tensor) -> Result<Tensor> {
    ops::power(x, 3)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let layers = [Input::new([2]).layer(), Dense::new(2).activation(cube).shared(), Shift::new(1.0).shared()];
    let model = Sequential::new(layers)?;
    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;

    let error = LoadOptions::new().load_model_from_bytes(bytes.clone()).unwrap_err();
    println!("Without them: {error}");

    let objects = CustomObjects::new().with::<Shift>().with_fn("cube", cube);
    let loaded = LoadOptions::new().custom_objects(objects).load_model_from_bytes(bytes)?;
    let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);
    Ok(())
}
