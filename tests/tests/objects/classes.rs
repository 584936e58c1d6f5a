//! The classes and functions of `fixtures/objects/classes.py`, in Rust.

use indexmap::IndexMap;
use keras_serial::json::Value;
use keras_serial::prelude::*;

#[register(package = "my_package", name = "custom_fn")]
pub fn custom_fn(x: &Tensor) -> Result<Tensor> {
    ops::square(x)
}

/// A layer that holds a layer.
#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct CustomLayer {
    base: LayerBase,
    pub sublayer: LayerRef,
}

impl Layer for CustomLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.sublayer.call(inputs.tensor()?, cx)
    }
}

/// The guide's layer: its class name and registered name differ, and it can hold another layer.
#[register(package = "MyLayers", name = "KernelMult")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct MyDense {
    base: LayerBase,
    pub units: usize,
    #[keras(default)]
    pub kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub kernel_initializer: Option<Initializer>,
    #[keras(default)]
    pub nested_model: Option<LayerRef>,
    #[keras(weight)]
    pub kernel: Weight,
}

impl Layer for MyDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel.create(
            cx,
            [input.last()?, self.units],
            self.kernel_initializer.as_ref(),
            self.kernel_regularizer.as_ref(),
        )
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::matmul(inputs.tensor()?, &self.kernel.value()?).map(Into::into)
    }
}

/// Holds two layers, one of them with a default.
#[register(package = "ComplexModels")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct CustomModel {
    base: LayerBase,
    pub first_layer: LayerRef,
    #[keras(default = Dense::new(8).into())]
    pub second_layer: LayerRef,
}

impl Layer for CustomModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.second_layer.call(self.first_layer.call(inputs.tensor()?, cx)?, cx)
    }
}

/// Layers in a list, and layers in a dict.
#[register(package = "MyLayers")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Stack {
    base: LayerBase,
    pub blocks: Vec<LayerRef>,
    pub heads: IndexMap<String, LayerRef>,
}

impl Layer for Stack {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        for block in &self.blocks {
            x = block.apply(&x)?;
        }
        let head = |name: &str| match self.heads.get(name) {
            Some(head) => head.apply(&x),
            None => Err(Error::new(ErrorKind::Config, format!("no head `{name}`"))),
        };
        ops::add(&head("right")?, head("left")?).map(Into::into)
    }
}

/// Generic over its factor's type.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale<T> {
    base: LayerBase,
    pub factor: T,
}

keras_serial::register_type!(Scale<f64>, package = "MyLayers");
keras_serial::register_type!(Scale<i32>, package = "MyLayers", name = "IntegerScale");

impl<T: ConfigField + Copy + Into<f64> + Send + Sync + 'static> Layer for Scale<T> {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, self.factor.into()).map(Into::into)
    }
}

/// Reads a fixture that `fixtures/objects/make.py` wrote.
pub fn fixture(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/objects/");
    let text = std::fs::read_to_string(format!("{path}{name}")).unwrap();
    Value::parse(&text).unwrap()
}

/// Converts nested lists of numbers to a tensor.
pub fn tensor(value: &Value) -> Tensor {
    let rows = value.as_list().unwrap();
    let numbers: Vec<f32> =
        rows.iter().flat_map(|row| row.as_list().unwrap().iter().map(|x| x.as_f64().unwrap() as f32)).collect();
    Tensor::from_slice(&numbers, [rows.len(), numbers.len() / rows.len()]).unwrap()
}

pub fn assert_close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    for (a, b) in a.to_vec::<f32>().unwrap().iter().zip(b.to_vec::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-6 + 1e-5 * b.abs(), "{a} is not {b}");
    }
}
