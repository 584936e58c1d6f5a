//! Mistakes with compile and fit.

use keras_serial::optimizers::{Adam, SGD};
use keras_serial::prelude::*;

use crate::{Page, dict, numbers, one, two};

pub fn add(page: &mut Page) {
    page.section("Compile and fit");
    compile(page);
    data(page);
}

fn quiet() -> Fit<'static> {
    Fit::new().verbose(0)
}

fn fit(model: &Model, loss: impl keras_serial::training::IntoLosses, x: &Tensor, y: &Tensor) -> Result<History> {
    model.compile(Compile::new("sgd", loss))?;
    model.fit((x, y), quiet())
}

fn compile(page: &mut Page) {
    let (x, y) = (numbers([8, 4]), numbers([8, 2]));
    page.error("`fit` without `compile`.", one().fit((&x, &y), quiet()));
    page.error("A misspelt loss.", one().compile(Compile::new("adam", "msee")));
    page.error("A misspelt optimizer.", one().compile(Compile::new("adamm", "mse")));
    page.error("A misspelt metric.", one().compile(Compile::new("adam", "mse").metrics(["acc", "precison"])));
    let clipped = Adam::new().clipnorm(1.0).clipvalue(1.0);
    page.error("Arguments of an optimizer that exclude one another.", one().compile(Compile::new(clipped, "mse")));
    page.error("An argument out of range.", one().compile(Compile::new(SGD::new().momentum(3.0), "mse")));
    let inputs = dict([("a", numbers([4, 2])), ("b", numbers([4, 3]))]);
    let targets = dict([("y", numbers([4, 1])), ("z", numbers([4, 2]))]);
    let misspelt = two();
    misspelt.compile(Compile::new("sgd", Losses::dict([("y", "mse"), ("q", "mse")]))).unwrap();
    page.error("A loss for an output that is not there.", misspelt.fit((&inputs, &targets), quiet()));
    let both = two();
    both.compile(Compile::new("sgd", "mse")).unwrap();
    let half = dict([("y", numbers([4, 1]))]);
    page.error("Targets for one output of two.", both.fit((&inputs, &half), quiet()));
}

fn data(page: &mut Page) {
    let (x, y) = (numbers([8, 4]), numbers([8, 2]));
    page.error("Seven targets for eight rows.", fit(&one(), "mse", &x, &numbers([7, 2])));
    page.error("Targets of another shape than the outputs.", fit(&one(), "mse", &x, &numbers([8, 3])));
    let text = Tensor::from_strings(["a"; 8], [8, 1]).unwrap();
    page.error("Text as targets.", fit(&one(), "mse", &x, &text));
    let model = one();
    model.compile(Compile::new("sgd", "mse")).unwrap();
    page.error("Inputs without targets.", model.fit(&x, quiet()));
    page.error("No rows.", model.fit((&numbers([0, 4]), &numbers([0, 2])), quiet()));
    page.error("Batches of no rows.", model.fit((&x, &y), quiet().batch_size(0)));
    page.error("A share of validation above one.", model.fit((&x, &y), quiet().validation_split(1.5)));
    let labels = |label: i32| Tensor::from_vec(vec![label; 8], [8]).unwrap();
    let sparse = "sparse_categorical_crossentropy";
    page.error("A label that is none of the classes.", fit(&one(), sparse, &x, &labels(5)));
    page.error("One-hot labels for a sparse loss.", fit(&one(), sparse, &x, &y));
    page.error("Labels by index for one-hot loss.", fit(&one(), "categorical_crossentropy", &x, &labels(1)));
}
