//! What the derive writes: entries of the base, names of variants, sublayers that are created once,
//! layers in fields with custom conversion.

use std::sync::OnceLock;

use indexmap::IndexMap;
use keras_serial::json::{Value, value};
use keras_serial::layers::{LayerExt, add_loss};
use keras_serial::optimizers::{Optimize, OptimizerBase};
use keras_serial::prelude::*;
use keras_serial::random::Seed;
use keras_serial::variable::Variable;

fn floats(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape.to_vec()).unwrap()
}

fn through_bytes(model: &Model) -> Model {
    let bytes = SaveOptions::new().deterministic(true).save_model_to_bytes(model).unwrap();
    LoadOptions::new().load_model_from_bytes(bytes).unwrap()
}

/// A layer with a field that has the name of an entry of its base.
#[register(package = "Derived")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
struct OwnActivity {
    base: LayerBase,
    #[keras(default)]
    activity_regularizer: Option<Regularizer>,
}

impl Layer for OwnActivity {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if let Some(regularizer) = &self.activity_regularizer
            && !x.is_symbolic()
        {
            add_loss(regularizer.penalty(x)?);
        }
        Ok(x.clone().into())
    }
}

#[test]
fn a_field_called_activity_regularizer_counts_once_after_loading() {
    let own = OwnActivity::new().activity_regularizer(keras_serial::regularizers::L2::new(0.5));
    let model = Sequential::new([Input::new([2]).layer(), own.into()]).unwrap();
    model.compile(Compile::new("sgd", "mse")).unwrap();
    let (x, y) = (floats(&[1.0, 2.0, 3.0, 4.0], &[2, 2]), floats(&[1.0, 2.0, 3.0, 4.0], &[2, 2]));
    let loss = |model: &Model| model.evaluate((&x, &y), Evaluate::new().verbose(0)).unwrap()["loss"];
    assert_eq!(loss(&model), loss(&through_bytes(&model)));
}

#[test]
fn a_value_that_only_the_base_has_is_not_lost_in_silence() {
    let mut own = OwnActivity::new();
    own.base_mut().set_activity_regularizer(Some("l2".into()));
    let error = own.get_config().unwrap_err().to_string();
    assert!(error.contains("two values for the entry `activity_regularizer`"), "{error}");
}

/// An optimizer with fields that have the names of entries of its base, and of a layer's.
#[register(package = "Derived")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
struct OwnClip {
    base: OptimizerBase,
    #[keras(default = 7.0)]
    clipnorm: f64,
    #[keras(default = true)]
    trainable: bool,
    #[keras(default = 0.5, alias = "ema_momentum")]
    use_ema: f64,
}

impl Optimize for OwnClip {
    fn create_slots(&self, _: &[Variable]) -> Result<()> {
        Ok(())
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, rate: f64) -> Result<()> {
        variable.assign(&ops::subtract(variable.read(), &ops::multiply(gradient, rate)?)?)
    }
}

#[test]
fn an_optimizers_own_field_is_not_its_bases() {
    let optimizer = Optimizer::from(OwnClip::new());
    let again = OwnClip::from_config(&optimizer.get_config().unwrap()).unwrap();
    assert_eq!((again.clipnorm, again.trainable, again.use_ema), (7.0, true, 0.5));
    assert!(!again.base().uses_ema());
    let step = |optimizer: &Optimizer| {
        let v = Variable::with_value("v", floats(&[0.0, 0.0], &[2]));
        optimizer.apply(&[Some(floats(&[300.0, 400.0], &[2]))], std::slice::from_ref(&v)).unwrap();
        v.read().to_vec::<f32>().unwrap()
    };
    assert_eq!(step(&optimizer), step(&Optimizer::from(again)));
}

#[allow(non_camel_case_types, reason = "raw names are the point")]
#[derive(KerasEnum, Debug, PartialEq, Clone, Copy)]
enum Mode {
    r#type,
    r#async,
    Plain,
}

#[test]
fn raw_variants_have_no_prefix_in_their_strings() {
    assert_eq!(Mode::r#type.as_str(), "type");
    assert_eq!(Mode::r#async.as_str(), "async");
    assert_eq!(Mode::Plain.as_str(), "plain");
    assert_eq!(Mode::from_value(&"async".into()).unwrap(), Mode::r#async);
}

#[register(package = "Derived")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
struct Block {
    base: LayerBase,
    units: usize,
    #[keras(default = 0.1)]
    rate: f64,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(sublayer(init = Dense::new(units).shared()))]
    dense: LayerRef,
    #[keras(sublayer(init = vec![Dense::new(units).use_bias(use_bias).shared(), Flatten::new().shared()]))]
    others: Vec<LayerRef>,
}

impl Layer for Block {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(ops::multiply(inputs.tensor()?, self.rate)?, cx)
    }
}

#[test]
fn setters_use_up_no_names_of_sublayers() {
    let names = std::thread::spawn(|| {
        let block = Block::new(3).rate(0.5).use_bias(false).rate(0.25).use_bias(false);
        let loaded = Block::from_config(&block.get_config().unwrap()).unwrap();
        [&block.dense, &block.others[0], &block.others[1], &loaded.dense].map(|layer| layer.name().to_owned())
    });
    // In Keras, too, after `Block(3, rate=0.25, use_bias=False)`.
    assert_eq!(names.join().unwrap(), ["dense", "dense_1", "flatten", "dense_2"]);
}

#[test]
fn setters_keep_what_was_done_to_a_sublayer() {
    let block = Block::new(3);
    block.dense.set_trainable(false);
    block.others[0].set_trainable(false);
    let kept = block.dense.clone();
    let block = block.rate(0.5);
    assert!(block.dense.is_same(&kept), "a setter of another field made the sublayer anew");
    let block = block.use_bias(false);
    assert!(block.dense.is_same(&kept) && !block.dense.is_trainable());
    assert!(!block.others[0].is_trainable() && block.others[1].is_trainable());
    let bias = block.others[0].get_config().unwrap().get("use_bias").cloned();
    assert_eq!(bias, Some(Value::Bool(false)), "what is made from the field is made anew");
}

#[derive(KerasSerializable)]
#[keras(new, setters)]
struct Twice {
    #[keras(default)]
    inner: Option<Option<u32>>,
    required: Option<Option<bool>>,
    #[keras(default = Some(Some(1)))]
    given: Option<Option<u32>>,
}

#[test]
fn all_values_of_an_option_in_an_option_come_back() {
    for inner in [None, Some(None), Some(Some(3))] {
        let required = inner.map(|inner| inner.map(|inner| inner > 0));
        let twice = Twice { inner, required, given: Some(None) };
        let config = twice.get_config().unwrap();
        assert_eq!(config.contains_key("inner"), inner.is_some());
        let again = Twice::from_config(&config).unwrap();
        assert_eq!((again.inner, again.required, again.given), (inner, required, Some(None)));
    }
    let error = Twice { inner: None, required: None, given: None }.get_config().unwrap_err().to_string();
    assert!(error.contains("can't be told from the default"), "{error}");
}

macro_rules! layer_of {
    ($name:ident, $base:ty) => {
        #[derive(KerasSerializable)]
        #[keras(new)]
        struct $name {
            #[keras(base)]
            base: $base,
            units: usize,
        }
    };
}
layer_of!(Made, LayerBase);

#[test]
fn structs_come_from_macros() {
    let config = Made::new(3).get_config().unwrap();
    assert_eq!(config.keys().collect::<Vec<_>>(), ["name", "trainable", "dtype", "units"]);
}

#[test]
fn types_in_a_function_are_registered() {
    #[register(package = "Derived", name = "InFn")]
    #[derive(KerasSerializable)]
    #[keras(new)]
    struct Inside {
        base: LayerBase,
        r#type: String,
        r#match: Vec<Option<(f64, bool)>>,
    }
    impl Layer for Inside {
        fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
            Ok(inputs.tensor()?.clone().into())
        }
    }
    let layer = Inside::new("a", vec![Some((1.0, true)), None]).shared();
    let form = keras_serial::registry::serialize_keras_object(&layer).unwrap();
    assert_eq!(form.get("registered_name"), Some(&Value::from("Derived>InFn")));
    assert_eq!(form.get("config").and_then(|config| config.get("type")), Some(&Value::from("a")));
    let again = LayerRef::deserialize(&form, &CustomObjects::new()).unwrap();
    assert_eq!(again.get_config().unwrap(), layer.get_config().unwrap());
}

/// Layers in fields with custom conversion, not in sorted order.
#[register(package = "Derived")]
#[derive(KerasSerializable)]
#[keras(new)]
struct ByHand {
    base: LayerBase,
    #[keras(with = "one")]
    one: LayerRef,
    #[keras(with = "cell")]
    cell: OnceLock<LayerRef>,
    #[keras(with = "heads")]
    heads: IndexMap<String, (i64, LayerRef)>,
    plain: IndexMap<String, LayerRef>,
}

mod one {
    use super::{ConfigField, LayerRef, Result, Value};

    pub fn to_value(one: &LayerRef) -> Result<Value> {
        ConfigField::to_value(one)
    }

    pub fn from_value(value: &Value) -> Result<LayerRef> {
        ConfigField::from_value(value)
    }
}

mod cell {
    use super::{ConfigField, LayerRef, OnceLock, Result, Value};

    pub fn to_value(cell: &OnceLock<LayerRef>) -> Result<Value> {
        cell.get().cloned().to_value()
    }

    pub fn from_value(value: &Value) -> Result<OnceLock<LayerRef>> {
        let inner: Option<LayerRef> = ConfigField::from_value(value)?;
        Ok(inner.map_or_else(OnceLock::new, OnceLock::from))
    }
}

mod heads {
    use super::{ConfigField, IndexMap, LayerRef, Result, Value};

    pub fn to_value(heads: &IndexMap<String, (i64, LayerRef)>) -> Result<Value> {
        heads.to_value()
    }

    pub fn from_value(value: &Value) -> Result<IndexMap<String, (i64, LayerRef)>> {
        ConfigField::from_value(value)
    }
}

impl Layer for ByHand {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        let heads = self.heads.values().map(|(_, head)| head).chain(self.plain.values());
        for layer in [Some(&self.one), self.cell.get()].into_iter().flatten().chain(heads) {
            x = layer.call(x, cx)?.into_single()?;
        }
        Ok(x.into())
    }
}

#[test]
fn layers_in_fields_that_are_converted_by_hand_keep_their_weights() {
    let dense = || Dense::new(2).shared();
    let by_hand = ByHand::new(
        dense(),
        OnceLock::from(dense()),
        IndexMap::from([("z".to_owned(), (1, dense())), ("a".to_owned(), (2, dense()))]),
        IndexMap::from([("z".to_owned(), dense()), ("a".to_owned(), dense())]),
    );
    let model = Sequential::new([Input::new([2]).layer(), by_hand.into()]).unwrap();
    assert_eq!(model.weights().len(), 12);
    let x = floats(&[1.0, -2.0, 0.5, 3.0], &[2, 2]);
    let predict = |model: &Model| model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(predict(&through_bytes(&model)), predict(&model));
}

#[derive(KerasSerializable)]
struct Single {
    value: f32,
    list: Vec<Option<f32>>,
}

#[test]
fn numbers_that_single_precision_can_not_hold_are_errors() {
    let read = |config: Value| Single::from_config(config.as_dict().unwrap());
    let error = read(value!({"value": 1e300, "list": []})).err().unwrap().to_string();
    assert!(error.starts_with("value: number out of range"), "{error}");
    assert!(read(value!({"value": 1, "list": [null, 1e39]})).is_err());
    assert!(read(value!({"value": 1e-60, "list": []})).is_err());
    let single = read(value!({"value": 0.1, "list": [null, 0]})).unwrap();
    assert_eq!((single.value, single.list), (0.1, vec![None, Some(0.0)]));
}

#[test]
fn every_seed_is_one() {
    for seed in [0, 1, u64::MAX, u64::MAX / 2 + 1] {
        let seed_of = Seed::from(seed);
        assert_eq!(seed_of.number(), Some(seed));
        assert_eq!(Seed::from_value(&seed_of.to_value().unwrap()).unwrap().number(), Some(seed));
    }
    let number = |value: Value| Seed::from_value(&value).unwrap().number();
    assert_eq!(number(value!(7.0)), Some(7));
    assert_eq!(number(value!(-1)), Some(u64::MAX));
    assert_eq!(number(Value::parse("18446744073709551617").unwrap()), Some(1));
    assert_eq!(number(value!({"class_name": "SeedGenerator", "config": {"seed": 5}})), Some(5));
    assert_eq!(number(Value::Null), None);
}

#[test]
fn a_load_reports_layers_whose_names_in_the_file_are_exchanged() {
    let model = |names: [&str; 3]| {
        let layers = names.map(|name| Dense::new(2).name(name).into());
        Sequential::new(std::iter::once(Input::new([2]).layer()).chain(layers)).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.weights.h5");
    SaveOptions::new().save_weights(&model(["a", "b", "dense_2"]), &path).unwrap();
    let notes = |names: [&str; 3]| LoadOptions::new().load_weights(&model(names), &path).unwrap().notes;
    let told = notes(["b", "a", "dense_3"]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("the weights of the layer `a`") && told[0].contains("loaded into `b`"), "{told:?}");
    // Other names, and names that were only counted on, tell nothing.
    assert!(notes(["a", "b", "dense_2"]).is_empty());
    assert!(notes(["c", "a", "dense_2"]).is_empty());
}
