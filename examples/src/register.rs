//! `#[register]` registers a layer or a function at link time: a model that uses them can be saved and
//! loaded without further code.

use keras_serial::prelude::*;
use keras_serial::registry::{get_registered_name, get_registered_object};

/// Multiplies by a factor.
#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale {
    base: LayerBase,
    factor: f64,
}

impl Layer for Scale {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, self.factor).map(Into::into)
    }
}

/// `x · sigmoid(x)`, with a custom name.
#[register(package = "my_package", name = "swishy")]
pub fn custom_activation(x: &Tensor) -> Result<Tensor> {
    ops::silu(x)
}

/// Registered as `Custom>plain`: the default package and name.
#[register]
pub fn plain(x: &Tensor) -> Result<Tensor> {
    Ok(x.clone())
}

/// Runs the example.
pub fn main() -> Result<()> {
    assert_eq!(get_registered_name::<Scale>(), "MyLayers>Scale");
    assert!(get_registered_object("my_package>swishy")?.is_function());
    assert!(get_registered_object("Custom>plain")?.is_function());

    let inputs = Input::new([4]).tensor()?;
    let x = Dense::new(8).activation("my_package>swishy").apply(&inputs)?;
    let model = Functional::new(inputs, Scale::new(0.5).apply(&x)?)?;
    println!("{}", model.summary()?);

    model.compile(Compile::new("adam", "mse"))?;
    let (x, y) = (ops::full(&[8, 4].into(), 0.5, DType::Float32)?, ops::ones(&[8, 8].into(), DType::Float32)?);
    model.fit((&x, &y), Fit::new().epochs(2).verbose(2))?;

    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
    let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);
    Ok(())
}
