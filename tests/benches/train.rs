//! Steps of training and predictions, beside Keras: `cargo bench --bench train`.
//!
//! `train.py` does the same with Keras, in the virtual environment that `KERAS_SERIAL_VENV` names.
//! Each number is the median of several rounds, after two that don't count.

use std::time::Instant;

use keras_serial::losses;
use keras_serial::models::Sequential;
use keras_serial::optimizers::{Adam, SGD};
use keras_serial::prelude::*;
use keras_serial_tests::beside::{self, Seconds};

fn main() -> Result<()> {
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (mut ours, mut measured) = (Seconds::new(), Vec::new());
    for (name, rounds) in [("mlp adam", 60), ("mlp sgd", 60), ("conv", 6), ("lstm", 12), ("transformer", 20)] {
        if only.is_empty() || only.iter().any(|only| name.contains(only.as_str())) {
            measure(name, rounds, &mut ours)?;
            measured.push(format!("{name}:{rounds}"));
        }
    }
    let keras = beside::keras("train.py", &measured)?;
    beside::print(&ours, &keras, 2);
    Ok(())
}

fn measure(name: &str, rounds: usize, ours: &mut Seconds) -> Result<()> {
    let (model, x, y) = case(name)?;
    model.train_on_batch((&x, &y))?;
    ours.insert(format!("{name} step"), median(rounds, || model.train_on_batch((&x, &y)).map(drop))?);
    ours.insert(format!("{name} predict"), median(rounds, || model.predict_on_batch(&x).map(drop))?);
    Ok(())
}

/// A compiled model and one batch.
fn case(name: &str) -> Result<(Model, Tensor, Tensor)> {
    let adam = || Compile::new(Adam::new(), losses::MeanSquaredError::new());
    Ok(match name {
        "mlp adam" | "mlp sgd" => {
            let model = Sequential::new([
                Input::new([784]).layer(),
                Dense::new(256).activation("relu").into(),
                Dense::new(128).activation("relu").into(),
                Dense::new(10).activation("softmax").into(),
            ])?;
            let loss = losses::SparseCategoricalCrossentropy::new;
            match name {
                "mlp adam" => model.compile(Compile::new(Adam::new(), loss()))?,
                _ => model.compile(Compile::new(SGD::new(), loss()))?,
            }
            let labels = Tensor::from_vec((0..256).map(|i| i % 10).collect::<Vec<i32>>(), [256])?;
            (model, numbers(&[256, 784])?, labels)
        }
        "conv" => {
            let conv = || Conv2D::new(64, 3).padding(Padding::Same).activation("relu").into();
            let model = Sequential::new([Input::new([56, 56, 64]).layer(), conv(), conv()])?;
            model.compile(adam())?;
            (model, numbers(&[8, 56, 56, 64])?, numbers(&[8, 56, 56, 64])?)
        }
        "lstm" => {
            let model = Sequential::new([Input::new([100, 64]).layer(), LSTM::new(128).into(), Dense::new(1).into()])?;
            model.compile(adam())?;
            (model, numbers(&[32, 100, 64])?, numbers(&[32, 1])?)
        }
        _ => {
            let inputs = Input::new([64, 128]).tensor()?;
            let attended = MultiHeadAttention::new(4, 32).apply(CallArgs::from(&inputs).and(inputs.clone()))?;
            let x = LayerNormalization::new().apply(&ops::add(&inputs, &attended)?)?;
            let hidden = Dense::new(512).activation("gelu").apply(&x)?;
            let hidden = Dense::new(128).apply(&hidden)?;
            let outputs = LayerNormalization::new().apply(&ops::add(&x, &hidden)?)?;
            let model = Functional::new(inputs, outputs)?;
            model.compile(adam())?;
            (model, numbers(&[16, 64, 128])?, numbers(&[16, 64, 128])?)
        }
    })
}

fn numbers(shape: &[usize]) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>(), shape)
}

fn median(rounds: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut seconds = Vec::new();
    for _ in 0..rounds + 2 {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let mut counted = seconds.split_off(2);
    counted.sort_by(f64::total_cmp);
    Ok(counted[counted.len() / 2])
}
