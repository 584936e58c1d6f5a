//! A model written in Rust with layers as fields: only hyper-parameters are in its configuration, and
//! its layers are created from them.

use keras_serial::prelude::*;

/// A small classifier with a residual connection.
#[register(package = "OwnModels")]
#[derive(KerasSerializable)]
#[keras(model, new, setters)]
pub struct Residual {
    base: LayerBase,
    width: usize,
    #[keras(default = 2)]
    classes: usize,
    #[keras(sublayer(init = Dense::new(width).activation("relu").shared()))]
    project: LayerRef,
    #[keras(sublayer(init = Dense::new(width).activation("relu").shared()))]
    residual: LayerRef,
    #[keras(sublayer(init = Dense::new(classes).activation("softmax").shared()))]
    head: LayerRef,
}

impl Layer for Residual {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.project.call(inputs.inputs()?, cx)?.into_single()?;
        let y = self.residual.call(&x, cx)?.into_single()?;
        self.head.call(&ops::add(&x, &y)?, cx)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let model = Model::from(Residual::new(8).classes(3));
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?;
    let y = model.predict(&x)?;
    assert_eq!(y.shape().to_string(), "(1, 3)");
    println!("{}", model.summary()?);

    model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    let labels = Tensor::from_slice(&[2i32, 1], [2])?;
    let samples = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0], [2, 4])?;
    let history = model.fit((&samples, &labels), Fit::new().epochs(3).verbose(2))?;
    assert_eq!(history.get("accuracy").map(<[f64]>::len), Some(3));
    let y = model.predict(&x)?;

    let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
    let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, y.to_vec::<f32>()?);
    let paths: Vec<String> = loaded.weights().iter().map(|weight| weight.path().to_owned()).collect();
    println!("{paths:?}");
    Ok(())
}
