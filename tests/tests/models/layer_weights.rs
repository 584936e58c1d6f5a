//! Weights that layers add: defaults, names, and whether they train.

use keras_serial::json::value;
use keras_serial::prelude::*;

use crate::layer::ParentLayer;
use crate::{assert_close, assert_fails, ones, shape};

fn symbol(shape: impl Into<Shape>) -> Tensor {
    Tensor::symbol(shape, DType::Float32)
}

/// Weights of several shapes and dtypes, mostly by default.
#[derive(KerasSerializable)]
#[keras(new)]
struct Defaults {
    base: LayerBase,
    #[keras(weight)]
    w1: Weight,
    #[keras(weight)]
    w2: Weight,
    #[keras(weight)]
    w3: Weight,
    #[keras(weight)]
    w4: Weight,
    #[keras(weight)]
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

/// Has a weight, made when it is built, and perhaps a layer of its kind.
#[derive(KerasSerializable)]
#[keras(new)]
struct NamedWeight {
    base: LayerBase,
    nested: Option<LayerRef>,
    #[keras(weight)]
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
#[keras(new)]
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

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "attention_mask"]).build(&["inputs_shape", "attention_mask_shape"])
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

/// A layer whose `build` forgets one of its weights.
#[derive(KerasSerializable)]
#[keras(new)]
struct Forgetful {
    base: LayerBase,
    #[keras(weight)]
    made: Weight,
    #[keras(weight)]
    forgotten: Weight,
}

impl Layer for Forgetful {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.made.make(cx, Shape::scalar()).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(ops::add(inputs.tensor()?, &self.forgotten.value()?)?.into())
    }
}

#[test]
fn a_weight_that_build_did_not_make_is_told_from_one_of_an_unbuilt_layer() {
    let layer = Forgetful::new().shared();
    let this = layer.downcast_ref::<Forgetful>().unwrap();
    for weight in [&this.made, &this.forgotten] {
        assert!(weight.value().unwrap_err().to_string().contains("is not made yet (call the layer, or build it"));
    }
    let error = layer.call(ones(&[1, 1]), &CallContext::inference()).unwrap_err().to_string();
    assert!(error.contains("`build` has run and made no weight `forgotten` (make it in `build`"), "{error}");
    // The failed call is undone, and the layer not built again.
    assert!(this.forgotten.value().unwrap_err().to_string().contains("is not made yet"));
    assert!(this.made.variable().is_none());
    layer.build(&Shape::from([1])).unwrap();
    assert!(this.made.variable().is_some());
    assert!(this.forgotten.value().unwrap_err().to_string().contains("`build` has run"));
}

#[test]
fn a_weight_that_is_not_there_is_an_error_with_paths() {
    let model = Sequential::new([Input::new([3, 2]).layer(), LSTM::new(4).name("lstm").shared()]).unwrap();
    let error = |path: &str| model.weight(path).unwrap_err().to_string();
    assert!(error("lstm/kernel").contains("lstm/lstm_cell/kernel`?"), "{}", error("lstm/kernel"));
    assert!(error("nonsense").contains("lstm/lstm_cell/kernel`, "), "{}", error("nonsense"));
    let empty = Sequential::new([Dense::new(1).shared()]).unwrap();
    assert!(empty.weight("dense/kernel").unwrap_err().to_string().contains("when it is built"));
}
