//! Counterparts of the tests of call contexts and of metrics in layers in `keras/src/layers/layer_test.py`,
//! with the same names.

use keras_serial::metrics::MeanSquaredError;
use keras_serial::prelude::*;

use crate::{Same, assert_close, assert_fails, numbers, ones, symbol, zeros};

/// Adds 1 if its call, or an enclosing one, asks for it.
#[derive(KerasSerializable)]
#[keras(new)]
struct Inner {
    base: LayerBase,
}

impl Layer for Inner {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let added = if inputs.flag("foo_mode", false)? { 1.0 } else { 0.0 };
        ops::add(inputs.tensor()?, added).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x", "foo_mode"]).context(&["foo_mode"])
    }
}

/// Takes the same argument, but not from enclosing calls.
#[derive(KerasSerializable)]
#[keras(new)]
struct Deaf {
    base: LayerBase,
}

impl Layer for Deaf {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let added = if inputs.flag("foo_mode", false)? { 1.0 } else { 0.0 };
        ops::add(inputs.tensor()?, added).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x", "foo_mode"])
    }
}

/// Passes the argument on without using it.
#[derive(KerasSerializable)]
#[keras(new)]
struct Outer {
    base: LayerBase,
    inner: LayerRef,
}

impl Layer for Outer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.inner.call(inputs.inputs()?, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs"]).context(&["foo_mode"])
    }
}

/// Does not know the argument; optionally calls its inner layer with one.
#[derive(KerasSerializable)]
#[keras(new)]
struct Middle {
    base: LayerBase,
    inner: LayerRef,
    #[keras(default)]
    own: Option<bool>,
}

impl Layer for Middle {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let args = CallArgs::one(inputs.inputs()?);
        match self.own {
            Some(own) => self.inner.call(args.with_value("foo_mode", own), cx),
            None => self.inner.call(args, cx),
        }
    }
}

fn foo(x: &Tensor) -> CallArgs {
    CallArgs::from(x).with_value("foo_mode", true)
}

fn number(y: Result<Tensor>) -> f32 {
    y.unwrap().to_vec::<f32>().unwrap()[0]
}

#[test]
fn test_call_context_args_with_custom_layers() {
    let layer = Outer::new(Inner::new()).shared();
    let x = zeros(&[1]);
    assert_eq!(number(layer.apply(foo(&x))), 1.0);
    assert_eq!(number(layer.apply(&x)), 0.0);
}

#[test]
fn test_register_call_context_arguments() {
    let layer = Same::new().shared();
    assert_eq!(layer.context_arguments(), ["training"]);
    layer.register_context_arguments(["foo_mode"]).unwrap();
    assert_eq!(layer.context_arguments(), ["training", "foo_mode"]);
    assert_eq!(Outer::new(Same::new()).shared().context_arguments(), ["training", "foo_mode"]);
    // Where it is not registered, it is an argument like others, and unknown.
    assert_fails(Same::new().shared().apply(foo(&zeros(&[1]))), "unknown argument `foo_mode`");
}

#[test]
fn test_register_call_context_arguments_after_call() {
    let layer = Same::new().shared();
    layer.apply(zeros(&[1])).unwrap();
    let late = layer.register_context_arguments(["foo_mode"]);
    assert_fails(late, "Cannot add call-context args after the layer has been called");
    assert_eq!(layer.context_arguments(), ["training"]);
}

#[test]
fn test_context_args_with_triple_nesting_and_priority() {
    let x = zeros(&[1]);
    let through = Middle::new(Middle::new(Inner::new())).shared();
    through.register_context_arguments(["foo_mode"]).unwrap();
    assert_eq!(number(through.apply(foo(&x))), 1.0);
    assert_eq!(number(through.apply(&x)), 0.0);
    // What is said nearest to the layer counts, and nothing of it is left for the next.
    let mut middle = Middle::new(Inner::new());
    middle.own = Some(false);
    let middle = middle.shared();
    let outer = Outer::new(middle.clone()).shared();
    assert_eq!(number(outer.apply(foo(&x))), 0.0);
    let both = Sequential::new([middle, Inner::new().shared()]).unwrap();
    both.register_context_arguments(["foo_mode"]).unwrap();
    assert_eq!(number(both.apply(foo(&x))), 1.0);
}

#[test]
fn test_context_arg_propagation_without_declaration() {
    let layer = Middle::new(Deaf::new()).shared();
    layer.register_context_arguments(["foo_mode"]).unwrap();
    assert_eq!(number(layer.apply(foo(&zeros(&[1])))), 0.0);
    assert_eq!(number(Deaf::new().shared().apply(foo(&zeros(&[1])))), 1.0);
}

#[test]
fn test_call_context_args_with_func_seq_models_as_layers() {
    let x = Tensor::from_slice(&[1.0f32, 2.0], [2, 1]).unwrap();
    let more = Tensor::from_slice(&[2.0f32, 3.0], [2, 1]).unwrap();
    let sequential = Sequential::new([Identity::new().shared(), Middle::new(Inner::new()).shared()]).unwrap();
    let inputs = symbol([1]);
    let outputs = Middle::new(Inner::new()).apply(Identity::new().apply(&inputs).unwrap()).unwrap();
    let functional = Functional::new(inputs, outputs).unwrap();
    for model in [sequential, functional] {
        model.register_context_arguments(["foo_mode"]).unwrap();
        assert_close(&model.apply(foo(&x)).unwrap(), &more);
        assert_close(&model.apply(&x).unwrap(), &x);
    }
}

/// Trains by default, as `call(self, x, training=True)` in Python.
#[derive(KerasSerializable)]
#[keras(new)]
struct TrainsByDefault {
    base: LayerBase,
    #[keras(sublayer(init = Dropout::new(0.9).shared()))]
    dropout: LayerRef,
}

impl Layer for TrainsByDefault {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let added = if cx.training_arg().unwrap_or(true) { 1.0 } else { 0.0 };
        let x = ops::add(inputs.tensor()?, added)?;
        self.dropout.call(x, cx)
    }
}

#[test]
fn test_signature_default_training_does_not_leak() {
    let layer = TrainsByDefault::new().shared();
    let call = |training| {
        let cx = CallContext::default().with_training(training);
        layer.call(zeros(&[4, 4]), &cx).unwrap().into_single().unwrap().to_vec::<f32>().unwrap()
    };
    // The layer has its default; the Dropout inside was told nothing, and drops nothing.
    assert_eq!(call(None), [1.0; 16]);
    assert_eq!(call(Some(false)), [0.0; 16]);
    assert!(call(Some(true)).contains(&0.0));
}

/// Has a metric of the distance of its output from zero.
#[derive(KerasSerializable)]
#[keras(new)]
struct LayerWithMetric {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).name("dense").shared()))]
    dense: LayerRef,
    #[keras(sublayer(init = MeanSquaredError::new().name("my_metric").into()))]
    metric: Metric,
}

impl Layer for LayerWithMetric {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.dense, input)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let y = self.dense.apply(inputs.tensor()?)?;
        if !y.is_symbolic() {
            self.metric.update_state(&y, &ops::zeros_like(&y)?, None)?;
        }
        Ok(y.into())
    }
}

/// Holds a metric that is passed in with the inner layer.
#[derive(KerasSerializable)]
#[keras(new)]
struct ParentLayerWithMetric {
    base: LayerBase,
    inner_layer: LayerRef,
    metric: Metric,
}

impl Layer for ParentLayerWithMetric {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.inner_layer, input)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.inner_layer.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_metric_tracking() {
    let parent =
        |inner: LayerRef| ParentLayerWithMetric::new(inner, MeanSquaredError::new().name("my_metric")).shared();
    let layer = || LayerWithMetric::new(3).shared();
    for (layer, metrics) in [(layer(), 1), (parent(layer()), 2), (parent(parent(layer())), 3)] {
        layer.build(&Shape::from([1, 3])).unwrap();
        assert_eq!((layer.metrics().len(), layer.metrics_variables().unwrap().len()), (metrics, 2 * metrics));
        assert_eq!((layer.trainable_weights().len(), layer.non_trainable_weights().len()), (2, 0));
    }
}

#[test]
fn metrics_of_layers_are_in_the_logs_and_not_in_files() {
    // LayerWithMetric(3) with all weights 0.5 and 0.0 in Keras: fit, twice, on ones.
    let layer = LayerWithMetric::new(3).shared();
    let model = Sequential::new([Input::new([3]).layer(), layer.clone()]).unwrap();
    assert_eq!(model.metrics().len(), 1);
    model.weights()[0].assign(&ops::multiply(ones(&[3, 3]), 0.5).unwrap()).unwrap();
    model.compile(Compile::new("sgd", "mse").metrics(["mae"])).unwrap();
    let data = || (ones(&[4, 3]), ones(&[4, 3]));
    let history = model.fit(data(), Fit::new().epochs(2).batch_size(2).verbose(0)).unwrap();
    let logged = |name: &str| history.history[name].clone();
    let names: Vec<&String> = history.history.keys().collect();
    assert_eq!(names, ["loss", "mae", "my_metric"]);
    for (logged, expected) in logged("my_metric").into_iter().zip([2.230089, 2.153224]) {
        assert!((logged - expected).abs() < 1e-5, "{logged} and {expected}");
    }
    assert_eq!(model.metrics().last().unwrap().name(), "my_metric");
    model.reset_metrics().unwrap();
    assert_eq!(number(layer.metrics()[0].result().unwrap().into_single()), 0.0);

    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let _objects = CustomObjectScope::new(CustomObjects::new().with::<LayerWithMetric>()).enter();
    let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
    assert_close(&loaded.predict(numbers(&[2, 3])).unwrap(), &model.predict(numbers(&[2, 3])).unwrap());
}
