//! Masks through layers: which pass them on, and which end them.

use std::sync::Mutex;

use keras_serial::prelude::*;

use crate::{Same, ones, shape, zeros};

fn inference() -> CallContext {
    CallContext::inference()
}

#[derive(KerasSerializable)]
#[keras(new)]
struct MaskedLayer {
    base: LayerBase,
    #[keras(skip)]
    seen: Mutex<Vec<Option<String>>>,
}

impl Layer for MaskedLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        *self.seen.lock().unwrap() = cx.masks().iter().map(|mask| mask.as_ref().map(shape)).collect();
        inputs.inputs()
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

// class Same(keras.layers.Layer): def call(self, x): return x; Same().get_config()["autocast"] is True
#[derive(KerasSerializable)]
#[keras(new)]
struct Twice {
    base: LayerBase,
}

impl Layer for Twice {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, 2.0).map(Into::into)
    }
}

/// Has a mask of its own, and so supports masking.
#[derive(KerasSerializable)]
#[keras(new)]
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
