//! Counterparts of the tests of losses and metrics of several outputs in `keras/src/models/model_test.py`, by
//! the same names.

use keras_serial::layers::{Batch, Steps, TrainStep};
use keras_serial::prelude::*;

use crate::{assert_fails, named, numbers, shape};

fn dense(name: &str, activation: &str, x: &Tensor) -> Tensor {
    Dense::new(1).activation(activation).name(name).apply(x).unwrap()
}

/// A model with two outputs, `output_a` and `output_b`, in a structure.
fn two(structure: impl Fn(Tensor, Tensor) -> Nested<Tensor>) -> Model {
    let x = named("input_a", [3]);
    let outputs = structure(dense("output_a", "linear", &x), dense("output_b", "sigmoid", &x));
    let model = Functional::new(x, outputs).unwrap();
    assert!(model.downcast_ref::<Functional>().is_some());
    model
}

fn list_model() -> Model {
    two(|a, b| Nested::list([a, b]))
}

fn dict_model() -> Model {
    two(|a, b| Nested::dict([("output_a", a), ("output_b", b)]))
}

fn x() -> Tensor {
    numbers(&[8, 3])
}

/// Targets: numbers, and classes.
fn labels() -> [Tensor; 2] {
    [numbers(&[8, 1]), Tensor::from_slice(&[0i32, 1, 1, 0, 1, 0, 0, 1], [8, 1]).unwrap()]
}

fn label_dict() -> Nested<Tensor> {
    let [a, b] = labels();
    Nested::dict([("output_a", a), ("output_b", b)])
}

fn fit(model: &Model, y: Nested<Tensor>) -> Result<History> {
    model.fit((x(), y), Fit::new().batch_size(2).epochs(1).verbose(0))
}

/// Returns the names in the history of one epoch, sorted.
fn keys(model: &Model, y: Nested<Tensor>) -> Vec<String> {
    let history = fit(model, y).unwrap().history;
    assert!(history.values().all(|values| values.len() == 1 && values[0].is_finite()), "{history:?}");
    let mut keys: Vec<String> = history.into_keys().collect();
    keys.sort();
    keys
}

fn fit_keys(model: &Model, compile: Compile, y: Nested<Tensor>) -> Vec<String> {
    model.compile(compile).unwrap();
    keys(model, y)
}

fn sgd(loss: impl Into<Losses>) -> Compile {
    Compile::new("sgd", loss)
}

fn by_name<T: From<&'static str>>(a: &'static str, b: &'static str) -> [(&'static str, T); 2] {
    [("output_a", T::from(a)), ("output_b", T::from(b))]
}

/// `mean_squared_error` for the first output, `binary_crossentropy` for the second.
fn dict_losses() -> Losses {
    Losses::dict(by_name::<Losses>("mean_squared_error", "binary_crossentropy"))
}

fn dict_metrics() -> Metrics {
    Metrics::dict([
        ("output_a", Metrics::from(["mean_squared_error"])),
        ("output_b", Metrics::from(["mean_squared_error", "accuracy"])),
    ])
}

const OF_BOTH: [&str; 6] = [
    "loss",
    "output_a_loss",
    "output_a_mean_squared_error",
    "output_b_accuracy",
    "output_b_loss",
    "output_b_mean_squared_error",
];

const WITH_WEIGHTED: [&str; 9] = [
    "loss",
    "output_a_loss",
    "output_a_mean_squared_error",
    "output_a_weighted_mean_squared_error",
    "output_b_accuracy",
    "output_b_loss",
    "output_b_mean_squared_error",
    "output_b_weighted_accuracy",
    "output_b_weighted_mean_squared_error",
];

#[test]
fn test_functional_single_output() {
    let single: [fn(Tensor) -> Nested<Tensor>; 3] =
        [Nested::Leaf, |a| Nested::list([a]), |a| Nested::dict([("output_a", a)])];
    let losses: [fn() -> Losses; 4] = [
        || "mean_squared_error".into(),
        || ["mean_squared_error"].into(),
        || Losses::dict([("output_a", "mean_squared_error")]),
        || Losses::dict([("output_a", ["mean_squared_error"])]),
    ];
    for structure in single {
        for loss in losses {
            let x = named("input_a", [3]);
            let outputs = structure(dense("output_a", "linear", &x));
            let model = Functional::new(x, outputs).unwrap();
            let compile = sgd(loss())
                .metrics(Metrics::dict([("output_a", ["mean_squared_error", "mean_absolute_error"])]))
                .weighted_metrics(Metrics::dict([("output_a", "mean_squared_error")]));
            let [y, _] = labels();
            let expected = ["loss", "mean_absolute_error", "mean_squared_error", "weighted_mean_squared_error"];
            assert_eq!(fit_keys(&model, compile, y.into()), expected);
        }
    }
}

#[test]
fn test_functional_list_outputs_list_losses() {
    let model = list_model();
    let metrics = Metrics::list([Metrics::from("mean_squared_error"), ["mean_squared_error", "accuracy"].into()]);
    let compile = sgd(["mean_squared_error", "binary_crossentropy"]).metrics(metrics).loss_weights([0.1, 2.0]);
    assert_eq!(fit_keys(&model, compile, Nested::tuple(labels())), OF_BOTH);
    // The sum is weighted; the single losses are not.
    let logs = model.evaluate((x(), Nested::tuple(labels())), Evaluate::new().verbose(0)).unwrap();
    let sum = 0.1 * logs["output_a_loss"] + 2.0 * logs["output_b_loss"];
    assert!((logs["loss"] - sum).abs() < 1e-5, "{logs:?}");
    assert!((logs["output_a_loss"] - logs["output_a_mean_squared_error"]).abs() < 1e-6);
}

#[test]
fn test_functional_list_outputs_list_losses_abbr() {
    let metrics = Metrics::list([Metrics::from(["bce", "mse", "mae"]), ["mse", "acc"].into()]);
    let compile = sgd(["mse", "bce"]).metrics(metrics).loss_weights([0.1, 2.0]);
    let expected = [
        "loss",
        "output_a_bce",
        "output_a_loss",
        "output_a_mae",
        "output_a_mse",
        "output_b_acc",
        "output_b_loss",
        "output_b_mse",
    ];
    assert_eq!(fit_keys(&list_model(), compile, Nested::tuple(labels())), expected);
}

#[test]
fn test_functional_list_outputs_nested_list_losses() {
    let loss = Losses::list([Losses::from("mean_squared_error"), ["binary_crossentropy"].into()]);
    let metrics = Metrics::list([Metrics::from("mean_squared_error"), ["mean_squared_error", "accuracy"].into()]);
    let compile = sgd(loss).metrics(metrics).loss_weights([0.1, 2.0]);
    assert_eq!(fit_keys(&list_model(), compile, Nested::tuple(labels())), OF_BOTH);
}

/// Returns the predictions of both outputs, by name.
fn assert_dict_outputs(model: &Model) {
    let outputs = model.predict_with(x(), Predict::new().verbose(0)).unwrap();
    for name in ["output_a", "output_b"] {
        assert_eq!(shape(outputs.get(name).unwrap().single().unwrap()), "(8, 1)");
    }
}

#[test]
fn test_functional_dict_outputs_dict_losses() {
    let model = dict_model();
    let loss = Losses::dict([
        ("output_a", Losses::from("mean_squared_error")),
        ("output_b", Losses::from(["binary_crossentropy"])),
    ]);
    model.compile(sgd(loss).metrics(dict_metrics()).weighted_metrics(dict_metrics())).unwrap();
    assert_dict_outputs(&model);
    assert_eq!(keys(&model, label_dict()), WITH_WEIGHTED);
}

#[test]
fn test_functional_dict_outputs_dict_losses_with_undefined_loss() {
    let model = dict_model();
    let metrics = || Metrics::dict([("output_b", ["mean_squared_error", "accuracy"])]);
    let loss = Losses::dict([("output_b", ["binary_crossentropy"])]);
    model.compile(sgd(loss).metrics(metrics()).weighted_metrics(metrics())).unwrap();
    assert_dict_outputs(&model);
    let expected = [
        "loss",
        "output_b_accuracy",
        "output_b_mean_squared_error",
        "output_b_weighted_accuracy",
        "output_b_weighted_mean_squared_error",
    ];
    assert_eq!(keys(&model, label_dict()), expected);
}

#[test]
fn test_functional_list_outputs_dict_losses_metrics() {
    let model = list_model();
    model.compile(sgd(dict_losses()).metrics(dict_metrics()).weighted_metrics(dict_metrics())).unwrap();
    let outputs = model.predict_with(x(), Predict::new().verbose(0)).unwrap();
    let Nested::List(outputs) = outputs else { panic!("a list is expected") };
    assert!(outputs.iter().all(|output| shape(output.single().unwrap()) == "(8, 1)"));
    assert_eq!(keys(&model, Nested::tuple(labels())), WITH_WEIGHTED);
}

#[test]
fn test_functional_list_outputs_dict_losses_metrics_uniq_weighted() {
    let one = |a, b| Metrics::dict([("output_a", Metrics::from([a])), ("output_b", Metrics::from([b]))]);
    let compile = sgd(dict_losses())
        .metrics(one("mean_squared_error", "mean_squared_error"))
        .weighted_metrics(one("mean_squared_error", "accuracy"));
    // A metric that is only a weighted one has no prefix.
    let expected = [
        "loss",
        "output_a_loss",
        "output_a_mean_squared_error",
        "output_a_weighted_mean_squared_error",
        "output_b_accuracy",
        "output_b_loss",
        "output_b_mean_squared_error",
    ];
    assert_eq!(fit_keys(&list_model(), compile, Nested::tuple(labels())), expected);
}

#[test]
fn test_functional_list_outputs_dict_losses_partial_metrics() {
    let metrics = Metrics::dict([("output_b", ["mean_squared_error", "accuracy"])]);
    let expected = ["loss", "output_a_loss", "output_b_accuracy", "output_b_loss", "output_b_mean_squared_error"];
    let compile = sgd(dict_losses()).metrics(metrics);
    assert_eq!(fit_keys(&list_model(), compile, Nested::tuple(labels())), expected);
}

#[test]
fn test_functional_dict_outputs_with_single_tensor() {
    let x = named("input_a", [3]);
    let output = dense("output_a", "linear", &x);
    let outputs = Nested::dict([("output_a", output.clone()), ("output_b", output)]);
    let model = Functional::new(x, outputs).unwrap();
    assert_eq!(model.outputs().unwrap().leaves().len(), 2);
    let expected = ["loss", "output_a_loss", "output_b_loss"];
    assert_eq!(fit_keys(&model, sgd(dict_losses()), Nested::tuple(labels())), expected);
}

/// Applies the loss to its only output twice.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct TwoLosses {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(1).name("a").shared()))]
    dense: LayerRef,
}

impl Layer for TwoLosses {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense.call(inputs.inputs()?, cx)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }
}

impl ModelHooks for TwoLosses {
    fn train_step(&self) -> Option<&dyn TrainStep> {
        Some(self)
    }
}

impl TrainStep for TwoLosses {
    fn compute_loss(&self, batch: &Batch, y_pred: &Nested<Tensor>, steps: &dyn Steps) -> Result<Tensor> {
        steps.compute_loss(batch, &Nested::List(vec![y_pred.clone(), y_pred.clone()]))
    }
}

#[test]
fn test_functional_list_outputs_with_custom_compute_loss() {
    let model = Model::from(TwoLosses::new());
    let compile = sgd(["mean_squared_error", "binary_crossentropy"]);
    let expected = ["binary_crossentropy_loss", "loss", "mean_squared_error_loss"];
    assert_eq!(fit_keys(&model, compile, Nested::tuple(labels())), expected);
}

/// Returns the error of `fit` for a model compiled in this way; no weight is changed.
fn fails(model: &Model, compile: Compile, y: Nested<Tensor>, part: &str) {
    model.compile(compile).unwrap();
    let values = |model: &Model| -> Vec<Vec<f32>> {
        model.get_weights().iter().map(|weight| weight.to_vec().unwrap()).collect()
    };
    let before = values(model);
    assert_fails(fit(model, y), part);
    assert_eq!(values(model), before);
}

fn wrong_losses() -> Losses {
    Losses::dict([("output_a", "mean_squared_error"), ("output_c", "binary_crossentropy")])
}

#[test]
fn test_functional_list_outputs_dict_losses_invalid_keys() {
    let part = "Expected keys output_a, output_b. Received: keys output_a, output_c";
    fails(&list_model(), sgd(wrong_losses()), Nested::tuple(labels()), part);
}

#[test]
fn test_functional_list_outputs_dict_losses_no_output_names() {
    let x = named("input_a", [3]);
    let outputs = vec![Dense::new(1).apply(&x).unwrap(), Dense::new(1).activation("sigmoid").apply(&x).unwrap()];
    let model = Functional::new(x, outputs).unwrap();
    let loss = Losses::dict([("output_a", "mean_squared_error")]);
    fails(&model, sgd(loss), Nested::tuple(labels()), "Expected keys dense");
}

fn wrong_metrics() -> Metrics {
    Metrics::dict([("output_c", ["mean_squared_error", "accuracy"])])
}

#[test]
fn test_functional_list_outputs_dict_metrics_invalid_keys() {
    for part in ["Invalid `metrics`", "output_c"] {
        fails(&list_model(), sgd(dict_losses()).metrics(wrong_metrics()), Nested::tuple(labels()), part);
    }
}

#[test]
fn test_functional_dict_outputs_dict_losses_invalid_keys() {
    let part = "`output_c` in the `loss` argument can't be found in the model's outputs or in the labels";
    fails(&dict_model(), sgd(wrong_losses()), label_dict(), part);
}

#[test]
fn test_functional_dict_outputs_dict_metrics_invalid_keys() {
    for part in ["Invalid `metrics`", "output_c"] {
        fails(&dict_model(), sgd(dict_losses()).metrics(wrong_metrics()), label_dict(), part);
    }
    let weighted = sgd(dict_losses()).weighted_metrics(wrong_metrics());
    fails(&dict_model(), weighted, label_dict(), "Invalid `weighted_metrics`");
}

#[test]
fn test_functional_list_outputs_invalid_nested_list_losses() {
    let two = Losses::from(["mean_squared_error", "binary_crossentropy"]);
    let compile = sgd(Losses::list([Losses::from("mean_squared_error"), two]));
    let expected = ["loss", "output_a_loss", "output_b_loss"];
    assert_eq!(fit_keys(&list_model(), compile, Nested::tuple(labels())), expected);
}
