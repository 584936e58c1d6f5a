//! A custom layer that holds two layers, one of them with a default, inside a Functional model.

use keras_serial::prelude::*;

/// Two layers in sequence.
#[register(package = "ComplexModels")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct CustomModel {
    base: LayerBase,
    first_layer: LayerRef,
    #[keras(default = Dense::new(8).activation("relu").shared())]
    second_layer: LayerRef,
}

impl Layer for CustomModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.first_layer.call(inputs.inputs()?, cx)?;
        self.second_layer.call(x, cx)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let inputs = Input::new([4]).tensor()?;
    let custom = CustomModel::new(Dense::new(6).shared()).name("custom");
    let model = Functional::new(inputs.clone(), custom.apply(&inputs)?)?;
    println!("{}", model.summary()?);

    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
    let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);
    Ok(())
}
