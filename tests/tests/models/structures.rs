//! Counterparts of the tests of losses of whole output structures in `keras/src/models/model_test.py`,
//! with the same names.

use keras_serial::losses::mean_absolute_error;
use keras_serial::prelude::*;

use crate::{assert_fails, named, numbers};

/// Formats the structure as in Python.
fn kind<T>(nested: &Nested<T>) -> String {
    let all = |items: &[Nested<T>]| items.iter().map(kind).collect::<Vec<_>>().join(", ");
    match nested {
        Nested::Leaf(_) => "*".into(),
        Nested::None => "None".into(),
        Nested::List(items) => format!("list [{}]", all(items)),
        Nested::Tuple(items) => format!("tuple ({})", all(items)),
        Nested::Dict(items) => {
            let items: Vec<String> = items.iter().map(|(key, item)| format!("{key}: {}", kind(item))).collect();
            format!("dict {{{}}}", items.join(", "))
        }
    }
}

/// A loss for outputs in this structure only: the sum of their mean absolute errors.
fn struct_loss(structure: &Nested<Tensor>) -> Losses {
    let (expected, ranks) = (kind(structure), structure.map(Tensor::rank));
    let loss = move |y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>| -> Result<Tensor> {
        for given in [y_true, y_pred] {
            if kind(given) != expected {
                let error = Error::new(ErrorKind::InvalidArgument, "the structure is another");
                return Err(error.expected(expected.clone()).received(kind(given)));
            }
            assert_eq!(given.map(Tensor::rank), ranks);
        }
        let mut sum: Option<Tensor> = None;
        for (y_t, y_p) in y_true.leaves().into_iter().zip(y_pred.leaves()) {
            let error = mean_absolute_error(y_t, y_p)?;
            sum = Some(match sum {
                Some(sum) => ops::add(&sum, &error)?,
                None => error,
            });
        }
        Ok(sum.unwrap())
    };
    Loss::function(loss).into()
}

fn struct_loss_at(outputs: &Nested<Tensor>, path: &[&str]) -> Losses {
    let at = path.iter().fold(outputs, |at, key| match key.parse::<usize>() {
        Ok(index) => &at.items().unwrap()[index],
        Err(_) => at.get(key).unwrap(),
    });
    struct_loss(at)
}

fn output(name: &str, x: &Tensor) -> Tensor {
    Dense::new(1).activation("sigmoid").name(name).apply(x).unwrap()
}

fn two(structure: impl Fn([Tensor; 2]) -> Nested<Tensor>) -> Model {
    let x = named("x", [3]);
    let outputs = structure(["y1", "y2"].map(|name| output(name, &x)));
    let model = Functional::new(x, outputs).unwrap();
    assert!(model.downcast_ref::<Functional>().is_some());
    model
}

fn x() -> Tensor {
    numbers(&[8, 3])
}

/// Labels that differ from each other.
fn labels() -> [Tensor; 2] {
    let y = numbers(&[16, 1]).to_vec::<f32>().unwrap();
    [&y[..8], &y[8..]].map(|y| Tensor::from_slice(y, [8, 1]).unwrap())
}

fn fit(model: &Model, y: Nested<Tensor>) -> Result<History> {
    model.fit((x(), y), Fit::new().batch_size(2).epochs(1).verbose(0))
}

fn keys(model: &Model, y: Nested<Tensor>) -> Vec<String> {
    let outputs = model.predict_with(x(), Predict::new().verbose(0)).unwrap();
    assert_eq!(kind(&outputs), kind(&model.outputs().unwrap()));
    let mut keys: Vec<String> = fit(model, y).unwrap().history.into_keys().collect();
    keys.sort();
    keys
}

/// Checks that the loss is the weighted sum of the losses in the logs.
fn assert_sum<const N: usize>(model: &Model, y: Nested<Tensor>, names: [&str; N], weights: [f64; N]) {
    let logs = model.evaluate((x(), y), Evaluate::new().verbose(0)).unwrap();
    let sum: f64 = names.iter().zip(weights).map(|(name, weight)| weight * logs[*name]).sum();
    assert!((logs["loss"] - sum).abs() < 1e-5, "{logs:?}");
}

type Structure = fn(Vec<Losses>) -> Losses;
type Outputs = fn([Tensor; 2]) -> Nested<Tensor>;

#[test]
fn test_functional_struct_outputs_struct_losses() {
    let kinds: [(&str, Outputs, Structure); 2] =
        [("list", |y| Nested::list(y), |l| Losses::list(l)), ("tuple", |y| Nested::tuple(y), |l| Losses::tuple(l))];
    for (name, outputs, same) in kinds {
        for (other_name, _, other) in kinds {
            for weighted in [false, true] {
                let model = two(outputs);
                let symbols = model.outputs().unwrap();
                let each = same(vec![struct_loss_at(&symbols, &["0"]), struct_loss_at(&symbols, &["1"])]);
                let compile = Compile::new("sgd", other(vec![struct_loss(&symbols), each]));
                let weights = Nested::List(vec![Nested::Leaf(0.3), Nested::list([0.5, 2.0])]);
                let compile = if weighted { compile.loss_weights(weights) } else { compile };
                model.compile(compile).unwrap();
                let y = outputs(labels());
                if name == other_name {
                    // The first loss is that of the first output then.
                    assert_fails(fit(&model, y), &format!("Expected {name}"));
                } else {
                    assert_eq!(keys(&model, y.clone()), ["loss", "y1_loss", "y1_y2_loss", "y2_loss"]);
                    let weights = if weighted { [0.3, 0.5, 2.0] } else { [1.0; 3] };
                    assert_sum(&model, y, ["y1_y2_loss", "y1_loss", "y2_loss"], weights);
                }
            }
        }
    }
}

#[test]
fn test_functional_struct_outputs_dict_struct_losses() {
    for weighted in [true, false] {
        let dict = |[a, b]: [Tensor; 2]| Nested::dict([("a", a), ("b", b)]);
        let model = two(dict);
        let symbols = model.outputs().unwrap();
        let each = Losses::dict(["a", "b"].map(|key| (key, struct_loss_at(&symbols, &[key]))));
        let compile = Compile::new("sgd", Losses::list([struct_loss(&symbols), each]));
        let weights = Nested::List(vec![Nested::Leaf(0.3), Nested::dict([("a", 0.5), ("b", 2.0)])]);
        model.compile(if weighted { compile.loss_weights(weights) } else { compile }).unwrap();
        assert_eq!(keys(&model, dict(labels())), ["a_b_loss", "a_loss", "b_loss", "loss"]);
        let weights = if weighted { [0.3, 0.5, 2.0] } else { [1.0; 3] };
        assert_sum(&model, dict(labels()), ["a_b_loss", "a_loss", "b_loss"], weights);
    }
}

#[test]
fn test_functional_struct_outputs_namedtuple_struct_losses() {
    // A tuple with names is a tuple here.
    let model = two(Nested::tuple);
    let symbols = model.outputs().unwrap();
    let each = Losses::tuple([struct_loss_at(&symbols, &["0"]), struct_loss_at(&symbols, &["1"])]);
    model.compile(Compile::new("sgd", Losses::list([struct_loss(&symbols), each]))).unwrap();
    assert_eq!(keys(&model, Nested::tuple(labels())), ["loss", "y1_loss", "y1_y2_loss", "y2_loss"]);
}

#[test]
fn test_functional_deeply_nested_outputs_struct_losses() {
    let nest = |[y1, y2]: [&Tensor; 2], y3: &Tensor| {
        let pair = || Nested::tuple([y1.clone(), y2.clone()]);
        let entry = |key: &str, item| (key.to_owned(), item);
        Nested::Dict(
            [
                entry("a", pair()),
                entry("b", Nested::dict([("b1", y1.clone()), ("b2", y2.clone())])),
                entry("c", Nested::Dict([entry("c1", pair()), entry("c2", y2.clone().into())].into_iter().collect())),
                entry("d", y3.clone().into()),
            ]
            .into_iter()
            .collect(),
        )
    };
    let x = named("x", [3]);
    let [y1, y2, y3] = ["y1", "y2", "y3"].map(|name| output(name, &x));
    let model = Functional::new(x, nest([&y1, &y2], &y3)).unwrap();
    let symbols = model.outputs().unwrap();
    let loss = |path: &[&str]| struct_loss_at(&symbols, path);
    let losses = Losses::dict([
        ("a", Losses::list([loss(&["a"]), Losses::tuple([Losses::none(), loss(&["a", "1"])])])),
        ("b", Losses::list([loss(&["b"]), Losses::dict([("b1", loss(&["b", "b1"]))])])),
        ("c", Losses::list([loss(&["c"]), Losses::dict([("c1", loss(&["c", "c1"]))])])),
        ("d", loss(&["d"])),
    ]);
    model.compile(Compile::new("sgd", losses)).unwrap();
    let [y1, y2] = labels();
    let expected = ["a/y2_loss", "a_loss", "b/b1_loss", "b_loss", "c/c1_loss", "c_loss", "d_loss", "loss"];
    assert_eq!(keys(&model, nest([&y1, &y2], &y1)), expected);
    let names = ["a/y2_loss", "a_loss", "b/b1_loss", "b_loss", "c/c1_loss", "c_loss", "d_loss"];
    assert_sum(&model, nest([&y1, &y2], &y1), names, [1.0; 7]);
}

#[test]
fn losses_of_structures_are_weighted_by_sample() {
    let model = two(Nested::tuple);
    let loss = Losses::list([struct_loss(&model.outputs().unwrap())]);
    model.compile(Compile::new("sgd", loss)).unwrap();
    let y = || Nested::tuple(labels());
    let weights = Tensor::from_slice(&[0.0f32, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [8]).unwrap();
    let logs = model.evaluate((x(), y(), weights.clone()), Evaluate::new().verbose(0)).unwrap();
    let outputs = model.predict_all(x()).unwrap();
    let errors = [0, 1].map(|i| mean_absolute_error(&labels()[i], outputs.leaves()[i]).unwrap());
    let second = errors.map(|error| error.to_vec::<f32>().unwrap()[1]);
    assert!((logs["loss"] - f64::from(2.0 * (second[0] + second[1]) / 8.0)).abs() < 1e-5);
    // In the structure of the outputs they say nothing of both together.
    let of_each = Nested::tuple([weights.clone(), weights]);
    assert_fails(model.evaluate((x(), y(), of_each), Evaluate::new().verbose(0)), "takes one weight a sample");
    // One of a single output is none of both.
    let model = two(Nested::tuple);
    let bare = Losses::list([Losses::list([Losses::list(["mse"])])]);
    model.compile(Compile::new("sgd", bare)).unwrap();
    assert_fails(fit(&model, y()), "one loss can't be that of a structure of outputs");
}
