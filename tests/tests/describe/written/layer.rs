use keras_serial::prelude::*;

/// `Skeletons>KernelMult`, as a file has it.
#[register(package = "Skeletons")]
#[derive(KerasSerializable)]
struct KernelMult {
    base: LayerBase,
    units: usize,
    axis: i64,
    rate: f64,
    training: bool,
    mode: String,
    limits: Vec<usize>,
    words: Vec<String>,
    mixed: Vec<keras_serial::json::Value>,
    nothing: Option<keras_serial::json::Value>,
    #[keras(rename = "type")]
    type_: usize,
    #[keras(rename = "2d")]
    entry_2d: bool,
    #[keras(rename = "kernel-size")]
    kernel_size: Vec<usize>,
    activation: Activation,
    kernel_initializer: Initializer,
    bias_regularizer: Option<Regularizer>,
    kernel_constraint: Option<Constraint>,
    inner: LayerRef,
    layers: Vec<LayerRef>,
    cell: LayerRef,
    settings: keras_serial::json::Value,
}

impl Layer for KernelMult {
    fn call(&self, _inputs: &CallArgs, _cx: &CallContext) -> Result<Nested<Tensor>> {
        Err(Error::new(ErrorKind::Unsupported, "`KernelMult` is yet to be written"))
    }
}
