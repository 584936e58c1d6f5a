//! Operations of `keras.ops` in graphs, compared with Keras's numbers and gradients
//! (`tests/fixtures/operations`, created by `make.py` there).

use keras_serial::json::Value;
use keras_serial::ops::{self, Axes, Operate};
use keras_serial::prelude::*;
use keras_serial::tensor::DType;

#[register(package = "operations")]
fn twice(x: &Tensor) -> Result<Tensor> {
    ops::multiply(x, 2.0)
}

#[register(package = "operations")]
fn squares_sum(x: &Tensor) -> Result<Tensor> {
    ops::sum(&ops::square(x)?, Axes::all(), false)
}

#[register(package = "operations")]
fn plus(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    ops::add(a, b)
}

#[register(package = "operations")]
fn times(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    ops::multiply(a, b)
}

#[register(package = "operations")]
#[derive(KerasSerializable)]
struct Scale {
    factor: f64,
}

impl Operate for Scale {
    fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
        ops::multiply(args.tensor()?, self.factor).map(Nested::from)
    }
}

#[register(package = "operations")]
#[derive(KerasSerializable)]
struct Parts {
    limit: f64,
}

impl Operate for Parts {
    fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
        let x = args.tensor()?;
        let y = args.optional("y")?.unwrap_or(x);
        Ok(Nested::list([ops::maximum(x, self.limit)?, ops::minimum(y, self.limit)?]))
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["x", "y"]
    }

    fn takes_name(&self) -> bool {
        false
    }
}

/// Reads a tensor as `make.py` writes it.
fn tensor(leaf: &Value) -> Tensor {
    let shape: Vec<usize> =
        leaf.get("shape").unwrap().as_list().unwrap().iter().map(|d| d.as_i64().unwrap() as usize).collect();
    let mut special = leaf.get("special").and_then(Value::as_list).unwrap_or_default().iter();
    let number = |value: &Value| match value {
        Value::Null => special.next().unwrap().as_str().unwrap().parse().unwrap(),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        value => value.as_f64().unwrap(),
    };
    let data: Vec<f64> = leaf.get("data").unwrap().as_list().unwrap().iter().map(number).collect();
    let dtype: DType = leaf.get("dtype").unwrap().as_str().unwrap().parse().unwrap();
    ops::cast_to(&Tensor::from_vec(data, shape).unwrap(), dtype).unwrap()
}

fn close(what: &str, found: &Tensor, expected: &Tensor) -> std::result::Result<(), String> {
    if found.shape() != expected.shape() {
        return Err(format!("{what}: shape {}, Keras has {}", found.shape(), expected.shape()));
    }
    let numbers = |x: &Tensor| ops::cast_to(x, DType::Float64).unwrap().to_vec::<f64>().unwrap();
    for (i, (a, b)) in numbers(found).into_iter().zip(numbers(expected)).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-5 + 1e-4 * b.abs();
        if !same {
            return Err(format!("{what}: {a} at {i}, Keras has {b}"));
        }
    }
    Ok(())
}

fn items(case: &Value, key: &str) -> Vec<Value> {
    case.get(key).unwrap().as_list().unwrap().to_vec()
}

fn outputs(model: &Model, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let inputs = match inputs {
        [one] => CallArgs::one(one.clone()),
        all => CallArgs::one(Nested::list(all.iter().cloned())),
    };
    Ok(model.call(inputs, &CallContext::inference())?.leaves().into_iter().cloned().collect())
}

/// cos(0), cos(1), … in the shape of an output, as `make.py` weighs it.
fn weights(shape: &Shape) -> Tensor {
    let count = shape.num_elements().unwrap();
    Tensor::from_vec((0..count).map(|i| (i as f32).cos()).collect(), shape).unwrap()
}

fn check(case: &Value) -> std::result::Result<(), String> {
    let text = |error: Error| error.to_string();
    let model = model_from_json(&case.get("config").unwrap().to_string(), &CustomObjects::new()).map_err(text)?;
    let inputs: Vec<Tensor> = items(case, "inputs").iter().map(tensor).collect();
    let expected: Vec<Tensor> = items(case, "outputs").iter().map(tensor).collect();
    let again = model_from_json(&model.to_json().map_err(text)?, &CustomObjects::new()).map_err(text)?;
    for (label, model) in [("output", &model), ("output of the copy", &again)] {
        let found = outputs(model, &inputs).map_err(text)?;
        if found.len() != expected.len() {
            return Err(format!("{} outputs, Keras has {}", found.len(), expected.len()));
        }
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            close(&format!("{label} {i}"), found, expected)?;
            if found.dtype() != expected.dtype() {
                return Err(format!("{label} {i}: {}, Keras has {}", found.dtype().name(), expected.dtype().name()));
            }
        }
    }
    let gradients = items(case, "gradients");
    if gradients.iter().all(Value::is_null) {
        return Ok(());
    }
    let watch = |x: &Tensor| if x.dtype().is_float() { x.watched() } else { Ok(x.clone()) };
    let inputs = inputs.iter().map(watch).collect::<Result<Vec<_>>>().map_err(text)?;
    let mut loss = Tensor::scalar(0.0f32).map_err(text)?;
    for output in outputs(&model, &inputs).map_err(text)?.iter().filter(|output| output.dtype().is_float()) {
        let part = ops::multiply(output, weights(output.shape())).and_then(|x| ops::sum(&x, Axes::all(), false));
        loss = part.and_then(|part| ops::add(&loss, &part)).map_err(text)?;
    }
    let found = loss.backward().map_err(text)?;
    let floats: Vec<&Tensor> = inputs.iter().filter(|x| x.dtype().is_float()).collect();
    for (i, (x, expected)) in floats.into_iter().zip(&gradients).enumerate().filter(|(_, (_, g))| !g.is_null()) {
        let gradient = found.get(x).ok_or_else(|| format!("no gradient of input {i}"))?;
        close(&format!("gradient of input {i}"), &gradient, &tensor(expected))?;
    }
    Ok(())
}

fn family(text: &str) {
    let cases = Value::parse(text).unwrap();
    let cases = cases.as_list().unwrap();
    assert!(cases.len() >= 5);
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.get("name")?.as_str()?, check(case).err()?)))
        .collect();
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn linear_algebra_is_keras() {
    family(include_str!("../../fixtures/operations/linalg.json"));
}

#[test]
fn fourier_transforms_are_keras() {
    family(include_str!("../../fixtures/operations/fft.json"));
}

#[test]
fn image_operations_are_keras() {
    family(include_str!("../../fixtures/operations/image.json"));
}

#[test]
fn numpy_operations_are_keras() {
    family(include_str!("../../fixtures/operations/numpy.json"));
}

#[test]
fn operations_that_call_functions_are_keras() {
    family(include_str!("../../fixtures/operations/control.json"));
}

#[test]
fn alignments_are_keras() {
    family(include_str!("../../fixtures/operations/ctc.json"));
}

/// Empty batches through operations and layers.
#[test]
fn batches_without_rows_are_taken_where_keras_takes_them() {
    let cases = Value::parse(include_str!("../../fixtures/operations/empty.json")).unwrap();
    let extents = |value: &Value| -> Vec<usize> {
        value.as_list().unwrap().iter().map(|dim| dim.as_i64().unwrap() as usize).collect()
    };
    let mut failures = Vec::new();
    for case in cases.as_list().unwrap() {
        let name = case.get("name").unwrap().as_str().unwrap();
        let dtype: DType = case.get("dtype").unwrap().as_str().unwrap().parse().unwrap();
        let found = std::panic::catch_unwind(|| {
            let model = model_from_json(&case.get("config").unwrap().to_string(), &CustomObjects::new())?;
            let inputs = items(case, "inputs");
            let inputs = inputs.iter().map(|shape| ops::zeros(&Shape::from(extents(shape)), dtype));
            outputs(&model, &inputs.collect::<Result<Vec<_>>>()?)
        });
        let expected: Vec<Shape> = items(case, "outputs").iter().map(|shape| Shape::from(extents(shape))).collect();
        match found {
            Ok(Ok(found)) if found.iter().map(|x| x.shape().clone()).eq(expected.iter().cloned()) => {}
            Ok(Ok(found)) => {
                failures.push(format!("{name}: {:?}", found.iter().map(|x| x.shape().to_string()).collect::<Vec<_>>()))
            }
            Ok(Err(error)) => failures.push(format!("{name}: {error}")),
            Err(_) => failures.push(format!("{name}: panic")),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn what_no_file_can_hold_is_refused() {
    for (class, part) in
        [("WhileLoop", "holds functions"), ("Eig", "complex"), ("Polar", "complex"), ("Scan", "two results")]
    {
        let module = if class == "Polar" {
            "nn"
        } else if class == "Eig" {
            "linalg"
        } else {
            "core"
        };
        let json = format!(
            r#"{{"module": "keras.src.models.functional", "class_name": "Functional", "config": {{"name": "m", "trainable": true,
            "layers": [{{"module": "keras.layers", "class_name": "InputLayer", "config": {{"batch_shape": [null, 2, 2], "dtype": "float32", "sparse": false, "name": "x"}}, "registered_name": null, "name": "x", "inbound_nodes": []}},
            {{"module": "keras.src.ops.{module}", "class_name": "{class}", "config": {{"name": "op"}}, "registered_name": "{class}", "name": "op",
            "inbound_nodes": [{{"args": [{{"class_name": "__keras_tensor__", "config": {{"shape": [null, 2, 2], "dtype": "float32", "keras_history": ["x", 0, 0]}}}}], "kwargs": {{}}}}]}}],
            "input_layers": [["x", 0, 0]], "output_layers": [["op", 0, 0]]}}, "registered_name": "Functional"}}"#
        );
        super::assert_fails(model_from_json(&json, &CustomObjects::new()), part);
    }
}

/// What a graph infers, with a known and an unknown batch size, is what values give.
#[test]
fn inferred_shapes_are_those_of_values() {
    type Operation = fn(&Tensor) -> Result<Tensor>;
    let operations: &[(&str, Operation)] = &[
        ("broadcasting", |x| ops::add(x, ops::expand_dims(&ops::max(x, 1, false)?, 1)?)),
        ("comparison", |x| ops::where_(&ops::greater(x, 0.5)?, x, 0)),
        ("integer division", |x| ops::floor_divide(ops::cast_to(x, DType::Int32)?, 3)),
        ("reduction", |x| ops::mean(x, [1, -1], true)),
        ("position", |x| ops::argmax(x, 2, false)),
        ("softmax of a middle axis", |x| ops::softmax(x, 1)),
        ("logsumexp", |x| ops::logsumexp(x, -1, false)),
        ("reshape", |x| ops::reshape(x, &Shape::from([None, Some(12)]))),
        ("transpose", |x| ops::transpose(x, Some(vec![2, 0, 1]))),
        ("concatenation", |x| ops::concatenate(&[x.clone(), ops::square(x)?], 1)),
        ("stack", |x| ops::stack(&[x.clone(), ops::negative(x)?], 0)),
        ("repetition", |x| ops::repeat(x, 3, 1)),
        ("tiles", |x| ops::tile(x, &[2, 1, 3])),
        ("padding", |x| ops::pad(x, &[(0, 0), (1, 2), (0, 1)], 0.0)),
        ("roll", |x| ops::roll(x, 1, 1)),
        ("product with a matrix", |x| ops::matmul(x, &ops::ones(&[4, 5].into(), DType::Float32)?)),
        ("products of batches", |x| ops::matmul(x, &ops::swapaxes(x, 1, 2)?)),
        ("contraction", |x| ops::einsum("btc,bsc->bst", &[x.clone(), ops::square(x)?])),
        ("order", |x| ops::argsort(x, -1)),
        ("running sums", |x| ops::cumsum(x, 1)),
        ("largest", |x| Ok(ops::top_k(x, 2)?.0)),
        ("one-hot", |x| ops::one_hot(&ops::cast_to(x, DType::Int32)?, 7)),
        ("indices", |x| ops::take(x, &Tensor::from_slice(&[2i32, 0], [2])?, Some(1))),
    ];
    let values = Tensor::from_vec((0..24).map(|i| i as f32 / 24.0).collect(), [2, 3, 4]).unwrap();
    for (name, operation) in operations {
        let expected = operation(&values).unwrap_or_else(|error| panic!("{name}: {error}"));
        for batch in [Some(2), None] {
            let input = batch.into_iter().fold(Input::new([3, 4]), |input, batch| input.batch_size(batch));
            let inferred = operation(&input.tensor().unwrap());
            let inferred = inferred.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(inferred.is_symbolic(), "{name}");
            assert_eq!(inferred.dtype(), expected.dtype(), "{name}");
            let dims = inferred.shape().dims().iter().zip(expected.shape().dims());
            assert_eq!(inferred.rank(), expected.rank(), "{name}");
            // Without the batch size, an extent may be unknown, but not another.
            assert!(
                dims.into_iter().all(|(found, right)| found == right || (batch.is_none() && found.is_none())),
                "{name}: {} instead of {}",
                inferred.shape(),
                expected.shape()
            );
        }
    }
}
