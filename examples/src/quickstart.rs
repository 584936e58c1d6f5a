//! Loads a model that Keras wrote, with a custom layer and a custom activation, checks that it predicts
//! the same as Keras, saves it and loads it again.
//!
//! `data/make.py` created the model and the expected numbers.

use keras_serial::json::Value;
use keras_serial::prelude::*;

/// The layer that is `MyDense` in the Python program: `x · kernel`.
#[register(package = "MyLayers", name = "KernelMult")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct MyDense {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    kernel_initializer: Option<Initializer>,
    #[keras(default)]
    nested_model: Option<LayerRef>,
    #[keras(weight)]
    kernel: Weight,
}

impl Layer for MyDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext) -> Result<()> {
        let shape = [input.last()?, self.units];
        self.kernel.create(cx, shape, self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::matmul(inputs.tensor()?, &self.kernel.value()?).map(Into::into)
    }
}

/// The activation function of the Python program.
#[register(package = "my_package")]
pub fn custom_fn(x: &Tensor) -> Result<Tensor> {
    ops::square(x)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let model = load_model(data.join("custom_objects.keras"))?;
    println!("{}", model.summary()?);

    let numbers = Value::parse(&std::fs::read_to_string(data.join("custom_objects.json"))?)?;
    let read = |name: &str| Vec::<Vec<f32>>::from_value(numbers.get(name).unwrap_or(&Value::Null));
    let (inputs, expected) = (read("inputs")?, read("outputs")?.concat());
    let outputs = model.predict(&Tensor::from_vec(inputs.concat(), [inputs.len(), 8])?)?;
    let differ = |outputs: &Tensor| -> Result<f32> {
        let outputs = outputs.to_vec::<f32>()?;
        Ok(outputs.iter().zip(&expected).map(|(ours, keras)| (ours - keras).abs()).fold(0.0, f32::max))
    };
    println!("The largest difference to Keras's predictions: {:e}", differ(&outputs)?);
    assert!(differ(&outputs)? < 1e-5);

    let path = std::env::temp_dir().join(format!("keras_serial_quickstart_{}.keras", std::process::id()));
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(&path)?;
    let outputs = again.predict(&Tensor::from_vec(inputs.concat(), [inputs.len(), 8])?)?;
    println!("Saved and loaded again, the largest difference: {:e}", differ(&outputs)?);
    assert!(differ(&outputs)? < 1e-5);
    Ok(())
}
