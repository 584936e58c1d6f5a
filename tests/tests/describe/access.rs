//! Access by path to serialized objects and live ones, and objects of Keras in serde's formats.

use keras_serial::json::{Access, Patch, Value, value};
use keras_serial::prelude::*;
use keras_serial::registry;
use serde::{Deserialize, Serialize};

fn model() -> Model {
    let input = Input::new([4]).name("in").tensor().unwrap();
    let hidden = Dense::new(3).activation("relu").name("hidden").apply(&input).unwrap();
    Functional::new(input, Dense::new(2).name("out").apply(&hidden).unwrap()).unwrap()
}

#[test]
fn configurations_are_read_by_path() {
    let config = model().get_config().unwrap();
    assert_eq!(config.at("layers[1].config.units").unwrap(), &3.into());
    assert_eq!(config.at("layers[hidden]/config/activation").unwrap(), &"relu".into());
    let units: Vec<String> = config
        .select("layers[*].config.units")
        .unwrap()
        .into_iter()
        .map(|(path, value)| format!("{path}={}", value.to_json()))
        .collect();
    assert_eq!(units, ["layers[1]/config/units=3", "layers[2]/config/units=2"]);
    let mut seen = 0;
    config.walk(&mut |_, value| seen += usize::from(value.as_str() == Some("relu")));
    assert_eq!(seen, 1);

    let error = |path: &str| config.at(path).unwrap_err().to_string();
    assert!(
        error("layers[9].config").starts_with("layers: no entry `[9]`. Received: a list of 3"),
        "{}",
        error("layers[9].config")
    );
    assert!(error("layers[hiden]/config").contains("did you mean `hidden`?"));
    assert!(error("layers[1].config.unit").contains("did you mean `units`?"));
    assert!(error("layer[1]").contains("did you mean `layers`?"));
    assert!(error("layers[1").contains("a bracket that is not closed"));
}

#[test]
fn edits_are_checked_by_the_class() {
    let mut form = model().serialize().unwrap();
    registry::set(&mut form, "config.layers[hidden].config.activation", "tanh").unwrap();
    let unchanged = form.clone();
    for (path, value, message) in [
        ("config.layers[1].config.units", Value::from(-3), "Expected a non-negative integer. Received: -3"),
        ("config.layers[1].config.activation", "nope".into(), "unknown object `nope`"),
        ("config.layers[1].config.use_bias", "yes".into(), "config/use_bias: wrong type. Expected a boolean"),
        ("config.layers[1].config.unit", 3.into(), "did you mean `units`?"),
        ("config.layers[7].config.units", 3.into(), "no entry `[7]`"),
    ] {
        let error = registry::set(&mut form, path, value).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert_eq!(form, unchanged);
    }
    let edited = model_from_json(&form.to_json(), &CustomObjects::new()).unwrap();
    assert_eq!(edited.get_config().unwrap().at("layers[1].config.activation").unwrap(), &"tanh".into());
}

#[test]
fn live_objects_are_replaced() {
    let optimizer = Optimizer::from("adam");
    let slower = registry::replace(&optimizer, "config.learning_rate", 1e-4).unwrap();
    assert_eq!(slower.get_config().unwrap().at("learning_rate").unwrap().as_f64().unwrap() as f32, 1e-4);
    assert!(registry::replace(&optimizer, "config.learning_rat", 1e-4).is_err());
}

#[test]
fn patches_of_models_are_applied_and_reversed() {
    let old = model().serialize().unwrap();
    let mut new = old.clone();
    new.set_at("config/layers[hidden]/config/units", 5).unwrap();
    new.remove_at("config/layers[hidden]/build_config").unwrap();
    let patch = Patch::between(&old, &new);
    assert_eq!(patch.changes().len(), 2, "{patch}");
    assert_eq!(patch.apply(&old).unwrap(), new);
    assert_eq!(patch.reversed().apply(&new).unwrap(), old);
    let read = Patch::from_value(&Value::parse(&patch.to_value().to_json()).unwrap()).unwrap();
    assert_eq!(read, patch);
}

/// Returns the difference of two models, which is applied, reversed, and read back.
fn checked(old: &Value, new: &Value) -> Patch {
    let patch = Patch::between_without(old, new, &["shared_object_id"]);
    assert_eq!(patch.apply(old).unwrap(), *new, "{patch}");
    assert_eq!(patch.reversed().apply(new).unwrap(), *old, "{patch}");
    assert_eq!(Patch::from_value(&Value::parse(&patch.to_value().to_json()).unwrap()).unwrap(), patch);
    patch
}

/// Serializes a graph of two branches with a nested model; `names` are those of its layers.
fn graph(names: [&str; 6]) -> Value {
    let [input, left, right, sum, nested, inner] = names;
    let x = Input::new([4]).name(input).tensor().unwrap();
    let a = Dense::new(3).name(left).apply(&x).unwrap();
    let b = Dense::new(3).name(right).apply(&x).unwrap();
    let sum = Add::new().name(sum).apply(vec![a, b]).unwrap();
    let first = Input::new([3]).name("in").layer();
    let layers = [first, Dense::new(2).name(inner).shared(), Dropout::new(0.5).name("dropout").shared()];
    let y = Sequential::named(nested, layers).unwrap().apply(&sum).unwrap();
    let model = Functional::named("graph", x, y).unwrap();
    model.serialize().unwrap()
}

#[test]
fn a_renamed_layer_is_one_change_of_a_patch() {
    let names = ["x", "left", "right", "sum", "block", "inner"];
    let old = graph(names);
    // With the calls on it, and the graph's inputs and outputs.
    let new = graph(["pixels", "left", "right", "sum", "block", "core"]);
    let patch = checked(&old, &new);
    let text = "= config/layers[x]: renamed to pixels\n= config/layers[block]/config/layers[inner]: renamed to core\n";
    assert_eq!(patch.to_string(), text);
    assert_eq!(checked(&old, &graph(["x", "left", "right", "plus", "block", "inner"])).changes().len(), 1);
    assert_eq!(checked(&old, &graph(["x", "left", "right", "sum", "head", "inner"])).changes().len(), 1);
    // One of two layers that are alike.
    let text = checked(&old, &graph(["x", "left", "other", "sum", "block", "inner"])).to_string();
    assert_eq!(text, "= config/layers[right]: renamed to other\n");
    // Both of them: which is which can't be told.
    let text = checked(&old, &graph(["x", "one", "two", "sum", "block", "inner"])).to_string();
    assert!(
        !text.contains("= ") && text.contains("- config/layers[1]") && text.contains("+ config/layers[2]"),
        "{text}"
    );
    // A layer that is renamed and changed is another one.
    let mut changed = graph(["x", "left", "other", "sum", "block", "inner"]);
    changed.set_at("config/layers[other]/config/use_bias", false).unwrap();
    let text = checked(&old, &changed).to_string();
    assert!(!text.contains("= ") && text.contains("+ config/layers[2]"), "{text}");
}

#[test]
fn renamed_layers_of_a_sequence_are_told_apart_by_the_layer_before_them() {
    let model = |names: [&str; 4]| {
        let [a, b, c, d] = names;
        let layers = [
            Dense::new(3).name(a).shared(),
            Dropout::new(0.5).name(b).shared(),
            Dense::new(4).name(c).shared(),
            Dropout::new(0.5).name(d).shared(),
        ];
        let model = Sequential::named("model", layers).unwrap();
        model.serialize().unwrap()
    };
    let old = model(["dense", "dropout", "dense_1", "dropout_1"]);
    let patch = checked(&old, &model(["dense_2", "dropout_2", "dense_3", "dropout_3"]));
    let pairs = ["dense]: renamed to dense_2", "dropout]: renamed to dropout_2", "dense_1]: renamed to dense_3"];
    let pairs = pairs.into_iter().chain(["dropout_1]: renamed to dropout_3"]);
    assert_eq!(patch.to_string(), pairs.map(|pair| format!("= config/layers[{pair}\n")).collect::<String>());
    // A name that another layer had is no new one.
    let text = checked(&old, &model(["dropout", "dense", "dense_1", "dropout_1"])).to_string();
    assert!(!text.contains("= "), "{text}");
    let patch = Patch::between(&old, &model(["dense", "dropout", "head", "dropout_1"]));
    let error = patch.apply(&model(["dense", "dropout", "x", "y"])).unwrap_err().to_string();
    assert!(error.contains("no item of the name") && error.contains("\"dense_1\""), "{error}");
    let error = patch.apply(&model(["head", "dropout", "dense_1", "y"])).unwrap_err().to_string();
    assert!(error.contains("new name already"), "{error}");
}

#[test]
fn losses_of_a_renamed_output_have_its_new_name() {
    let mut old = graph(["x", "left", "right", "sum", "block", "inner"]);
    let mut new = graph(["x", "left", "right", "sum", "head", "inner"]);
    old.set_at("compile_config", value!({ "loss": { "block": "mse" }, "metrics": null })).unwrap();
    new.set_at("compile_config", value!({ "loss": { "head": "mse" }, "metrics": null })).unwrap();
    assert_eq!(checked(&old, &new).to_string(), "= config/layers[block]: renamed to head\n");
    // A name that cannot be taken back is no rename.
    old.set_at("compile_config/loss/head", "mae").unwrap();
    let text = checked(&old, &new).to_string();
    assert!(!text.contains("= "), "{text}");
}

#[derive(Serialize, Deserialize)]
struct Settings {
    epochs: usize,
    #[serde(with = "keras_serial::serde")]
    layers: Vec<LayerRef>,
    #[serde(with = "keras_serial::serde")]
    optimizer: Optimizer,
    #[serde(with = "keras_serial::serde")]
    activation: Activation,
}

fn settings() -> Settings {
    Settings {
        epochs: 3,
        layers: vec![
            Dense::new(3).name("a").kernel_initializer("zeros").shared(),
            Dropout::new(0.5).name("b").shared(),
        ],
        optimizer: Optimizer::new(keras_serial::optimizers::SGD::new().momentum(0.9).name("own")),
        activation: "relu".into(),
    }
}

fn check(read: &Settings) {
    let given = settings();
    assert_eq!(read.epochs, 3);
    for (read, given) in read.layers.iter().zip(&given.layers) {
        assert_eq!(read.get_config().unwrap(), given.get_config().unwrap());
    }
    assert_eq!(read.optimizer.get_config().unwrap(), given.optimizer.get_config().unwrap());
}

#[test]
fn settings_hold_objects_in_any_format() {
    let json = serde_json::to_string(&settings()).unwrap();
    check(&serde_json::from_str(&json).unwrap());
    let toml = toml::to_string(&settings()).unwrap();
    assert!(toml.contains("class_name = \"Dense\""), "{toml}");
    check(&toml::from_str(&toml).unwrap());
    let bytes = rmp_serde::to_vec_named(&settings()).unwrap();
    check(&rmp_serde::from_slice(&bytes).unwrap());
    let error = serde_json::from_str::<Settings>(&json.replace("Dense", "Dens")).err().unwrap().to_string();
    assert!(error.contains("Dens"), "{error}");
}
