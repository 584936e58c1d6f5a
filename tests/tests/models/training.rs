//! Counterparts of tests of `keras/src/models` in which a model is trained, with the same names.

use keras_serial::prelude::*;
use keras_serial::training::Batch;
use keras_serial::training::data::FromFn;

use crate::{OptionalInputLayer, assert_close, assert_fails, named, numbers, ones, shape, zeros};

/// Discards its inputs in training.
#[derive(KerasSerializable)]
#[keras(new)]
struct CustomLayer {
    base: LayerBase,
}

impl Layer for CustomLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let factor = if cx.is_training() { 0.0 } else { 1.0 };
        ops::multiply(inputs.tensor()?, factor).map(Into::into)
    }
}

/// Does not pass the training flag to its layer.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct CustomModel {
    base: LayerBase,
    #[keras(sublayer(init = CustomLayer::new().shared()))]
    layer: LayerRef,
}

impl Layer for CustomModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.layer.call(inputs.inputs()?, cx)
    }
}

#[test]
fn test_subclass_model_training_arg() {
    let model = Model::from(CustomModel::new());
    let x = || ones(&[4, 20]);
    let call = |args: CallArgs| model.call(args, &CallContext::inference()).unwrap().into_single().unwrap();
    assert_close(&call(CallArgs::one(x())), &x());
    assert_close(&call(CallArgs::one(x()).with_value("training", false)), &x());
    assert_close(&call(CallArgs::one(x()).with_value("training", true)), &zeros(&[4, 20]));
    // `fit` trains, `evaluate` and `predict` do not.
    model.compile(Compile::new("sgd", "mse")).unwrap();
    let history = model.fit((x(), x()), Fit::new().verbose(0)).unwrap();
    assert_eq!(history.get("loss"), Some(&[1.0][..]));
    assert_eq!(model.evaluate((x(), x()), Evaluate::new().verbose(0)).unwrap()["loss"], 0.0);
    assert_close(&model.predict_with(x(), Predict::new().verbose(0)).unwrap().into_single().unwrap(), &x());
}

#[test]
fn test_functional_optional_inputs_generator() {
    for is_none in [false, true] {
        let x = named("x", [2]);
        let o = Input::new([2]).name("o").optional(true).tensor().unwrap();
        let y = OptionalInputLayer::new().apply(CallArgs::one(x.clone()).with("y", o.clone())).unwrap();
        let y = Dense::new(2).apply(&y).unwrap();
        let model = Functional::new(Nested::dict([("x", x), ("o", o)]), y).unwrap();
        let batches = move |with_y: bool| {
            FromFn::new(move || {
                (0..4).map(move |_| {
                    let o = if is_none { Nested::None } else { Nested::Leaf(ones(&[2, 2])) };
                    let x = [("x".to_owned(), Nested::Leaf(ones(&[2, 2]))), ("o".to_owned(), o)];
                    let y = with_y.then(|| ones(&[2, 2]).into());
                    Ok(Batch { x: Nested::Dict(x.into_iter().collect()), y, sample_weight: None })
                })
            })
        };
        model.compile(Compile::new("adam", "mse")).unwrap();
        let history = model.fit(batches(true), Fit::new().verbose(0)).unwrap();
        assert_eq!(history.get("loss").map(<[f64]>::len), Some(1));
        assert_eq!(model.optimizer().unwrap().iterations().unwrap(), 4);
        assert!(model.evaluate(batches(true), Evaluate::new().verbose(0)).unwrap()["loss"].is_finite());
        let y = model.predict_with(batches(false), Predict::new().verbose(0)).unwrap();
        assert_eq!(shape(y.single().unwrap()), "(8, 2)");
    }
}

#[test]
fn test_required_none_raises_in_fit() {
    let x = named("x", [3]);
    let model = Functional::new(x.clone(), Dense::new(1).apply(&x).unwrap()).unwrap();
    model.compile(Compile::new("sgd", "mse")).unwrap();
    let weights = model.get_weights();
    assert_fails(model.fit((Nested::List(vec![Nested::None]), ones(&[4, 1])), Fit::new().verbose(0)), "not optional");
    weights.iter().zip(model.get_weights()).for_each(|(before, after)| assert_close(before, &after));
}

#[test]
fn test_dict_input_to_list_model() {
    const VOCABULARY: usize = 100;
    const TAGS: usize = 10;
    const DEPARTMENTS: usize = 3;
    const SAMPLES: usize = 128;
    let inputs = [("title", VOCABULARY), ("text_body", VOCABULARY), ("tags", TAGS)];
    let symbols = inputs.map(|(name, size)| named(name, [size]));
    let features = Concatenate::new().apply(symbols.to_vec()).unwrap();
    let features = Dense::new(64).activation("relu").apply(&features).unwrap();
    let priority = Dense::new(1).activation("sigmoid").name("priority").apply(&features).unwrap();
    let department = Dense::new(DEPARTMENTS).activation("softmax").name("department").apply(&features).unwrap();
    let model = Functional::new(symbols.to_vec(), vec![priority, department]).unwrap();

    let bits = |shape: [usize; 2]| {
        let bits = numbers(&shape).to_vec::<f32>().unwrap().into_iter().map(|number| f32::from(number > 0.0));
        Tensor::from_vec(bits.collect(), shape).unwrap()
    };
    let x = inputs.map(|(_, size)| bits([SAMPLES, size]));
    let y = [numbers(&[SAMPLES, 1]), bits([SAMPLES, DEPARTMENTS])];
    let in_list = (Nested::list(x.clone()), Nested::list(y.clone()));
    let names = inputs.map(|(name, _)| name);
    let in_dict = (Nested::dict(names.into_iter().zip(x)), Nested::dict(["priority", "department"].into_iter().zip(y)));

    let lists = Compile::new("adam", ["mean_squared_error", "categorical_crossentropy"])
        .metrics(Metrics::list([["mean_absolute_error"], ["accuracy"]]));
    let dicts = Compile::new(
        "adam",
        Losses::dict([("priority", "mean_squared_error"), ("department", "categorical_crossentropy")]),
    )
    .metrics(Metrics::dict([("priority", ["mean_absolute_error"]), ("department", ["accuracy"])]));
    let mut results = Vec::new();
    let weights = model.get_weights();
    for (compile, (x, y)) in [(lists, &in_list), (dicts, &in_dict)] {
        model.set_weights(&weights).unwrap();
        model.compile(compile).unwrap();
        model.fit((x, y), Fit::new().epochs(1).verbose(0).shuffle(false)).unwrap();
        results.push(model.evaluate((x, y), Evaluate::new().verbose(0)).unwrap());
        let outputs = model.predict_with(x, Predict::new().verbose(0)).unwrap();
        assert_eq!(outputs.leaves().into_iter().map(shape).collect::<Vec<_>>(), ["(128, 1)", "(128, 3)"]);
    }
    // Inputs and labels by name are those by position.
    assert_eq!(results[0], results[1]);
    let expected = ["department_accuracy", "department_loss", "loss", "priority_loss", "priority_mean_absolute_error"];
    assert_eq!(results[0].keys().collect::<Vec<_>>(), expected);
}
