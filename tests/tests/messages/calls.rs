//! Mistakes with tensors, shapes and calls.

use keras_serial::prelude::*;

use crate::{Page, dict, numbers, one, two};

pub fn add(page: &mut Page) {
    page.section("Tensors, shapes and calls");
    inputs(page);
    tensors(page);
    layers_and_graphs(page);
    names(page);
}

fn inputs(page: &mut Page) {
    let x = || numbers([2, 4]);
    page.error(
        "An input of another last extent: `model.predict(x)`, with three columns for four.",
        one().predict(numbers([2, 3])),
    );
    page.error("A row without the axis of rows.", one().predict(numbers([4])));
    page.error("Several inputs for a model of one.", one().predict(vec![x(), x()]));
    page.error("One input for a model of two.", two().predict_all(numbers([2, 2])));
    let misspelt = dict([("a", numbers([2, 2])), ("bb", numbers([2, 3]))]);
    page.error("A misspelt input.", two().predict_all(misspelt));
    let rows = dict([("a", numbers([2, 2])), ("b", numbers([3, 3]))]);
    page.error("Inputs of different numbers of rows.", two().predict_all(rows));
    let inputs = dict([("a", numbers([2, 2])), ("b", numbers([2, 3]))]);
    page.error("`predict` of a model with two outputs.", two().predict(inputs));
    let text = Tensor::from_strings(["a", "b", "c", "d"], [1, 4]).unwrap();
    page.error("Text where numbers are taken.", one().predict(text));
    let i = Input::new(()).dtype("string").name("text").tensor().unwrap();
    let words = StringLookup::new().vocabulary(["a", "b"]).name("words").apply(&i).unwrap();
    let lookup = Functional::named("lookup", i, words).unwrap();
    page.error("Numbers where text is taken.", lookup.predict(numbers([1])));
    let layers = layers![Input::new([3]).dtype("int32"), Embedding::new(10, 4).name("embedding")];
    let embedding = Sequential::named("words", layers).unwrap();
    let word = Tensor::from_slice(&[1i32, 2, 33], [1, 3]).unwrap();
    page.error("An index that the table of an `Embedding` does not have.", embedding.predict(word));
}

fn tensors(page: &mut Page) {
    page.error("A list of five numbers as a tensor of 2 × 3.", Tensor::from_vec(vec![1.0f32; 5], [2, 3]));
    page.error("Elements of another type: `x.to_vec::<i32>()` of `float32`.", numbers([1, 2]).to_vec::<i32>());
    page.error("Operands whose shapes do not fit.", numbers([2, 3]) + numbers([2, 4]));
    let text = Tensor::from_strings(["a"], [1, 1]).unwrap();
    page.error("A sum of a number and a text.", numbers([1, 1]) + text);
    page.error("A product of matrices that do not fit.", ops::matmul(&numbers([2, 3]), &numbers([2, 3])));
    page.error("An axis that is not there.", ops::sum(&numbers([2, 3]), 5, false));
}

fn layers_and_graphs(page: &mut Page) {
    let symbol = |name: &str, dims: &[usize]| Input::new(dims).name(name).tensor().unwrap();
    page.error("A recurrent layer on rows without steps.", LSTM::new(4).name("lstm").apply(symbol("x", &[4])));
    let window = Conv2D::new(4, 9).name("conv").apply(symbol("image", &[4, 4, 1]));
    page.error("A window that is larger than the image.", window);
    page.error("A layer without units.", Dense::new(0).name("dense").apply(symbol("x", &[4])));
    page.error("A rate that is no share.", Dropout::new(1.5).name("dropout").apply(symbol("x", &[4])));
    page.error("A merge of one tensor.", Add::new().name("add").apply(numbers([2, 3])));
    let misspelt = |dense: Dense| dense.name("dense").apply(numbers([1, 2]));
    page.error("A misspelt activation.", misspelt(Dense::new(2).activation("rellu")));
    page.error("A misspelt regularizer.", misspelt(Dense::new(2).kernel_regularizer("l22")));
    page.error("A misspelt dtype.", misspelt(Dense::new(2).dtype("float23")));
    let training = CallArgs::one(numbers([1, 2])).with_value("trainning", true);
    let dense = Dense::new(2).name("dense").shared();
    page.error("A misspelt argument of a call.", dense.call(training, &CallContext::inference()));
    page.error(
        "A model of values: `Functional::new(&x, &y)` without `Input`.",
        Functional::new(numbers([2, 3]), numbers([2, 3])),
    );
    let (left, right) = (symbol("left", &[2]), symbol("right", &[2]));
    let y = Dense::new(1).name("dense").apply(&right).unwrap();
    page.error("A forgotten input.", Functional::new(left, y));
    let i = symbol("x", &[2]);
    let x = Dense::new(2).name("dense").apply(&i).unwrap();
    let twice = Functional::new(i, Dense::new(2).name("dense").apply(&x).unwrap());
    page.error("Two layers of one name.", twice);
    let middle = Sequential::named("model", layers![Input::new([2]), Dense::new(2), Input::new([2])]);
    page.error("An input in the middle of a Sequential model.", middle);
    page.error("A layer more for a Functional model: `model.add(…)`.", two().add(Dense::new(2)));
}

fn names(page: &mut Page) {
    page.error("A misspelt layer.", one().get_layer("boddy"));
    page.error("A misspelt weight: `model.weight(\"body/kernle\")`.", one().weight("body/kernle"));
    let lstm = Sequential::named("model", layers![Input::new([3, 2]), LSTM::new(2).name("lstm")]).unwrap();
    page.error("A weight without the cell that has it.", lstm.weight("lstm/kernel"));
    let unbuilt = Sequential::named("model", layers![Dense::new(2).name("dense")]).unwrap();
    page.error("A weight before the model has an input shape.", unbuilt.weight("model/dense/kernel"));
    let weights = one().get_weights();
    page.error("Too few weights.", one().set_weights(&weights[..2]));
    let mut swapped = weights;
    swapped.swap(0, 1);
    page.error("Weights in another order.", one().set_weights(&swapped));
}
