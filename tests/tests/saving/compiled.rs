//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` with training, under the same names.

use std::io::Cursor;

use keras_serial::json::Value;
use keras_serial::metrics::Hinge;
use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use keras_serial::saving::{ModelFile, ZipReader};

/// A Dense layer with additional weights.
#[register(package = "my_custom_package")]
#[derive(KerasSerializable)]
#[keras(new)]
struct MyDense {
    base: LayerBase,
    units: usize,
    #[keras(sublayer(init = Dense::new(units).name("dense").shared()))]
    nested_layer: LayerRef,
    #[keras(weight)]
    my_additional_weight: Weight,
    #[keras(weight)]
    my_additional_weight_2: Weight,
    #[keras(weight)]
    my_dict_weight: Weight,
}

impl Layer for MyDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let ones = Initializer::from("ones");
        for weight in [&self.my_additional_weight, &self.my_additional_weight_2, &self.my_dict_weight] {
            weight.make(cx, Shape::scalar()).initializer(&ones).create()?;
        }
        cx.build_layer(&self.nested_layer, input)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.nested_layer.call(inputs.inputs()?, cx)
    }
}

/// Two such layers.
#[register(package = "my_custom_package")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct CustomModelX {
    base: LayerBase,
    #[keras(sublayer(init = MyDense::new(1).name("my_dense_1").shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = MyDense::new(1).name("my_dense_2").shared()))]
    dense2: LayerRef,
}

impl Layer for CustomModelX {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense2.call(self.dense1.call(inputs.inputs()?, cx)?, cx)
    }
}

#[register(package = "my_custom_package")]
fn my_mean_squared_error(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    ops::mean(&ops::square(&ops::subtract(y_pred, y_true)?)?, ops::Axes(Some(vec![-1])), false)
}

fn compiled(model: impl Into<Model>) -> Model {
    let model = model.into();
    let metrics = vec![Metrics::from(Hinge::new()), "mse".into()];
    model.compile(Compile::new("adam", Loss::function(my_mean_squared_error)).metrics(metrics)).unwrap();
    model
}

fn functional(layer: impl Fn(&str) -> LayerRef) -> Model {
    let inputs = Input::new([4]).batch_size(2).tensor().unwrap();
    let x = layer("first_dense").apply(&inputs).unwrap();
    Functional::new(inputs, layer("second_dense").apply(&x).unwrap()).unwrap()
}

fn numbers(shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product()).map(|i: usize| (i as f32 * 0.731).sin());
    Tensor::from_vec(values.collect(), shape).unwrap()
}

fn values(variables: &[keras_serial::variable::Variable]) -> Vec<Vec<f32>> {
    let value = |tensor: Tensor| ops::cast_to(&tensor, DType::Float32).unwrap().to_vec::<f32>().unwrap();
    variables.iter().map(|variable| value(variable.read())).collect()
}

fn again(model: &Model) -> Model {
    LoadOptions::new().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(model).unwrap()).unwrap()
}

#[test]
fn test_compile_preserved() {
    let dense = |name: &str| Dense::new(1).name(name).shared();
    let my_dense = |name: &str| MyDense::new(1).name(name).shared();
    let models = [
        CustomModelX::new().name("custom_model_x").into(),
        Sequential::named("sequential", [dense("dense_1"), dense("dense_2")]).unwrap(),
        functional(dense),
        Sequential::named("sequential", [my_dense("a"), my_dense("b")]).unwrap(),
        functional(my_dense),
    ];
    let (x, y) = (numbers(&[2, 4]), numbers(&[2, 1]));
    for model in models.map(compiled) {
        model.fit((x.clone(), y.clone()), Fit::new().verbose(0)).unwrap();
        let outputs = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
        let metrics = model.evaluate((x.clone(), y.clone()), Evaluate::new().verbose(0)).unwrap();
        assert_eq!(metrics.keys().collect::<Vec<_>>(), ["hinge", "loss", "mse"]);

        let loaded = again(&model);
        assert!(model.is_compiled() && loaded.is_compiled());
        assert_eq!(values(&loaded.weights()), values(&model.weights()));
        assert_eq!(loaded.predict(&x).unwrap().to_vec::<f32>().unwrap(), outputs);
        let (old, new) = (model.optimizer().unwrap(), loaded.optimizer().unwrap());
        assert_eq!(new.class(), old.class());
        assert_eq!(new.get_config().unwrap(), old.get_config().unwrap());
        assert_eq!(values(&new.variables().unwrap()), values(&old.variables().unwrap()));
        assert_eq!(new.variables().unwrap().len(), 2 + 2 * model.trainable_weights().len());
        assert_eq!(loaded.evaluate((x.clone(), y.clone()), Evaluate::new().verbose(0)).unwrap(), metrics);
        // Both go on in the same way.
        let step = |model: &Model| {
            model.fit((x.clone(), y.clone()), Fit::new().verbose(0)).unwrap();
            values(&model.weights())
        };
        assert_eq!(step(&loaded), step(&model));
    }
}

#[test]
fn test_saved_module_paths_and_class_names() {
    let model = compiled(CustomModelX::new().name("custom_model_x"));
    model.fit((numbers(&[100, 32]), numbers(&[100, 1])), Fit::new().verbose(0)).unwrap();
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let archive = ZipReader::open(bytes.into(), &Default::default()).unwrap();
    let config = Value::parse_bytes(&archive.read("config.json").unwrap(), &Default::default()).unwrap();
    let at = |path: &[&str]| path.iter().try_fold(&config, |value, key| value.get(key)).cloned();
    assert_eq!(at(&["registered_name"]), Some("my_custom_package>CustomModelX".into()));
    let named = |value: Value| {
        let Value::Dict(mut form) = value else { panic!("no dict") };
        if let Some(Value::Dict(config)) = form.get_mut("config") {
            config.shift_remove("name");
        }
        form
    };
    let adam = Optimizer::deserialize(&"adam".into()).unwrap();
    let expected = named(keras_serial::object::Handle::serialize(&adam).unwrap());
    assert_eq!(named(at(&["compile_config", "optimizer"]).unwrap()), expected);
    assert_eq!(at(&["compile_config", "loss", "config"]), Some("my_custom_package>my_mean_squared_error".into()));
}

#[test]
fn test_save_to_fileobj() {
    let model = Sequential::new([Input::new([1]).layer(), Dense::new(1).shared(), Dense::new(1).shared()]).unwrap();
    model.compile(Compile::new("adam", "mse")).unwrap();
    let through_reader = |model: &Model| {
        let bytes = SaveOptions::new().save_model_to_bytes(model).unwrap();
        LoadOptions::new().load_model_from_reader(Cursor::new(bytes)).unwrap()
    };
    let model = through_reader(&model);
    let x = || Tensor::from_slice(&[1.0f32, 2.0], [2, 1]).unwrap();
    let before = values(&model.weights());
    model.fit((x(), x()), Fit::new().verbose(0)).unwrap();
    assert_ne!(values(&model.weights()), before);
    let loaded = through_reader(&model);
    let predict = |model: &Model| model.predict(x()).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(predict(&loaded), predict(&model));
}

/// Returns a file of Keras 2 with another `training_config`.
fn old_file(optimizer: &str) -> Vec<u8> {
    let fixture = crate::fixture("keras2_sequential.h5");
    let mut tree = ModelFile::open(fixture, &Default::default()).unwrap().weights().unwrap().clone();
    let training = format!(
        r#"{{"optimizer_config": {optimizer}, "loss": "mse", "metrics": ["mae"], "sample_weight_mode": null, "loss_weights": null}}"#
    );
    tree.attrs.insert("training_config".into(), keras_serial::saving::H5Attr::Str(training));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("old.h5");
    tree.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn the_compile_state_of_keras_2_is_upgraded_though_it_is_not_used() {
    let file =
        old_file(r#"{"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.25, "momentum": 0.9, "nesterov": false}}"#);
    let unread = LoadOptions::new().compile(false);
    let (model, report) = unread.load_model_with_report(file).unwrap();
    assert!(!model.is_compiled() && report.notes.is_empty(), "{report}");
    let home = tempfile::tempdir().unwrap();
    for name in ["m.keras", "m.h5"] {
        let path = home.path().join(name);
        model.save(&path).unwrap();
        let file = ModelFile::open(&path, &Default::default()).unwrap();
        let optimizer = file.config().unwrap().get("compile_config").unwrap().get("optimizer").unwrap().clone();
        let config = optimizer.get("config").unwrap();
        assert!(config.get("lr").is_none() && config.get("decay").is_none(), "{}", optimizer.to_json());
        let rate = config.get("learning_rate").unwrap();
        assert_eq!(rate.get("class_name").unwrap().as_str(), Some("InverseTimeDecay"), "{}", rate.to_json());
        assert_eq!(rate.get("config").unwrap().get("initial_learning_rate").unwrap().as_f64(), Some(0.5));
        assert!(load_model(&path).unwrap().is_compiled());
    }
}

#[test]
fn a_compile_state_that_keras_3_can_not_read_is_left_out_of_new_files() {
    let loss_scale = r#"{"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {"class_name": "SGD", "config": {}}, "dynamic": false, "initial_scale": 2.0}}"#;
    for optimizer in [r#"{"class_name": "Yogi", "config": {"lr": 0.5}}"#, loss_scale] {
        let file = old_file(optimizer);
        LoadOptions::new().load_model_from_bytes(file.clone()).unwrap_err();
        let unread = LoadOptions::new().compile(false);
        let (model, report) = unread.load_model_with_report(file).unwrap();
        assert!(report.notes.len() == 1 && report.notes[0].contains("left out"), "{report}");
        let home = tempfile::tempdir().unwrap();
        let [new, directory, old] = ["m.keras", "m", "m.h5"].map(|name| home.path().join(name));
        model.save(&new).unwrap();
        SaveOptions::new().zipped(false).save_model(&model, &directory).unwrap();
        for path in [new, directory] {
            assert!(!load_model(&path).unwrap().is_compiled());
            let file = ModelFile::open(&path, &Default::default()).unwrap();
            assert_eq!(file.config().unwrap().get("compile_config").unwrap().to_json(), "{}");
        }
        // The old form keeps it.
        model.save(&old).unwrap();
        let tree = ModelFile::open(&old, &Default::default()).unwrap().weights().unwrap().clone();
        let training = tree.attrs["training_config"].as_str().unwrap();
        let class = if optimizer == loss_scale { "LossScaleOptimizer" } else { "Yogi" };
        assert!(training.contains(class) && !training.contains("keras_version"), "{training}");
    }
}

// model.compile("sgd", "mse", metrics="mae") is an error in Keras: "Expected `metrics` argument to be a list, tuple, or dict"
#[test]
fn a_single_metric_is_saved_as_a_list() {
    let model = functional(|name| Dense::new(1).name(name).shared());
    model.compile(Compile::new("sgd", "mse").metrics("mae").weighted_metrics(Hinge::new())).unwrap();
    let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
    let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
    let config = ModelFile::from_bytes(SaveOptions::new().save_model_to_bytes(&loaded).unwrap(), &Default::default());
    let config = config.unwrap().config().unwrap().get("compile_config").unwrap().clone();
    for entry in ["metrics", "weighted_metrics"] {
        assert_eq!(config.get(entry).and_then(Value::as_list).map(<[Value]>::len), Some(1), "{entry}");
    }
}
