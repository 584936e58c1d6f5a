//! Layers that are called inside others: saving reports those that are not visited.

use std::sync::OnceLock;

use keras_serial::layers::untracked;
use keras_serial::prelude::*;

use crate::{numbers, symbol};

/// Returns the error with which saving refuses a model, the same in every format.
fn refused(model: &Model) -> String {
    let folder = tempfile::tempdir().unwrap();
    let errors: Vec<Error> = ["m.keras", "m.h5", "m.weights.h5", "m.safetensors"]
        .map(|name| {
            let path = folder.path().join(name);
            let whole = name == "m.keras" || name == "m.h5";
            if whole { model.save(path).unwrap_err() } else { model.save_weights(path).unwrap_err() }
        })
        .into();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Weights), "{errors:?}");
    errors[0].to_string()
}

fn saved(model: &Model) -> Model {
    let bytes = SaveOptions::new().save_model_to_bytes(model).unwrap();
    assert!(!model.summary().unwrap().contains("Warning"));
    let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
    let x = numbers(&[3, 4]);
    crate::assert_close(&loaded.predict(&x).unwrap(), &model.predict(&x).unwrap());
    loaded
}

fn around(layer: impl Into<LayerRef>) -> Model {
    Sequential::new([Input::new([4]).layer(), layer.into()]).unwrap()
}

fn assert_names(error: &str, inner: &str, outer: &str) {
    assert!(error.contains(&format!("layer `{inner}` ")) && error.contains(&format!("layer `{outer}` ")), "{error}");
}

#[register(package = "Walks")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Hidden {
    base: LayerBase,
    #[keras(untracked)]
    inner: OnceLock<LayerRef>,
}

impl Layer for Hidden {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.inner.get_or_init(|| Dense::new(2).name("hidden").shared()).call(inputs.tensor()?, cx)
    }
}

#[test]
fn a_layer_in_an_untracked_field_is_an_error_when_saved() {
    let model = around(Hidden::new().name("outer"));
    assert_names(&refused(&model), "hidden", "outer");
    let summary = model.summary().unwrap();
    assert!(summary.contains("Warning: layer `hidden` (Dense) is called inside layer `outer` (Hidden)"), "{summary}");
    // It is the same in a model that is built by its first call.
    let model = Sequential::new([Hidden::new().name("outer").into()]).unwrap();
    model.predict(numbers(&[3, 4])).unwrap();
    assert_names(&refused(&model), "hidden", "outer");
}

#[register(package = "Walks")]
#[derive(KerasSerializable)]
#[keras(new)]
struct MadeInCall {
    base: LayerBase,
}

impl Layer for MadeInCall {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(Dense::new(2).name("new_each_time").apply(inputs.tensor()?)?.into())
    }
}

#[test]
fn a_layer_that_is_made_inside_call_is_an_error_when_saved() {
    let model = around(MadeInCall::new().name("outer"));
    for _ in 0..200 {
        model.predict(numbers(&[3, 4])).unwrap();
    }
    assert_names(&refused(&model), "new_each_time", "outer");
}

/// Written by hand, without `visit_fields`.
struct ByHand {
    base: LayerBase,
    inner: LayerRef,
}

impl HasBase<LayerBase> for ByHand {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }
}

impl KerasSerializable for ByHand {
    fn get_config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.base.write_config("ByHand", &mut config)?;
        config.insert("inner".into(), self.inner.to_value()?);
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let inner = LayerRef::from_value(config.get("inner").unwrap())?;
        Ok(Self { base: LayerBase::read_config(config)?, inner })
    }
}

impl Layer for ByHand {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.inner, input)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        // Its weights are used without a call.
        let kernel = self.inner.weights()[0].value()?;
        Ok(ops::matmul(inputs.tensor()?, &kernel)?.into())
    }
}

#[test]
fn a_type_by_hand_that_shows_no_fields_is_an_error_when_saved() {
    let layer = ByHand { base: LayerBase::default(), inner: Dense::new(2).name("inner").shared() };
    assert_names(&refused(&around(layer.name("by_hand"))), "inner", "by_hand");
}

/// A layer that is also elsewhere in the model is saved there.
#[test]
fn a_hidden_layer_that_the_model_has_elsewhere_is_saved() {
    let x = symbol([4]);
    let hidden = Hidden::new().name("outer");
    let shared = Dense::new(2).name("hidden").shared();
    hidden.inner.set(shared.clone()).unwrap();
    let y = ops::add(shared.apply(&x).unwrap(), hidden.apply(&x).unwrap()).unwrap();
    let model = Functional::new(x, y).unwrap();
    SaveOptions::new().save_model_to_bytes(&model).unwrap();
}

#[register(package = "Walks")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Calls {
    base: LayerBase,
    inner: LayerRef,
    #[keras(sublayer)]
    late: OnceLock<LayerRef>,
}

impl Layer for Calls {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let y = self.inner.call(inputs.tensor()?, cx)?;
        // Layers without weights lose nothing.
        let y = ReLU::new().shared().call(y.into_single()?, cx)?.into_single()?;
        match self.late.get() {
            Some(late) => late.call(&y, cx),
            None => {
                // Used before it stands in its field.
                let late = Dense::new(3).shared();
                let result = late.call(&y, cx);
                let _ = self.late.set(late);
                result
            }
        }
    }
}

#[test]
fn layers_that_are_shown_are_no_errors() {
    let (x, y) = (symbol([4]), symbol([4]));
    let functional =
        Functional::new(x.clone(), Dense::new(4).activation(PReLU::new().shared()).apply(&x).unwrap()).unwrap();
    let inside = Functional::new(y.clone(), functional.apply(&y).unwrap()).unwrap();
    let sequential = Sequential::new([Dense::new(4).into(), Dense::new(4).into()]).unwrap();
    for inner in [Dense::new(4).shared(), functional.into(), inside.into(), sequential.into()] {
        saved(&around(Calls::new(inner.clone())));
        saved(&around(Calls::new(Calls::new(inner).shared())));
    }
    let x = Input::new([3, 4]).tensor().unwrap();
    let y = TimeDistributed::new(Calls::new(Dense::new(2).shared()).shared()).apply(&x).unwrap();
    let y = Bidirectional::new(LSTM::new(2).return_sequences(true).shared()).unwrap().apply(&y).unwrap();
    let y = MultiHeadAttention::new(2, 2).shared().call(CallArgs::one(y.clone()).and(y), &CallContext::inference());
    let model = Functional::new(x, y.unwrap()).unwrap();
    SaveOptions::new().save_model_to_bytes(&model).unwrap();
}

/// A model that loses a layer has called one that it no longer contains.
#[test]
fn a_layer_that_was_taken_out_is_no_error() {
    let model = around(Dense::new(4).name("stays"));
    model.add(Dense::new(3).name("goes")).unwrap();
    model.predict(numbers(&[3, 4])).unwrap();
    model.pop().unwrap();
    let outer = around(Calls::new(model.as_layer().clone()));
    model.add(Dense::new(5).name("new")).unwrap();
    SaveOptions::new().save_model_to_bytes(&model).unwrap();
    SaveOptions::new().save_model_to_bytes(&outer).unwrap();
}

#[register(package = "Walks")]
#[derive(KerasSerializable)]
#[keras(new)]
struct Student {
    base: LayerBase,
    inner: LayerRef,
    #[keras(untracked)]
    teacher: OnceLock<LayerRef>,
}

impl Layer for Student {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        untracked(|| self.teacher.get_or_init(|| Dense::new(4).shared()).call(x, cx))?;
        self.inner.call(x, cx)
    }
}

#[test]
fn a_layer_that_is_called_untracked_is_no_error() {
    saved(&around(Student::new(Dense::new(2).shared())));
}
