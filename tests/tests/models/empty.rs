//! Batches without rows: what they give, and that gradients are still followed through them.

use keras_serial::prelude::*;
use keras_serial::variable::GradientTape;

use crate::{shape, symbol};

#[test]
fn empty_batches_have_gradients() {
    let x = symbol([4]);
    let y = Dense::new(3).apply(&x).unwrap();
    let y = LayerNormalization::new().apply(&y).unwrap();
    let model = Functional::new(x, y).unwrap();
    let weights = model.weights();
    let tape = GradientTape::new();
    let rows = Tensor::from_vec(Vec::<f32>::new(), [0, 4]).unwrap().watched().unwrap();
    let output = model.call(&rows, &CallContext::inference()).unwrap();
    let output = output.leaves()[0].clone();
    assert_eq!(shape(&output), "(0, 3)");
    let loss = ops::sum(&output, ops::Axes::all(), false).unwrap();
    assert_eq!(loss.to_vec::<f32>().unwrap(), [0.0]);
    let (gradients, _) = tape.gradient(&loss, &weights, std::slice::from_ref(&rows)).unwrap();
    for gradient in gradients.into_iter().flatten() {
        assert!(gradient.to_vec::<f32>().unwrap().iter().all(|slope| *slope == 0.0));
    }
}
