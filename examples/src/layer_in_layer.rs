//! A custom layer that holds another layer: the derive serializes and deserializes the inner one, so no
//! `get_config` or `from_config` has to be written.

use keras_serial::prelude::*;

/// Applies another layer, and doubles its output.
#[register(package = "ExampleLayers")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Doubled {
    base: LayerBase,
    sublayer: LayerRef,
}

impl Layer for Doubled {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let y = self.sublayer.call(inputs.inputs()?, cx)?.into_single()?;
        ops::multiply(&y, 2).map(Into::into)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let layer = Doubled::new(Dense::new(3).name("inner").shared());
    let model = Sequential::new([Input::new([4]).layer(), layer.name("outer").shared()])?;
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;

    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
    let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);

    let outer = loaded.get_layer("outer")?;
    let paths: Vec<String> = outer.weights().iter().map(|weight| weight.path().to_owned()).collect();
    println!("{paths:?}");
    assert_eq!(outer.layers()[0].name(), "inner");
    Ok(())
}
