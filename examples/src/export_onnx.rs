//! Models for other runtimes: a custom layer and a model of one's own are exported to ONNX, with no word about it
//! in either of them.

use keras_serial::export::ExportOptions;
use keras_serial::prelude::*;
use keras_serial::program::onnx::Dimension;

use crate::own_model::Residual;

/// A dense layer whose output is scaled to length 1: any operations may stand in `call`.
#[register(package = "Exported")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Direction {
    base: LayerBase,
    units: usize,
    #[keras(weight)]
    kernel: Weight,
}

impl Layer for Direction {
    fn build(&self, input: &Shape, cx: &mut BuildContext) -> Result<()> {
        self.kernel.create(cx, [input.last()?, self.units], None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let y = ops::matmul(inputs.tensor()?, &self.kernel.value()?)?;
        let length = ops::sqrt(&ops::sum(&ops::square(&y)?, -1, true)?)?;
        Ok((&y / &length)?.into())
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("keras_serial_export_onnx_{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    // The batch and the number of steps stay unknown in the exported graph.
    let steps = Input::new([None, Some(4)]).name("steps").tensor()?;
    let last = GRU::new(8).apply(&steps)?;
    let model = Functional::new(steps, Direction::new(3).name("direction").apply(&last)?)?;
    model.export(folder.join("gru.onnx"), ExportOptions::onnx())?;

    // The same graph as data: names, shapes, operators.
    let graph = model.onnx_graph(&ExportOptions::onnx().opset(20))?;
    let named = |name: &str| Dimension::Named(name.to_owned());
    for input in graph.inputs() {
        assert_eq!(graph.name(*input), "steps");
        assert_eq!(graph.dimensions(*input), [named("batch"), named("steps_axis_1"), Dimension::Known(4)]);
    }
    let weights: Vec<&str> = graph.initializers().iter().map(|weight| graph.name(weight.value)).collect();
    assert!(weights.contains(&"direction/kernel"), "{weights:?}");

    // A model of one's own has the shapes that it was called with; its batch is free.
    let own = Model::from(Residual::new(8).classes(3));
    own.predict(&Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?)?;
    own.export(folder.join("own.onnx"), ExportOptions::onnx().external_data(true))?;

    // What ONNX has no words for says which layer it is, and writes nothing.
    let words = Input::new([1]).dtype("string").name("words").tensor()?;
    let hashed = Functional::new(words.clone(), Hashing::new(10).name("hashed").apply(&words)?)?;
    let error = hashed.export(folder.join("hashed.onnx"), ExportOptions::onnx()).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("hashed"), "{text}");
    assert!(!folder.join("hashed.onnx").exists());

    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        println!("{} {} bytes", entry.file_name().display(), entry.metadata()?.len());
    }
    Ok(std::fs::remove_dir_all(&folder)?)
}
