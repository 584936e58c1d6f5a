//! Errors of training: each names the place, what was expected and received, and nothing is changed.

use keras_serial::callbacks::{LambdaCallback, TerminateOnNaN};
use keras_serial::optimizers::{Adam, SGD};
use keras_serial::prelude::*;
use keras_serial::training::data::{DatasetExt, FromFn, Once};
use keras_serial::training::{Batch, Dataset, Losses, Metrics};

use crate::{numbers, ones};

/// A model with two inputs, three classes and moving statistics.
fn classifier() -> Model {
    let layers = [
        Input::new([2]).layer(),
        BatchNormalization::new().into(),
        Dense::new(3).activation("softmax").name("classes").into(),
    ];
    let model = Sequential::new(layers).unwrap();
    model.compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"])).unwrap();
    model
}

fn x() -> Tensor {
    numbers(&[4, 2])
}

fn labels(labels: [i32; 4]) -> Tensor {
    Tensor::from_slice(&labels, [4]).unwrap()
}

fn fit() -> Fit<'static> {
    Fit::new().verbose(0)
}

fn values(model: &Model) -> Vec<Vec<f32>> {
    let own = model.optimizer().map(|optimizer| optimizer.variables().unwrap()).unwrap_or_default();
    let floats = own.into_iter().filter(|variable| variable.dtype() == DType::Float32).map(|variable| variable.read());
    model.get_weights().into_iter().chain(floats).map(|value| value.to_vec().unwrap()).collect()
}

/// Checks that the run fails with a text that contains all these parts, and that weights and optimizer
/// are unchanged.
#[track_caller]
fn refused<T>(model: &Model, run: impl FnOnce(&Model) -> Result<T>, parts: &[&str]) {
    let before = model.get_weights().iter().map(|value| value.to_vec::<f32>().unwrap()).collect::<Vec<_>>();
    let steps = |model: &Model| model.optimizer().map(|optimizer| optimizer.iterations().unwrap());
    let step = steps(model);
    let text = match run(model) {
        Ok(_) => panic!("was accepted"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    let after = model.get_weights().iter().map(|value| value.to_vec::<f32>().unwrap()).collect::<Vec<_>>();
    assert_eq!(after, before);
    assert_eq!(steps(model), step);
}

#[test]
fn data_of_other_shapes_and_dtypes() {
    let model = classifier();
    let y = || labels([0, 1, 2, 0]);
    refused(&model, |model| model.fit((numbers(&[4, 3]), y()), fit()), &["sequential", "(None, 2)", "(None, 3)"]);
    refused(&model, |model| model.fit((numbers(&[4]), y()), fit()), &["(None, 2)", "(None,)"]);
    refused(&model, |model| model.fit((numbers(&[5, 2]), y()), fit()), &["5", "4", "samples"]);
    refused(&model, |model| model.evaluate((numbers(&[4, 3]), y()), Evaluate::new().verbose(0)), &["(None, 2)"]);
    refused(&model, |model| model.train_on_batch((numbers(&[4, 3]), y())), &["(None, 2)"]);
    refused(&model, |model| model.fit(([x(), x()], y()), fit()), &["2"]);
    let text = Tensor::from_strings(["a", "b", "c", "d", "e", "f", "g", "h"], [4, 2]).unwrap();
    refused(&model, |model| model.fit((text, y()), fit()), &["string"]);

    let regression = Sequential::new([Input::new([2]).layer(), Dense::new(3).into()]).unwrap();
    regression.compile(Compile::new("sgd", "mse")).unwrap();
    refused(
        &regression,
        |model| model.fit((x(), numbers(&[4, 2])), fit()),
        &["batch 1/loss/mse: ", "(4, 2) and (4, 3)"],
    );
    refused(
        &regression,
        |model| model.fit((x(), numbers(&[4, 3]), numbers(&[4, 5])), fit()),
        &["batch 1/loss/mse: ", "(4, 5)"],
    );
}

#[test]
fn labels_outside_the_classes() {
    let model = classifier();
    refused(&model, |model| model.fit((x(), labels([0, 1, 3, 0])), fit()), &["loss: ", "0 to 2", "Received: 3"]);
    refused(&model, |model| model.fit((x(), labels([0, -1, 2, 0])), fit()), &["loss: ", "0 to 2", "Received: -1"]);
}

#[test]
fn no_data() {
    let model = classifier();
    let nothing = Tensor::from_slice::<f32>(&[], [0, 2]).unwrap();
    let none = Tensor::from_slice::<i32>(&[], [0]).unwrap();
    refused(&model, |model| model.fit((nothing, none), fit()), &["no samples"]);
    refused(&model, |model| model.fit(FromFn::new(std::iter::empty), fit()), &["no batches"]);
    refused(&model, |model| model.fit(x(), fit()), &["labels"]);
    refused(&model, |model| model.fit((x(), labels([0; 4])), fit().batch_size(0)), &["at least 1"]);
    refused(&model, |model| model.fit((x(), labels([0; 4])), fit().validation_split(1.0)), &["validation_split=1"]);
    refused(&model, |model| model.fit((x(), labels([0; 4])), fit().validation_split(-0.5)), &["validation_split=-0.5"]);
}

#[test]
fn arguments_that_exclude_each_other() {
    let model = classifier();
    let weighted = || (x(), labels([0; 4]), ones(&[4]));
    refused(&model, |model| model.fit(weighted(), fit().class_weight([(0, 2.0)])), &["sample_weight", "class_weight"]);
    let batch = || Batch { x: x().into(), y: Some(labels([0; 4]).into()), sample_weight: None };
    let dataset = move || FromFn::new(move || std::iter::once(Ok(batch())));
    refused(&model, |model| model.fit(dataset(), fit().batch_size(2)), &["dataset", "batch_size"]);
    refused(&model, |model| model.fit(dataset(), fit().validation_split(0.5)), &["validation_data"]);
}

#[test]
fn parts_that_no_output_has() {
    let compiled = |compile: Compile| -> Result<History> {
        let x = Input::new([2]).tensor()?;
        let outputs =
            ["reg", "cls"].map(|name| Dense::new(1).name(name).apply(&x)).into_iter().collect::<Result<Vec<_>>>()?;
        let model = Functional::new(x, outputs)?;
        model.compile(compile)?;
        model.fit((numbers(&[4, 2]), [numbers(&[4, 1]), numbers(&[4, 1])]), fit())
    };
    let error = |compile: Compile| compiled(compile).unwrap_err().to_string();
    let losses = |name: &str| Losses::dict([("reg", "mse"), (name, "mse")]);
    compiled(Compile::new("sgd", losses("cls"))).unwrap();
    let text = error(Compile::new("sgd", losses("clss")));
    assert!(text.contains("clss") && text.contains("cls"), "{text}");
    let text = error(Compile::new("sgd", losses("cls")).metrics(Metrics::dict([("other", "mae")])));
    assert!(text.contains("other") && text.contains("reg"), "{text}");
    let text = error(Compile::new("sgd", ["mse", "mse", "mse"]));
    assert!(text.contains("loss: the path `2`"), "{text}");
    let text = error(Compile::new("sgd", "no_such_loss"));
    assert!(text.contains("no_such_loss"), "{text}");
    let text = error(Compile::new("sdg", "mse"));
    assert!(text.contains("did you mean") && text.contains("sgd"), "{text}");
}

#[test]
fn a_model_that_is_not_compiled() {
    let model = Sequential::new([Input::new([2]).layer(), Dense::new(1).into()]).unwrap();
    refused(&model, |model| model.fit((x(), ones(&[4, 1])), fit()), &["compile()", "fit()"]);
    refused(&model, |model| model.evaluate((x(), ones(&[4, 1])), Evaluate::new()), &["compile()", "evaluate()"]);
    refused(&model, |model| model.train_on_batch((x(), ones(&[4, 1]))), &["compile()"]);
}

#[test]
fn a_loss_that_is_no_number() {
    let model = classifier();
    let mut bad = x().to_vec::<f32>().unwrap();
    bad[5] = f32::NAN;
    let bad = Tensor::from_vec(bad, [4, 2]).unwrap();
    let run = fit().batch_size(2).shuffle(false).callback(TerminateOnNaN::new().raise_error(true));
    let text = model.fit((bad, labels([0; 4])), run).unwrap_err().to_string();
    for part in ["batch 1", "epoch 1", "step 2", "loss=nan"] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// Keras on TensorFlow: clipping and comparing preserve NaN.
#[test]
fn no_loss_hides_what_is_no_number() {
    let truth = ones(&[2, 2]);
    let predicted = Tensor::from_slice(&[0.5f32, 0.5, f32::NAN, 0.5], [2, 2]).unwrap();
    for name in [
        "mse",
        "mae",
        "mape",
        "msle",
        "huber",
        "log_cosh",
        "binary_crossentropy",
        "binary_focal_crossentropy",
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "hinge",
        "squared_hinge",
        "categorical_hinge",
        "kl_divergence",
        "poisson",
        "cosine_similarity",
        "dice",
        "tversky",
    ] {
        let loss = Loss::deserialize(&name.into()).unwrap();
        let value = loss.call(&truth, &predicted).unwrap();
        assert!(value.to_vec::<f32>().unwrap().iter().any(|x| x.is_nan()), "{name}");
    }
    let labels = Tensor::from_slice(&[0i32, 1], [2]).unwrap();
    let loss = Loss::deserialize(&"sparse_categorical_crossentropy".into()).unwrap();
    assert!(loss.call(&labels, &predicted).unwrap().to_vec::<f32>().unwrap().iter().any(|x| x.is_nan()));
}

/// A batch that does not fit, after one that does: the first step stays, the second has no effect.
#[test]
fn a_batch_in_the_middle_of_a_run() {
    let good = || Ok(Batch { x: x().into(), y: Some(labels([0, 1, 2, 0]).into()), sample_weight: None });
    let wide = || Ok(Batch { x: numbers(&[4, 3]).into(), ..good()? });
    let wrong = || Ok(Batch { y: Some(labels([0, 1, 7, 0]).into()), ..good()? });
    let broken = || Err(Error::new(ErrorKind::Io, "the disk is gone"));
    type Second = fn() -> Result<Batch>;
    let cases: [(&dyn Fn() -> Result<Batch>, &str); 3] =
        [(&wide, "found shape=(4, 3)"), (&wrong, "Received: 7"), (&(broken as Second), "the disk is gone")];
    for (second, part) in cases {
        let (model, alone) = (classifier(), classifier());
        alone.set_weights(&model.get_weights()).unwrap();
        alone.fit(Once::new([good()]), fit()).unwrap();
        let text = model.fit(Once::new([good(), second()]), fit()).unwrap_err().to_string();
        assert!(text.contains(part) && text.contains("epoch 1"), "{text}");
        assert_eq!(values(&model), values(&alone), "{part}");
    }
}

#[test]
fn failures_on_a_thread_that_prepares_batches() {
    let good = || Ok(Batch { x: x().into(), y: Some(labels([0, 1, 2, 0]).into()), sample_weight: None });
    let mut failing =
        FromFn::new(move || (0..4).map(move |i| if i < 2 { good() } else { Err(Error::new(ErrorKind::Io, "gone")) }))
            .prefetch(1);
    let batches: Vec<bool> = failing.epoch().unwrap().map(|batch| batch.is_ok()).collect();
    assert_eq!(batches, [true, true, false, false]);

    // A panic there is no shorter epoch.
    let panicking =
        FromFn::new(move || (0..4).map(move |i| if i < 2 { good() } else { panic!("in the reader") })).prefetch(1);
    let text = classifier().fit(panicking, fit()).unwrap_err().to_string();
    assert!(text.contains("panicked") && text.contains("in the reader"), "{text}");

    // Nobody waits for batches that are not wanted any more.
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut endless = FromFn::new(move || {
        let sender = sender.clone();
        std::iter::repeat_with(move || {
            sender.send(()).unwrap();
            good()
        })
    })
    .prefetch(2);
    assert_eq!(endless.epoch().unwrap().take(3).count(), 3);
    drop(endless);
    while receiver.recv_timeout(std::time::Duration::from_secs(60)).is_ok() {}
    assert!(matches!(receiver.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)));
}

#[test]
fn an_optimizer_state_of_something_else() {
    let model = classifier();
    model.fit((x(), labels([0, 1, 2, 0])), fit()).unwrap();
    let optimizer = model.optimizer().unwrap();
    let before = values(&model);
    let error = optimizer.load_own_variables(&[Tensor::scalar(1i64).unwrap()]).unwrap_err().to_string();
    assert!(error.contains("variables"), "{error}");
    let mut state: Vec<Tensor> = optimizer.variables().unwrap().iter().map(|variable| variable.read()).collect();
    *state.last_mut().unwrap() = numbers(&[7]);
    let error = optimizer.load_own_variables(&state).unwrap_err().to_string();
    assert!(error.contains("(7)") || error.contains("(7,)"), "{error}");
    assert_eq!(values(&model), before);

    let dense = Dense::new(1).shared();
    dense.build(&[None, Some(2)].into_iter().collect()).unwrap();
    let stranger = dense.weights();
    let error = optimizer.apply(&[Some(ones(&[2, 1]))], &stranger[..1]).unwrap_err().to_string();
    assert!(error.contains("Unknown variable"), "{error}");
    assert_eq!(values(&model), before);
}

#[test]
fn a_callback_that_fails_ends_the_run() {
    let model = classifier();
    let failing = LambdaCallback::new().on_epoch_end(|_, _, _| Err(Error::new(ErrorKind::Io, "the log is full")));
    let text = model.fit((x(), labels([0; 4])), fit().callback(failing)).unwrap_err().to_string();
    assert!(text.contains("the log is full"), "{text}");
    assert!(model.predict(x()).is_ok());
}

#[test]
fn numbers_that_no_optimizer_takes() {
    let compile = |optimizer: Optimizer| -> Result<History> {
        let model = Sequential::new([Input::new([2]).layer(), Dense::new(1).into()])?;
        model.compile(Compile::new(optimizer, "mse"))?;
        model.fit((x(), ones(&[4, 1])), fit())
    };
    let text = compile(SGD::new().momentum(2.0).into()).unwrap_err().to_string();
    assert!(text.contains("momentum") && text.contains('2'), "{text}");
    let text = compile(Adam::new().clipnorm(1.0).clipvalue(1.0).into()).unwrap_err().to_string();
    assert!(text.contains("clipnorm") && text.contains("clipvalue"), "{text}");
    let text = compile(Adam::new().gradient_accumulation_steps(1).into()).unwrap_err().to_string();
    assert!(text.contains("gradient_accumulation_steps"), "{text}");
}
