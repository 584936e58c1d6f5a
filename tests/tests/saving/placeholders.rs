//! Files with classes that this program does not have: `tests/fixtures/placeholders/make.py` makes them, and checks what
//! is saved here in real Keras (`tests/exchange/run`).

use std::fs;

use keras_serial::files::{H5Attr, Limits, ModelFile, WeightTree};
use keras_serial::json::{Value, value};
use keras_serial::object::{Handle, Kind};
use keras_serial::prelude::*;
use keras_serial::registry::{self, KeepUnknown, Registrable, Unknown};
use keras_serial::saving::LoadReport;

use super::{fixture, sequential};

fn keeping() -> LoadOptions {
    LoadOptions::new().unknown(Unknown::Keep)
}

fn load(name: &str) -> (Model, LoadReport) {
    keeping().load_model_with_report(bytes(name)).unwrap()
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture("..").join("placeholders").join(name)).unwrap()
}

fn open(bytes: Vec<u8>) -> ModelFile {
    ModelFile::from_bytes(bytes, &Limits::default()).unwrap()
}

fn input() -> Tensor {
    Tensor::from_slice(&[0.5f32; 5], [1, 5]).unwrap()
}

/// All tensors of a tree with their bytes.
fn contents(tree: &WeightTree) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let mut all = Vec::new();
    tree.each(&mut |path, tensor| all.push((path, tensor.shape().to_vec(), tensor.read().unwrap().data.to_vec())));
    all.sort();
    all
}

/// The values of all tensors of a legacy group, in the order of its list of names.
fn values(tree: &WeightTree) -> Vec<Vec<u8>> {
    let Some(H5Attr::StrList(names)) = tree.attrs.get("weight_names") else { panic!("no list of names") };
    names.iter().map(|name| tree.tensor(name).unwrap().read().unwrap().data.to_vec()).collect()
}

#[test]
fn unknown_classes_are_refused_by_default() {
    let error = LoadOptions::new().load_model_from_bytes(bytes("model.keras")).unwrap_err().to_string();
    assert!(error.contains("unknown object `Mine>"), "{error}");
    assert!(error.contains("`Mine>KernelMult`") && error.contains("`Mine>Scale`"), "{error}");
}

#[test]
fn every_bit_is_saved_again() {
    let original = open(bytes("model.keras"));
    let (model, report) = load("model.keras");
    let saved = open(SaveOptions::new().save_model_to_bytes(&model).unwrap());

    let text = |file: &ModelFile| file.config().unwrap().to_json();
    // Keras marks policies as shared in the layers that are known here, too.
    let plain = |text: String| {
        let mut value = Value::parse(&text).unwrap();
        forget_ids_of_policies(&mut value);
        value.to_json()
    };
    assert_eq!(plain(text(&saved)), plain(text(&original)));
    assert_eq!(contents(saved.weights().unwrap()), contents(original.weights().unwrap()));
    assert!(saved.assets().eq(original.assets()) && original.assets().count() == 1);
    assert!(report.is_complete());

    // What is saved is a fixed point.
    let again = keeping().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(&model).unwrap()).unwrap();
    let again = open(SaveOptions::new().save_model_to_bytes(&again).unwrap());
    assert_eq!(plain(text(&again)), plain(text(&saved)));
    assert_eq!(contents(again.weights().unwrap()), contents(saved.weights().unwrap()));
}

fn forget_ids_of_policies(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(forget_ids_of_policies),
        Value::Dict(dict) => {
            if dict.get("class_name").and_then(Value::as_str) == Some("DTypePolicy") {
                dict.shift_remove("shared_object_id");
            }
            dict.values_mut().for_each(forget_ids_of_policies);
        }
        _ => {}
    }
}

#[test]
fn the_report_and_the_summary_name_placeholders() {
    let (model, report) = load("model.keras");
    assert_eq!(
        report.placeholders,
        ["function Mine>wave", "initializer Mine>Ramp", "layer mixed (Mine>KernelMult)", "layer scale (Mine>Scale)",]
    );
    assert_eq!(report.notes, ["the model is not compiled: it has placeholders, and can't be trained"]);
    let summary = model.summary().unwrap();
    let row = |name: &str| summary.lines().find(|line| line.contains(name)).unwrap().to_owned();
    for [name, shape, params] in
        [["([KernelMult])", "", ""], ["│ mixed ", "[(None, 4),", " 53 "], ["│ scales ", "(None, 2, 2)", " 2 "]]
    {
        assert!(row(name).contains(shape) && row(name).contains(params), "{summary}");
    }
    assert!(summary.contains("Placeholder params: 55"), "{summary}");
}

#[test]
fn use_is_an_error_with_a_skeleton() {
    let (model, _) = load("model.keras");
    let error = model.predict(input()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject);
    let text = error.to_string();
    assert!(text.contains("the function `Mine>wave` is a placeholder"), "{text}");
    assert!(text.contains("#[register(package = \"Mine\")]\nfn wave(x: &Tensor) -> Result<Tensor> {"), "{text}");

    let layer = model.get_layer("mixed").unwrap();
    let error = layer.apply(Tensor::from_slice(&[0.5f32; 6], [1, 6]).unwrap()).unwrap_err();
    assert_eq!(error.path(), "mixed");
    let text = error.to_string();
    assert!(text.contains("struct KernelMult {\n    base: LayerBase,\n    units: usize,\n"), "{text}");
    // Training is refused, and nothing is changed.
    assert!(model.fit((&input(), &Tensor::from_slice(&[0.0f32; 3], [1, 3]).unwrap()), Fit::new().verbose(0)).is_err());
}

#[test]
fn a_model_is_used_up_to_its_placeholders() {
    let form = |name: &str| value!({ "module": "x", "class_name": name, "config": { "name": "odd" }, "registered_name": name });
    let x = Input::new([3]).name("x").tensor().unwrap();
    let hidden = Dense::new(2).kernel_initializer("ones").name("hidden").apply(&x).unwrap();
    let odd = Dense::new(4).name("odd").apply(&hidden).unwrap();
    let head = Dense::new(1).name("head").apply(&odd).unwrap();
    let mut config = Handle::serialize(Functional::new(x, head).unwrap().as_layer()).unwrap();
    for (key, entry) in form("Odd").as_dict().unwrap() {
        keras_serial::json::Path::parse(&format!("config.layers[2].{key}"))
            .unwrap()
            .set(&mut config, entry.clone())
            .unwrap();
    }
    let model = {
        let _keep = KeepUnknown::enter();
        keras_serial::models::model_from_config(&config, &CustomObjects::new()).unwrap()
    };
    let hidden = model.get_layer("hidden").unwrap();
    let part = Functional::new(model.inputs().unwrap(), hidden.output().unwrap()).unwrap();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3]).unwrap();
    assert_eq!(part.predict(&x).unwrap().to_vec::<f32>().unwrap(), [6.0, 6.0]);
    assert!(model.predict(&x).unwrap_err().to_string().contains("`Odd`"));
    // The layer after it was built for what the file tells.
    assert_eq!(model.get_layer("head").unwrap().weights()[0].shape().to_string(), "(4, 1)");
}

/// Adds a number to its input, and a weight.
#[derive(KerasSerializable)]
#[keras(new)]
struct Shift {
    base: LayerBase,
    by: f64,
    #[keras(weight)]
    offset: Weight,
}

impl Layer for Shift {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.offset.create(cx, [input.last()?], Some(&"ones".into()), None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::add(inputs.tensor()?, (&self.offset.value()? + self.by)?).map(Into::into)
    }
}

fn with_shift() -> Model {
    let x = Input::new([3]).name("x").tensor().unwrap();
    let y = Dense::new(2).kernel_initializer("ones").name("hidden").apply(&x).unwrap();
    let y = Shift::new(0.5).name("shift").apply(&y).unwrap();
    let model = Functional::named("shifted", x, Dense::new(2).name("head").apply(&y).unwrap()).unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    let (x, y) = (Tensor::from_slice(&[1.0f32; 6], [2, 3]).unwrap(), Tensor::from_slice(&[1.0f32; 4], [2, 2]).unwrap());
    model.fit((&x, &y), Fit::new().verbose(0)).unwrap();
    model
}

#[test]
fn a_class_that_is_registered_later_takes_its_place() {
    let model = with_shift();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3]).unwrap();
    let expected = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    let saved = SaveOptions::new().save_model_to_bytes(&model).unwrap();

    let kept = keeping().load_model_from_bytes(saved.clone()).unwrap();
    assert!(kept.predict(&x).is_err() && !kept.is_compiled());
    let registered = LoadOptions::new().custom_objects(CustomObjects::new().with::<Shift>());
    let revived = registered.revive(&kept).unwrap();
    assert_eq!(revived.predict(&x).unwrap().to_vec::<f32>().unwrap(), expected);
    assert!(revived.get_layer("shift").unwrap().placeholder().is_none());
    // The optimizer goes on where it stood.
    assert_eq!(revived.optimizer().unwrap().iterations().unwrap(), 1);

    // An edit of what is known, and one of the placeholder itself.
    kept.get_layer("head").unwrap().set_trainable(false);
    kept.get_layer("shift").unwrap().set_trainable(false);
    let revived = registered.compile(false).revive(&kept).unwrap();
    assert!(!revived.get_layer("shift").unwrap().is_trainable() && !revived.get_layer("head").unwrap().is_trainable());
}

/// Gives back its input.
#[derive(KerasSerializable)]
#[keras(new)]
struct Late {
    base: LayerBase,
}

impl Layer for Late {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

#[test]
fn registration_at_run_time_counts() {
    let model = sequential([Dense::new(2).shared(), Late::new().name("late").shared()], 4);
    let kept = keeping().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(&model).unwrap()).unwrap();
    let x = Tensor::from_slice(&[1.0f32; 4], [1, 4]).unwrap();
    assert!(kept.predict(&x).unwrap_err().to_string().contains("#[register(package = \"\")]"));
    registry::register(Late::ENTRY.in_package("")).unwrap();
    let revived = LoadOptions::new().revive(&kept).unwrap();
    assert_eq!(
        revived.predict(&x).unwrap().to_vec::<f32>().unwrap(),
        model.predict(&x).unwrap().to_vec::<f32>().unwrap()
    );
}

#[test]
fn legacy_files_are_kept_too() {
    let original = open(bytes("model.h5"));
    let (model, report) = load("model.h5");
    assert_eq!(report.placeholders, load("model.keras").1.placeholders);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.h5");
    model.save(&path).unwrap();
    let saved = open(fs::read(&path).unwrap());
    // The optimizer's weights have other names, but the same order.
    for part in ["model_weights", "optimizer_weights"] {
        let (saved, original) =
            (saved.weights().unwrap().group(part).unwrap(), original.weights().unwrap().group(part).unwrap());
        if part == "model_weights" {
            assert_eq!(contents(saved), contents(original));
        } else {
            assert_eq!(values(saved), values(original));
        }
    }

    // A list of one name stays a list, as Keras needs it.
    let names = saved.weights().unwrap().group("model_weights/scales").unwrap().attrs["weight_names"].clone();
    assert_eq!(names, H5Attr::StrList(vec!["scales/scale/factor".to_owned()]));

    // The names of its weights in another form are known to the class alone.
    let error = SaveOptions::new().save_model_to_bytes(&model).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Weights, "mixed"));
    assert!(error.to_string().contains("by the names of layers (legacy `.h5`)"), "{error}");
}

#[test]
fn what_needs_an_unknown_object_is_kept_whole() {
    let cell =
        value!({ "module": "x", "class_name": "Cell", "config": { "name": "cell" }, "registered_name": "X>Cell" });
    let rnn = value!({
        "module": "keras.layers", "class_name": "RNN", "registered_name": null,
        "config": { "name": "steps", "trainable": true, "dtype": "float32", "cell": cell, "return_sequences": false },
    });
    let _keep = KeepUnknown::enter();
    let layer = LayerRef::deserialize(&rnn, &CustomObjects::new()).unwrap();
    let placeholder = layer.placeholder().unwrap();
    assert_eq!((layer.name(), layer.class_name(), placeholder.kind()), ("steps", "RNN", Kind::Layer));
    assert_eq!(layer.serialize().unwrap(), rnn);
    assert!(placeholder.error().to_string().contains("X>Cell"), "{}", placeholder.error());
}

#[test]
fn sequences_are_connected_by_what_later_layers_were_built_for() {
    let model = sequential(
        [Dense::new(2).name("a").shared(), Shift::new(1.0).name("b").shared(), Dense::new(3).name("c").shared()],
        4,
    );
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let kept = keeping().load_model_from_bytes(bytes.clone()).unwrap();
    assert_eq!(kept.outputs().unwrap().single().unwrap().shape().to_string(), "(None, 3)");
    let again = open(SaveOptions::new().save_model_to_bytes(&kept).unwrap());
    assert_eq!(contents(again.weights().unwrap()), contents(open(bytes).weights().unwrap()));

    // Nothing tells what the last layer gives.
    let model = sequential([Dense::new(2).name("a").shared(), Shift::new(1.0).name("b").shared()], 4);
    let kept = keeping().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(&model).unwrap()).unwrap();
    assert_eq!(kept.outputs().unwrap().single().unwrap().shape().to_string(), "?");
    assert!(kept.summary().unwrap().contains("b ([Shift])"), "{}", kept.summary().unwrap());
}

#[test]
fn a_whole_model_can_be_a_placeholder() {
    let form = value!({
        "module": "x", "class_name": "Mine", "registered_name": "X>Mine", "config": { "name": "mine", "depth": 3 },
        "build_config": { "input_shape": [null, 4] }, "compile_config": {},
    });
    let mut weights = WeightTree::default();
    weights.insert("block/vars/0", super::ones(&[2, 3])).unwrap();
    weights.insert("optimizer/vars/0", super::ones(&[])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (config, tree) = (folder.path().join("config.json"), folder.path().join("model.weights.h5"));
    fs::write(&config, form.to_json()).unwrap();
    fs::write(folder.path().join("metadata.json"), r#"{"keras_version": "3.15.1", "date_saved": "x"}"#).unwrap();
    weights.save(&tree).unwrap();
    let model = keeping().load_model(folder.path()).unwrap();
    assert_eq!((model.name(), model.placeholder().unwrap().registered_name()), ("mine", "X>Mine"));
    let saved = open(SaveOptions::new().save_model_to_bytes(&model).unwrap());
    assert_eq!(saved.config().unwrap(), &form);
    assert_eq!(contents(saved.weights().unwrap()), contents(&weights));
}

#[test]
fn broken_objects_are_still_errors() {
    let _keep = KeepUnknown::enter();
    let form = value!({ "module": "keras.layers", "class_name": "Dense", "config": { "units": "many" }, "registered_name": null });
    assert_eq!(LayerRef::deserialize(&form, &CustomObjects::new()).unwrap_err().kind(), ErrorKind::Config);
    drop(_keep);
    let unknown = value!({ "module": "x", "class_name": "Odd", "config": {}, "registered_name": "X>Odd" });
    assert!(LayerRef::deserialize(&unknown, &CustomObjects::new()).is_err(), "the guard has ended");
}
