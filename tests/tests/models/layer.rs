//! Counterparts of `keras/src/layers/layer_test.py`, with the same names.

use std::sync::Mutex;

use keras_serial::json::value;
use keras_serial::layers::collect_losses;
use keras_serial::prelude::*;

use crate::{Same, assert_close, assert_fails, numbers, ones, shape, zeros};

fn symbol(shape: impl Into<Shape>) -> Tensor {
    Tensor::symbol(shape, DType::Float32)
}

fn inference() -> CallContext {
    CallContext::inference()
}

#[test]
fn test_compute_output_spec() {
    let layer = Same::new().shared();
    let leaf = |extent| Nested::Leaf(Shape::from([2, extent]));
    let pair = || Nested::Tuple(vec![leaf(3), leaf(4)]);
    let dict = |items: [(&str, Nested<Shape>); 2]| {
        Nested::Dict(items.into_iter().map(|(key, item)| (key.to_owned(), item)).collect())
    };
    for structure in [
        leaf(3),
        pair(),
        Nested::List(vec![leaf(3), leaf(3)]),
        dict([("1", leaf(3)), ("2", leaf(4))]),
        Nested::Tuple(vec![leaf(3), pair(), pair()]),
        dict([("1", leaf(3)), ("2", dict([("11", leaf(3)), ("22", leaf(5))]))]),
    ] {
        assert_eq!(layer.compute_output_shape(structure.clone()).unwrap(), structure);
    }
}

/// A layer with a list, a map, and single layers.
#[derive(KerasSerializable)]
#[config(new)]
struct LayerWithDenseLayers {
    base: LayerBase,
    units: usize,
    #[sublayer(init = Dense::new(units).shared())]
    dense1: LayerRef,
    #[sublayer(init = indexmap::IndexMap::from([("dense2".to_owned(), Dense::new(units).shared())]))]
    layer_dict: indexmap::IndexMap<String, LayerRef>,
    #[sublayer(init = vec![Dense::new(units).shared(), Dense::new(units).shared()])]
    layer_list: Vec<LayerRef>,
}

impl Layer for LayerWithDenseLayers {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let layers = [&self.dense1, &self.layer_dict["dense2"], &self.layer_list[0], &self.layer_list[1]];
        layers.into_iter().try_fold(inputs.inputs()?, |x, layer| layer.call(x, cx))
    }
}

/// Calls the layer inside.
#[derive(KerasSerializable)]
#[config(new)]
struct ParentLayer {
    base: LayerBase,
    inner: LayerRef,
}

impl Layer for ParentLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.inner.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_layer_tracking() {
    let layer = LayerWithDenseLayers::new(3).shared();
    assert_eq!(layer.layers().len(), 4);
    layer.apply(zeros(&[1, 3])).unwrap();
    assert_eq!(layer.weights().len(), 8);
    let parent = ParentLayer::new(LayerWithDenseLayers::new(3)).shared();
    assert_eq!(parent.layers().len(), 1);
    parent.apply(zeros(&[1, 3])).unwrap();
    assert_eq!(parent.weights().len(), 8);
    let grandparent = ParentLayer::new(ParentLayer::new(LayerWithDenseLayers::new(3))).shared();
    grandparent.apply(zeros(&[1, 3])).unwrap();
    assert_eq!((grandparent.layers().len(), grandparent.weights().len()), (1, 8));
}

/// Passes each argument to a separate Dense layer.
#[derive(KerasSerializable)]
#[config(new)]
struct KwargsLayer {
    base: LayerBase,
    units: usize,
    #[sublayer(init = Dense::new(units).shared())]
    dense1: LayerRef,
    #[sublayer(init = Dense::new(units).shared())]
    dense2: LayerRef,
}

impl Layer for KwargsLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x1 = self.dense1.apply(inputs.required("x1")?)?;
        ops::add(&x1, self.dense2.apply(inputs.required("x2")?)?).map(Into::into)
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["x1", "x2"]
    }
}

/// Passes all arguments to one Dense layer, and adds the results.
#[derive(KerasSerializable)]
#[config(new)]
struct SumLayer {
    base: LayerBase,
    units: usize,
    #[sublayer(init = Dense::new(units).shared())]
    dense: LayerRef,
}

impl Layer for SumLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs.inputs()?;
        let results = inputs.leaves().into_iter().map(|x| self.dense.apply(x)).collect::<Result<Vec<_>>>()?;
        results[1..].iter().try_fold(results[0].clone(), |sum, y| ops::add(&sum, y)).map(Into::into)
    }
}

#[test]
fn test_build_on_call() {
    let x = || symbol([3, 4]);
    let layer = ParentLayer::new(Dense::new(2)).shared();
    layer.apply(x()).unwrap();
    assert_eq!(layer.weights().len(), 2);
    for args in [CallArgs::one(x()).and(x()), CallArgs::none().with("x1", x()).with("x2", x())] {
        let layer = KwargsLayer::new(2).shared();
        layer.apply(args).unwrap();
        assert_eq!(layer.weights().len(), 4);
    }
    let left_out = [("x1".to_owned(), Nested::Leaf(x())), ("x2".to_owned(), Nested::None)];
    for inputs in [
        Nested::dict([("x1", x()), ("x2", x())]),
        Nested::Dict(left_out.into_iter().collect()),
        Nested::list([x(), x()]),
        Nested::List(vec![Nested::Leaf(x()), Nested::None]),
    ] {
        let layer = SumLayer::new(2).shared();
        layer.apply(inputs).unwrap();
        assert_eq!(layer.weights().len(), 2);
    }
}

fn losses(layer: &LayerRef, x: &Tensor) -> Vec<f32> {
    let ((), losses) = collect_losses(|| layer.call(x, &inference()).map(|_| ())).unwrap();
    losses.iter().map(|loss| loss.to_vec::<f32>().unwrap()[0]).collect()
}

#[test]
fn test_activity_regularization() {
    let layer = Same::new().activity_regularizer("l1").shared();
    for _ in 0..2 {
        assert_eq!(losses(&layer, &ones(&[1])), [0.01]);
    }
    assert!(losses(&layer, &symbol([2, 2])).is_empty());
}

#[test]
fn test_activity_regularization_batch_normalization() {
    // The mean over the batch: 0.01 * 5 * 2 ** 2, for batches of any size.
    for batch in [1, 5, 10] {
        let layer = Same::new().activity_regularizer("l2").shared();
        let x = ops::multiply(ones(&[batch, 5]), 2.0).unwrap();
        let [loss] = losses(&layer, &x)[..] else { panic!("one loss") };
        assert!((loss - 0.2).abs() < 1e-6, "{loss}");
    }
}

/// Adds the sum of its input to the losses.
#[derive(KerasSerializable)]
#[config(new)]
struct LossLayer {
    base: LayerBase,
}

impl Layer for LossLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if !x.is_symbolic() {
            keras_serial::layers::add_loss(ops::sum(x, ops::Axes::all(), false)?);
        }
        Ok(x.clone().into())
    }
}

#[test]
fn test_add_loss() {
    let layer = LossLayer::new().shared();
    let model = Sequential::new([layer.clone()]).unwrap();
    let outer = Sequential::new([model.clone().into()]).unwrap();
    for layer in [&layer, model.as_layer(), outer.as_layer()] {
        for _ in 0..2 {
            assert_eq!(losses(layer, &ones(&[1])), [1.0]);
        }
    }
}

/// A layer with a Dropout, whose training flag is the outer call's or this layer's own.
#[derive(KerasSerializable)]
#[config(new)]
struct TrainingLayer {
    base: LayerBase,
    explicit: Option<bool>,
    #[sublayer(init = Dropout::new(0.9).shared())]
    dp: LayerRef,
}

impl Layer for TrainingLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let args = CallArgs::one(inputs.inputs()?);
        match self.explicit {
            Some(training) => self.dp.call(args.with_value("training", training), cx),
            None => self.dp.call(args, cx),
        }
    }
}

fn drops(layer: &LayerRef, args: CallArgs, cx: &CallContext) -> bool {
    layer.call(args, cx).unwrap().into_single().unwrap().to_vec::<f32>().unwrap().contains(&0.0)
}

#[test]
fn test_training_arg_value_resolution() {
    let x = || CallArgs::one(ones(&[4, 4]));
    let layer = TrainingLayer::new(None).shared();
    let outer = ParentLayer::new(TrainingLayer::new(None)).shared();
    for layer in [&layer, &outer] {
        assert!(!drops(layer, x(), &inference()));
        assert!(drops(layer, x(), &CallContext::training()));
        assert!(drops(layer, x().with_value("training", true), &inference()));
    }
    // What is said to the inner layer counts.
    let explicit = TrainingLayer::new(Some(true)).shared();
    assert!(drops(&explicit, x().with_value("training", false), &inference()));
    // Nothing lingers after a call that fails.
    assert!(
        ParentLayer::new(Dense::new(1))
            .shared()
            .call(Tensor::scalar(1.0f32).unwrap(), &CallContext::training())
            .is_err()
    );
    assert!(!drops(&layer, x(), &inference()));
}

#[test]
fn test_mixed_precision() {
    let x = ones(&[4, 4]);
    for (policy, variable) in [("float16", DType::Float16), ("mixed_float16", DType::Float32)] {
        let layer = Dense::new(2).dtype(policy).shared();
        assert_eq!(layer.apply(&x).unwrap().dtype(), DType::Float16);
        assert!(layer.weights().iter().all(|weight| weight.dtype() == variable));
    }
}

/// Adds a scalar, and records the dtypes of input and weight.
#[derive(KerasSerializable)]
#[config(new)]
struct AddScalar {
    base: LayerBase,
    autocast: bool,
    #[weight]
    v: Weight,
    #[config(skip)]
    seen: Mutex<Vec<DType>>,
}

impl Layer for AddScalar {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let ones = Initializer::from("ones");
        self.v.make(cx, Shape::scalar()).initializer(&ones).autocast(self.autocast).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let (x, v) = (inputs.tensor()?, self.v.value()?);
        *self.seen.lock().unwrap() = vec![x.dtype(), v.dtype()];
        ops::add(x, v).map(Into::into)
    }
}

#[test]
fn test_autocast() {
    use DType::{Float16, Float32};
    let layers = [
        (AddScalar::new(true).dtype("mixed_float16").shared(), [Float16, Float16]),
        (AddScalar::new(true).dtype("float32").shared(), [Float32, Float32]),
        (AddScalar::new(false).dtype("mixed_float16").shared(), [Float16, Float32]),
    ];
    // Each layer's own policy counts, not that of the layer around it.
    let outer = layers
        .iter()
        .fold(Same::new().shared(), |_, (layer, _)| ParentLayer::new(layer.clone()).dtype("mixed_float16").shared());
    outer.apply(zeros(&[1])).unwrap();
    let mut x = zeros(&[1]);
    for (layer, seen) in &layers {
        x = layer.apply(&x).unwrap();
        assert_eq!(*layer.downcast_ref::<AddScalar>().unwrap().seen.lock().unwrap(), seen);
    }
    assert_eq!(ops::cast_to(&x, Float32).unwrap().to_vec::<f32>().unwrap(), [3.0]);
}

#[test]
fn test_autocast_with_np_array() {
    let layer = Same::new().shared();
    let inputs = vec![Tensor::from_slice(&[0.0f64], [1]).unwrap(), Tensor::from_slice(&[0i32], [1]).unwrap()];
    let outputs = layer.call(inputs, &inference()).unwrap();
    let dtypes: Vec<DType> = outputs.leaves().into_iter().map(Tensor::dtype).collect();
    assert_eq!(dtypes, [DType::Float32, DType::Int32]);
}

/// Supports masks, and records those that it gets.
#[derive(KerasSerializable)]
#[config(new)]
struct MaskedLayer {
    base: LayerBase,
    #[config(skip)]
    seen: Mutex<Vec<Option<String>>>,
}

impl Layer for MaskedLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        *self.seen.lock().unwrap() = cx.masks().iter().map(|mask| mask.as_ref().map(shape)).collect();
        inputs.inputs()
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

// class Same(keras.layers.Layer): def call(self, x): return x; Same().get_config()["autocast"] is True
#[test]
fn autocast_of_a_configuration_is_read_and_kept() {
    let read = |autocast: &str| {
        let text = format!(r#"{{"name": "a", "trainable": true, "dtype": "float32", "autocast": {autocast}}}"#);
        let config = keras_serial::json::Value::parse(&text).unwrap();
        Same::from_config(config.as_dict().unwrap()).unwrap().shared()
    };
    let wide = Tensor::from_slice(&[0.0f64], [1]).unwrap();
    for (autocast, dtype) in [("true", DType::Float32), ("false", DType::Float64)] {
        let layer = read(autocast);
        assert_eq!(layer.apply(&wide).unwrap().dtype(), dtype);
        assert_eq!(layer.get_config().unwrap()["autocast"].to_json(), autocast);
    }
    assert!(!Same::new().shared().get_config().unwrap().contains_key("autocast"));
    assert_eq!(Same::new().autocast(false).apply(&wide).unwrap().dtype(), DType::Float64);
}

/// Computes, and does not mention masks.
#[derive(KerasSerializable)]
#[config(new)]
struct Twice {
    base: LayerBase,
}

impl Layer for Twice {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, 2.0).map(Into::into)
    }
}

/// Has a custom `compute_mask`, and so supports masking.
#[derive(KerasSerializable)]
#[config(new)]
struct OwnMask {
    base: LayerBase,
}

impl Layer for OwnMask {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, 2.0).map(Into::into)
    }

    fn compute_mask(&self, _: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(mask())])
    }
}

fn mask() -> Tensor {
    Tensor::from_slice(&[true, true, false, false], [4]).unwrap()
}

fn same_mask(tensor: &Tensor) -> bool {
    tensor.mask().is_some_and(|found| found.to_vec::<bool>().unwrap() == mask().to_vec::<bool>().unwrap())
}

#[test]
fn test_keras_mask_with_autocast() {
    let layer = MaskedLayer::new().dtype("float16").shared();
    let y = layer.apply(zeros(&[4, 2]).with_mask(Some(mask()))).unwrap();
    assert_eq!(y.dtype(), DType::Float16);
    assert!(same_mask(&y));
}

#[test]
fn test_masking() {
    let seen = |layer: &LayerRef| layer.downcast_ref::<MaskedLayer>().unwrap().seen.lock().unwrap().clone();
    let masked = || ones(&[4, 4]).with_mask(Some(mask()));
    let layer = MaskedLayer::new().shared();
    for args in [CallArgs::one(masked()), CallArgs::one(ones(&[4, 4])).with("mask", mask())] {
        assert!(same_mask(&layer.apply(args).unwrap()));
        assert_eq!(seen(&layer), [Some("(4,)".to_owned())]);
    }
    let masks = Nested::list([mask(), mask()]);
    let plain = CallArgs::one(vec![ones(&[4, 4]), ones(&[4, 4])]).with("mask", masks);
    for args in [CallArgs::one(vec![masked(), masked()]), plain] {
        let outputs = layer.call(args, &inference()).unwrap();
        assert!(outputs.leaves().into_iter().all(same_mask));
        assert_eq!(seen(&layer).len(), 2);
        assert!(seen(&layer).iter().all(Option::is_some));
    }
    // They end at a layer that does not know them, unless it gives back what it got.
    assert!(same_mask(&Same::new().apply(masked()).unwrap()));
    assert!(Twice::new().apply(masked()).unwrap().mask().is_none());
    assert!(same_mask(&OwnMask::new().apply(ones(&[4, 4])).unwrap()));
}

#[test]
fn test_masking_with_explicit_kwarg_propagation() {
    let layer = MaskedLayer::new().shared();
    assert!(same_mask(&layer.apply(CallArgs::one(ones(&[4, 4])).with("mask", mask())).unwrap()));
}

#[test]
fn test_end_to_end_masking() {
    let embedding = Embedding::new(2, 2).mask_zero(true).embeddings_initializer("ones");
    let model = Sequential::new([embedding.shared()]).unwrap();
    let y = model.predict(Tensor::from_slice(&[1i32, 0, 0, 1], [1, 4]).unwrap()).unwrap();
    assert_eq!(y.mask().unwrap().to_vec::<bool>().unwrap(), [true, false, false, true]);
}

/// A trainable weight, a non-trainable one, and optionally a layer of the same kind.
#[derive(KerasSerializable)]
#[config(new)]
struct SomeFrozen {
    base: LayerBase,
    nested: Option<LayerRef>,
    #[weight]
    w1: Weight,
    #[weight]
    w2: Weight,
}

impl Layer for SomeFrozen {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.w1.make(cx, Shape::scalar()).create()?;
        self.w2.make(cx, Shape::scalar()).trainable(false).create()?;
        self.nested.as_ref().map_or(Ok(()), |nested| cx.build_layer(nested, input))
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

#[test]
fn test_trainable_setting() {
    let counts = |layer: &LayerRef| (layer.trainable_weights().len(), layer.non_trainable_weights().len());
    let make = || SomeFrozen::new(Some(SomeFrozen::new(None).shared()));
    let w1 = |layer: &LayerRef| layer.weights()[0].is_trainable();
    let layer = make().shared();
    layer.build(&Shape::from([1])).unwrap();
    assert_eq!(counts(&layer), (2, 2));
    layer.set_trainable(false);
    assert_eq!(counts(&layer), (0, 4));
    assert!(!w1(&layer) && !w1(&layer.layers()[0]));
    layer.set_trainable(true);
    assert_eq!(counts(&layer), (2, 2));
    assert!(w1(&layer) && w1(&layer.layers()[0]));

    let layer = make().trainable(false).shared();
    layer.build(&Shape::from([1])).unwrap();
    assert_eq!(counts(&layer), (0, 4));
    layer.set_trainable(true);
    assert_eq!(counts(&layer), (2, 2));
}

/// Records the shapes for which it is built, by the names in `names`.
#[derive(KerasSerializable)]
#[config(new)]
struct BuildNames {
    base: LayerBase,
    #[config(skip)]
    names: Vec<&'static str>,
    #[config(skip)]
    seen: Mutex<Vec<Option<Shape>>>,
}

const FOO: &[&str] = &["foo_shape"];
const SUBSET: &[&str] = &["baz_shape", "foo_shape"];
const NO_SUFFIX: &[&str] = &["foo_shape", "bar"];
const UNKNOWN: &[&str] = &["foo_shape", "qux_shape"];

impl BuildNames {
    fn of(names: &[&'static str]) -> LayerRef {
        let mut this = Self::new();
        this.names = names.to_vec();
        this.shared()
    }
}

impl Layer for BuildNames {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        *self.seen.lock().unwrap() = self.names.iter().map(|name| cx.shape(name).cloned()).collect();
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["foo", "bar", "baz"]
    }

    fn build_arguments(&self) -> &'static [&'static str] {
        let all = [FOO, SUBSET, NO_SUFFIX, UNKNOWN];
        all.into_iter().find(|names| *names == self.names).unwrap()
    }
}

#[test]
fn test_build_signature_errors() {
    // Shapes go by name where there are several.
    let (foo, bar, baz) = (ones(&[4, 1]), ones(&[4, 2]), ones(&[4, 3]));
    for (names, expected) in [(FOO, vec!["(4, 1)"]), (SUBSET, vec!["(4, 3)", "(4, 1)"])] {
        let layer = BuildNames::of(names);
        layer.apply(CallArgs::one(foo.clone()).and(bar.clone()).and(baz.clone())).unwrap();
        let seen = layer.downcast_ref::<BuildNames>().unwrap().seen.lock().unwrap().clone();
        assert_eq!(seen.into_iter().map(|shape| shape.unwrap().to_string()).collect::<Vec<_>>(), expected);
    }
    for (names, part) in [
        (NO_SUFFIX, "argument `bar`, which does not end in `_shape`"),
        (UNKNOWN, "`qux_shape`, but `call()` does not have argument `qux`"),
    ] {
        assert_fails(BuildNames::of(names).apply(CallArgs::one(foo.clone()).and(bar.clone())), part);
    }
}

#[test]
fn test_training_arg_not_specified() {
    let layer = ParentLayer::new(keras_serial::layers::Activation::new("linear")).shared();
    layer.call(CallArgs::one(numbers(&[1, 10, 10, 3])).with_value("training", true), &inference()).unwrap();
}

/// Weights of several shapes and dtypes, most by default.
#[derive(KerasSerializable)]
#[config(new)]
struct Defaults {
    base: LayerBase,
    #[weight]
    w1: Weight,
    #[weight]
    w2: Weight,
    #[weight]
    w3: Weight,
    #[weight]
    w4: Weight,
    #[weight]
    w5: Weight,
}

impl Layer for Defaults {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.w1.make(cx, Shape::scalar()).create()?;
        self.w2.make(cx, Shape::scalar()).dtype(DType::Int32).trainable(false).create()?;
        self.w3.make(cx, Shape::scalar()).dtype(DType::Bool).trainable(false).create()?;
        self.w4.make(cx, [2, 2]).dtype(DType::Int32).trainable(false).create()?;
        self.w5.make(cx, [2, 2]).initializer(&Initializer::from("ones")).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

#[test]
fn test_add_weight_defaults() {
    let layer = Defaults::new().shared();
    layer.build(&Shape::from([1])).unwrap();
    let this = layer.downcast_ref::<Defaults>().unwrap();
    let value = |weight: &Weight| weight.value().unwrap();
    let kind = |weight: &Weight| (shape(&value(weight)), value(weight).dtype());
    assert_eq!(kind(&this.w1), ("()".to_owned(), DType::Float32));
    assert_eq!(kind(&this.w2), ("()".to_owned(), DType::Int32));
    assert_eq!(value(&this.w2).to_vec::<i32>().unwrap(), [0]);
    assert_eq!(kind(&this.w3), ("()".to_owned(), DType::Bool));
    assert_eq!(value(&this.w3).to_vec::<bool>().unwrap(), [false]);
    assert_eq!(kind(&this.w4), ("(2, 2)".to_owned(), DType::Int32));
    assert_eq!(value(&this.w4).to_vec::<i32>().unwrap(), [0; 4]);
    assert_close(&value(&this.w5), &ones(&[2, 2]));
}

#[test]
fn test_trainable_init_arg_validation() {
    for wrong in [value!("yes"), value!(1)] {
        let config = value!({"units": 2, "trainable": (wrong)});
        assert_fails(Dense::from_config(config.as_dict().unwrap()), "trainable");
    }
}

#[test]
fn test_trainable_init_arg() {
    let inputs = Input::new([1]).tensor().unwrap();
    let layer = Dense::new(2).trainable(false).shared();
    let model = Functional::new(inputs.clone(), layer.apply(&inputs).unwrap()).unwrap();
    assert!(!layer.is_trainable());
    assert_eq!((layer.weights().len(), layer.trainable_weights().len()), (2, 0));
    assert_eq!((model.trainable_weights().len(), model.non_trainable_weights().len()), (0, 2));
    layer.set_trainable(true);
    assert_eq!((layer.weights().len(), layer.trainable_weights().len()), (2, 2));
    assert_eq!((model.trainable_weights().len(), model.non_trainable_weights().len()), (2, 0));
}

#[test]
fn test_serialize_dtype() {
    for (policy, class) in [("bfloat16", "DTypePolicy"), ("int8_from_bfloat16", "QuantizedDTypePolicy")] {
        let config = Dense::new(2).dtype(policy).get_config().unwrap();
        let form = config.get("dtype").unwrap();
        assert_eq!(form.get("class_name"), Some(&value!(class)));
        assert_eq!(Dense::from_config(&config).unwrap().get_config().unwrap(), config);
    }
}

#[test]
fn test_serialize_activity_regularizer() {
    let config = Dense::new(2).activity_regularizer("l2").get_config().unwrap();
    assert_eq!(config.get("activity_regularizer").unwrap().get("class_name"), Some(&value!("L2")));
    assert_eq!(Dense::from_config(&config).unwrap().get_config().unwrap(), config);
    assert!(!Dense::new(2).get_config().unwrap().contains_key("activity_regularizer"));
}

/// A weight that `build` creates, and optionally a layer of the same kind.
#[derive(KerasSerializable)]
#[config(new)]
struct NamedWeight {
    base: LayerBase,
    nested: Option<LayerRef>,
    #[weight]
    inner: Weight,
}

impl Layer for NamedWeight {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.inner.make(cx, [1]).create()
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = match &self.nested {
            Some(nested) => nested.call(inputs.inputs()?, cx)?.into_single()?,
            None => inputs.tensor()?.clone(),
        };
        ops::add(&x, self.inner.value()?).map(Into::into)
    }
}

#[test]
fn test_custom_layer_add_weight_in_build_name() {
    let innermost = NamedWeight::new(None).name("inner_inner_layer").shared();
    let inner = NamedWeight::new(Some(innermost)).name("inner_layer").shared();
    let layer = ParentLayer::new(inner).name("training_layer").shared();
    let output = layer.apply(symbol([4, 1])).unwrap();
    assert_eq!(shape(&output), "(4, 1)");
    let paths: Vec<String> = layer.weights().iter().map(|weight| weight.path().to_owned()).collect();
    assert_eq!(paths, ["training_layer/inner_layer/inner", "training_layer/inner_layer/inner_inner_layer/inner",]);
}

/// Is built for the mask's shape too.
#[derive(KerasSerializable)]
#[config(new)]
struct WithAttentionMask {
    base: LayerBase,
}

impl Layer for WithAttentionMask {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        assert_eq!(cx.shape("attention_mask_shape").map(ToString::to_string).as_deref(), Some("(2, 1)"));
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        match inputs.optional("attention_mask")? {
            Some(mask) => ops::multiply(x, mask).map(Into::into),
            None => Ok(x.clone().into()),
        }
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs", "attention_mask"]
    }

    fn build_arguments(&self) -> &'static [&'static str] {
        &["inputs_shape", "attention_mask_shape"]
    }
}

#[test]
fn test_layer_build_with_attention_mask_arg() {
    let args = CallArgs::one(ones(&[2, 3])).with("attention_mask", ones(&[2, 1]));
    assert_eq!(shape(&WithAttentionMask::new().shared().apply(args).unwrap()), "(2, 3)");
}

#[test]
fn count_params_needs_a_built_layer() {
    let layer = Dense::new(2).name("d").shared();
    assert_fails(layer.count_params(), "You tried to call `count_params` on layer 'd', but the layer isn't built");
    layer.build(&Shape::from([None, Some(3)])).unwrap();
    assert_eq!(layer.count_params().unwrap(), 8);
}
