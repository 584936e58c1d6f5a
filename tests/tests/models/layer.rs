//! Counterparts of `keras/src/layers/layer_test.py`, with the same names.

use std::sync::Mutex;

use keras_serial::layers::collect_losses;
use keras_serial::prelude::*;

use crate::{Same, assert_fails, numbers, ones, zeros};

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
#[keras(new)]
struct LayerWithDenseLayers {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = indexmap::IndexMap::from([("dense2".to_owned(), Dense::new(units).shared())])))]
    layer_dict: indexmap::IndexMap<String, LayerRef>,
    #[keras(sublayer(init = vec![Dense::new(units).shared(), Dense::new(units).shared()]))]
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
#[keras(new)]
pub struct ParentLayer {
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
#[keras(new)]
struct KwargsLayer {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense2: LayerRef,
}

impl Layer for KwargsLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x1 = self.dense1.apply(inputs.required("x1")?)?;
        ops::add(&x1, self.dense2.apply(inputs.required("x2")?)?).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x1", "x2"])
    }
}

/// Passes all arguments to one Dense layer, and adds the results.
#[derive(KerasSerializable)]
#[keras(new)]
struct SumLayer {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).shared()))]
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
#[keras(new)]
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
#[keras(new)]
struct TrainingLayer {
    base: LayerBase,
    explicit: Option<bool>,
    #[keras(sublayer(init = Dropout::new(0.9).shared()))]
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
#[keras(new)]
struct AddScalar {
    base: LayerBase,
    autocast: bool,
    #[keras(weight)]
    v: Weight,
    #[keras(skip)]
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

/// Computes, and says nothing of masks.
/// A trainable weight, one that is not, and perhaps a layer of the same kind.
#[derive(KerasSerializable)]
#[keras(new)]
struct SomeFrozen {
    base: LayerBase,
    nested: Option<LayerRef>,
    #[keras(weight)]
    w1: Weight,
    #[keras(weight)]
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
#[keras(new)]
struct BuildNames {
    base: LayerBase,
    #[keras(skip)]
    names: Vec<&'static str>,
    #[keras(skip)]
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

    fn signature(&self) -> Signature {
        let all = [FOO, SUBSET, NO_SUFFIX, UNKNOWN];
        Signature::new(&["foo", "bar", "baz"]).build(all.into_iter().find(|names| *names == self.names).unwrap())
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
