//! Counterparts of the tests of state trees and paths in `keras/src/models/model_test.py`, with the same names.

use keras_serial::optimizers::Adam;
use keras_serial::prelude::*;

use crate::{assert_close, assert_fails, named, numbers, zeros};

fn single_output() -> Model {
    let x = named("input_a", [3]);
    let output = Dense::new(1).name("output_a").apply(&x).unwrap();
    Functional::new(x, output).unwrap()
}

/// Returns an optimizer with a fixed name, even if this thread has created others.
fn adam() -> Adam {
    Adam::new().name("adam")
}

fn at<'a>(tree: &'a Nested<Tensor>, path: &str) -> &'a Tensor {
    path.split('/').fold(tree, |at, key| at.get(key).unwrap()).single().unwrap()
}

/// Returns the value of a variable by its path in a part of the tree.
fn value(model: &Model, part: &str, path: &str) -> Tensor {
    let variables = match part {
        "trainable_variables" => model.trainable_weights(),
        "optimizer_variables" => model.optimizer().unwrap().variables().unwrap(),
        _ => model.metrics().iter().flat_map(|metric| metric.variables().unwrap()).collect(),
    };
    variables.iter().find(|variable| variable.path() == path).unwrap().read()
}

fn number(tensor: &Tensor) -> f32 {
    ops::cast_to(tensor, DType::Float32).unwrap().item::<f32>().unwrap()
}

#[test]
fn test_get_state_tree() {
    let model = single_output();
    model.compile(Compile::new(adam(), "mse")).unwrap();
    let tree = model.get_state_tree().unwrap();
    for path in ["output_a/kernel", "output_a/bias"] {
        assert_close(at(&tree, &format!("trainable_variables/{path}")), &value(&model, "trainable_variables", path));
    }
    assert!(matches!(tree.get("non_trainable_variables"), Some(Nested::Dict(items)) if items.is_empty()));
    for (part, path) in [
        ("metrics_variables", "loss/count"),
        ("metrics_variables", "loss/total"),
        ("optimizer_variables", "adam/iteration"),
        ("optimizer_variables", "adam/learning_rate"),
    ] {
        assert_eq!(number(at(&tree, &format!("{part}/{path}"))), number(&value(&model, part, path)), "{path}");
    }
    assert_eq!(number(at(&tree, "optimizer_variables/adam/learning_rate")), 0.001);

    // With the optimizer's slots, and metrics that a batch made known.
    model.compile(Compile::new(adam(), "mse").metrics(["mae"])).unwrap();
    model.fit((numbers(&[4, 3]), numbers(&[4, 1])), Fit::new().verbose(0)).unwrap();
    let tree = model.get_state_tree().unwrap();
    let keys = |part: &str| match tree.get(part) {
        Some(Nested::Dict(items)) => items.keys().cloned().collect::<Vec<_>>(),
        _ => panic!("no dict {part}"),
    };
    assert_eq!(keys("metrics_variables"), ["loss", "mean_absolute_error"]);
    assert_eq!(keys("optimizer_variables"), ["adam"]);
    let slots = ["output_a_kernel_momentum", "output_a_kernel_velocity", "output_a_bias_momentum"];
    for slot in slots {
        let path = format!("adam/{slot}");
        assert_close(at(&tree, &format!("optimizer_variables/{path}")), &value(&model, "optimizer_variables", &path));
    }
    assert_eq!(number(at(&tree, "optimizer_variables/adam/iteration")), 1.0);
    assert_eq!(number(at(&tree, "metrics_variables/mean_absolute_error/count")), 4.0);
}

/// Returns a dict with one entry.
fn one(key: &str, value: impl Into<Nested<Tensor>>) -> Nested<Tensor> {
    Nested::Dict([(key.to_owned(), value.into())].into_iter().collect())
}

#[test]
fn test_set_state_tree() {
    let scalar = |value: f32| Tensor::scalar(value).unwrap();
    let kernel = Tensor::from_slice(&[0.6f32, 0.7, 1.8], [3, 1]).unwrap();
    let bias = Tensor::from_slice(&[0.5f32], [1]).unwrap();
    let optimizer = Nested::dict([("iteration", Tensor::scalar(7i64).unwrap()), ("learning_rate", scalar(0.00001))]);
    let layer = Nested::dict([("bias", bias.clone()), ("kernel", kernel.clone())]);
    let parts = [
        ("optimizer_variables".to_owned(), one("adam", optimizer)),
        ("trainable_variables".to_owned(), one("output_a", layer)),
    ];
    let tree = Nested::Dict(parts.into_iter().collect());

    let model = single_output();
    model.compile(Compile::new(adam(), Losses::none())).unwrap();
    model.set_state_tree(&tree).unwrap();
    assert_eq!(number(&value(&model, "optimizer_variables", "adam/iteration")), 7.0);
    assert_eq!(number(&value(&model, "optimizer_variables", "adam/learning_rate")), 0.00001);
    assert!((model.optimizer().unwrap().learning_rate().unwrap() - 0.00001).abs() < 1e-9);
    assert_close(&value(&model, "trainable_variables", "output_a/bias"), &bias);
    assert_close(&value(&model, "trainable_variables", "output_a/kernel"), &kernel);

    // What does not suit the model changes nothing.
    let set = |part: &str, tree| model.set_state_tree(&one(part, tree));
    let both = |wrong: (&str, Tensor)| Nested::dict([("bias", zeros(&[1])), wrong]);
    assert_fails(set("weights", one("a", scalar(1.0))), "Unknown variable name: weights");
    let misspelled = both(("kernal", kernel.clone()));
    assert_fails(set("trainable_variables", one("output_a", misspelled)), "did you mean `output_a/kernel`");
    assert_fails(set("trainable_variables", one("output_a", both(("kernel", bias.clone())))), "Expected shape (3, 1)");
    assert_fails(set("optimizer_variables", one("adam", one("x", bias.clone()))), "build the optimizer first");
    assert_close(&value(&model, "trainable_variables", "output_a/bias"), &bias);
}

#[test]
fn a_tree_gives_another_model_the_whole_state() {
    let (a, b) = (single_output(), single_output());
    for model in [&a, &b] {
        model.compile(Compile::new(adam(), "mse").metrics(["mae"])).unwrap();
        model.fit((numbers(&[4, 3]), numbers(&[4, 1])), Fit::new().verbose(0)).unwrap();
    }
    b.set_state_tree(&a.get_state_tree().unwrap()).unwrap();
    let step = |model: &Model| {
        model.fit((numbers(&[4, 3]), numbers(&[4, 1])), Fit::new().verbose(0)).unwrap();
        model.predict(numbers(&[4, 3])).unwrap()
    };
    assert_close(&step(&a), &step(&b));
}

/// Two of its layers have the same name.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Twice {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(4).activation("relu").name("layer1").shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = Dense::new(4).activation("relu").name("layer1").shared()))]
    dense2: LayerRef,
    #[keras(sublayer(init = Dense::new(2).shared()))]
    dense3: LayerRef,
}

impl Layer for Twice {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.dense1.call(inputs.inputs()?, cx)?;
        self.dense3.call(self.dense2.call(x, cx)?, cx)
    }
}

#[test]
fn test_get_state_tree_with_duplicate_path() {
    let model = Model::from(Twice::new());
    model.predict(numbers(&[1, 16])).unwrap();
    let part = "The following variable path is found twice in the model: 'twice";
    assert_fails(model.get_state_tree(), part);
    assert_fails(model.get_state_tree(), "/layer1/kernel'");
    assert_fails(model.set_state_tree(&one("trainable_variables", one("x", numbers(&[1])))), part);
}
