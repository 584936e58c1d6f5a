//! Builds: a failed one leaves layers unchanged, and weights are drawn when they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keras_serial::initializers::Initialize;
use keras_serial::prelude::*;

use crate::{numbers, ones};

#[derive(KerasSerializable)]
#[keras(new)]
struct Picky {
    base: LayerBase,
    inner: LayerRef,
    #[keras(weight)]
    first: Weight,
    #[keras(weight)]
    second: Weight,
    #[keras(sublayer)]
    made: Sublayer,
}

impl Layer for Picky {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let extent = input.dim(-1)?;
        self.first.make(cx, [extent]).initializer(Some(&"ones".into())).create()?;
        cx.build_layer(&self.inner, input)?;
        self.made.make(cx, Dense::new(extent).use_bias(false), &Shape::from([None, Some(2)]))?;
        if extent != 3 {
            return Err(Error::new(ErrorKind::Shape, "only 3 will do"));
        }
        self.second.make(cx, [2 * extent]).initializer(Some(&"ones".into())).create()
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let y = ops::multiply(inputs.tensor()?, &self.first.value()?)?;
        self.made.call(&self.inner.call(&y, cx)?.into_single()?, cx).map(Nested::from)
    }
}

fn shapes(layer: &LayerRef) -> Vec<String> {
    layer.weights().iter().map(|weight| weight.shape().to_string()).collect()
}

#[test]
fn a_failed_build_can_be_done_again() {
    let layer = Picky::new(Dense::new(2).kernel_initializer("ones").shared()).shared();
    for extent in [5, 4, 5] {
        let error = layer.build(&Shape::from([None, Some(extent)])).unwrap_err();
        assert!(error.to_string().contains("only 3 will do"), "{error}");
        // As it was: neither built, nor with weights, nor with a layer made for other shapes.
        assert!(layer.weights().is_empty() && layer.layers().len() == 1, "{:?}", shapes(&layer));
        let picky = layer.downcast_ref::<Picky>().unwrap();
        assert!(picky.first.variable().is_none() && picky.made.layer().is_none());
        assert!(picky.inner.count_params().is_err());
    }
    layer.build(&Shape::from([None, Some(3)])).unwrap();
    assert_eq!(shapes(&layer), ["(3,)", "(6,)", "(3, 2)", "(2,)", "(2, 3)"]);
    assert_eq!(layer.apply(ones(&[1, 3])).unwrap().shape().to_string(), "(1, 3)");
}

#[test]
fn a_failed_first_call_can_be_done_again() {
    let layer = Picky::new(Dense::new(2).shared()).shared();
    layer.apply(ones(&[1, 4])).unwrap_err();
    assert!(layer.weights().is_empty());
    layer.apply(ones(&[1, 3])).unwrap();
    assert_eq!(layer.weights().len(), 5);
}

/// What was built before an enclosing layer's build failed stays built.
#[test]
fn layers_that_were_built_before_stay() {
    let inner = Dense::new(2).shared();
    inner.build(&Shape::from([None, Some(4)])).unwrap();
    let before = inner.get_weights();
    let layer = Picky::new(inner.clone()).shared();
    layer.build(&Shape::from([None, Some(4)])).unwrap_err();
    assert_eq!(inner.get_weights().len(), 2);
    crate::assert_close(&inner.get_weights()[0], &before[0]);
}

#[derive(KerasSerializable)]
#[keras(new)]
struct Chain {
    base: LayerBase,
    first: LayerRef,
    second: LayerRef,
}

impl Layer for Chain {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let y = self.first.call(inputs.tensor()?, cx)?;
        self.second.call(y.into_single()?, cx)
    }
}

/// Without `build`, the first call builds the inner layers; it may fail after the first of them.
#[test]
fn a_layer_that_its_first_call_builds_can_be_called_again() {
    let layer = Chain::new(Dense::new(2).shared(), Conv1D::new(1, 2).shared()).shared();
    let error = layer.apply(ones(&[1, 5])).unwrap_err();
    assert!(error.to_string().contains("conv1d"), "{error}");
    assert!(layer.weights().is_empty(), "{:?}", shapes(&layer));
    layer.apply(ones(&[1, 4, 3])).unwrap();
    assert_eq!(shapes(&layer)[0], "(3, 2)");
}

#[test]
fn a_sequential_model_can_be_built_for_another_shape_after_a_failed_build() {
    let model =
        Sequential::new([Dense::new(2).name("first").into(), Picky::new(Dense::new(2).shared()).into()]).unwrap();
    model.build([None, Some(7)]).unwrap_err();
    assert!(model.weights().is_empty());
    let model = Sequential::new([Dense::new(3).name("first").into(), Conv1D::new(1, 2).name("second").into()]).unwrap();
    model.build([None, Some(7)]).unwrap_err();
    assert!(model.weights().is_empty(), "{:?}", shapes(model.as_layer()));
    model.build([None, Some(4), Some(5)]).unwrap();
    assert_eq!(model.predict(numbers(&[2, 4, 5])).unwrap().shape().to_string(), "(2, 3, 1)");
}

/// A layer that does not accept an input is not built for it.
#[test]
fn keras_own_layers_can_be_built_again() {
    let attention = MultiHeadAttention::new(2, 2).shared();
    let call = |q: &[usize], v: &[usize]| {
        attention.call(CallArgs::one(numbers(q)).and(numbers(v)), &CallContext::inference()).map(|_| ())
    };
    call(&[2, 3, 4], &[2, 3]).unwrap_err();
    assert!(attention.weights().is_empty());
    call(&[2, 3, 4], &[2, 5, 6]).unwrap();
    assert_eq!(attention.weights().len(), 8);
    let normalization = BatchNormalization::new().axis(3).shared();
    normalization.build(&Shape::from([None, Some(4)])).unwrap_err();
    normalization.build(&Shape::from([None, Some(2), Some(2), Some(4)])).unwrap();
    assert_eq!(normalization.weights().len(), 4);
}

/// Counts how often it is called.
#[register(package = "Builds")]
#[derive(KerasSerializable, Debug, Default)]
struct Counted {
    #[keras(skip)]
    calls: Arc<AtomicUsize>,
}

impl Initialize for Counted {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        ops::ones(shape, dtype)
    }

    fn is_lazy(&self, _: &Shape, _: DType) -> Result<bool> {
        Ok(true)
    }
}

#[test]
fn weights_are_drawn_when_they_are_first_read() {
    let calls = Arc::<AtomicUsize>::default();
    let layer = || Dense::new(2).kernel_initializer(Initializer::new(Counted { calls: calls.clone() })).shared();
    let (read, assigned) = (layer(), layer());
    for layer in [&read, &assigned] {
        layer.build(&Shape::from([1, 3])).unwrap();
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(read.weights()[0].read().to_vec::<f32>().unwrap(), [1.0; 6]);
    assert_eq!(read.weights()[0].read().to_vec::<f32>().unwrap(), [1.0; 6]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assigned.weights()[0].assign(&Tensor::from_slice(&[5.0f32; 6], [3, 2]).unwrap()).unwrap();
    assert_eq!(assigned.weights()[0].read().to_vec::<f32>().unwrap(), [5.0; 6]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn random_weights_do_not_depend_on_the_order_of_reading() {
    let values = |order: [usize; 2]| {
        keras_serial::random::set_random_seed(3);
        let layers = [(); 2].map(|()| Dense::new(2).kernel_initializer("he_normal").shared());
        layers.iter().for_each(|layer| layer.build(&Shape::from([1, 3])).unwrap());
        let mut found = [vec![], vec![]];
        for index in order {
            found[index] = layers[index].weights()[0].read().to_vec::<f32>().unwrap();
        }
        found
    };
    let forward = values([0, 1]);
    assert_eq!(forward, values([1, 0]));
    assert_ne!(forward[0], forward[1]);
}

#[test]
fn what_an_initializer_refuses_is_refused_at_once() {
    let layer = Dense::new(2).bias_initializer("orthogonal").shared();
    let error = layer.build(&Shape::from([1, 3])).unwrap_err().to_string();
    assert!(error.contains("at least two-dimensional"), "{error}");
}
