//! Saving and loading: counterparts of Keras's own tests, attacks, mutated files.

#[path = "saving/api.rs"]
mod api;
#[path = "saving/attacks.rs"]
mod attacks;
#[path = "saving/compiled.rs"]
mod compiled;
#[path = "saving/containers.rs"]
mod containers;
#[path = "saving/data.rs"]
mod data;
#[cfg(feature = "csv")]
#[path = "saving/data_csv.rs"]
mod data_csv;
#[cfg(feature = "parquet")]
#[path = "saving/data_parquet.rs"]
mod data_parquet;
#[path = "saving/durability.rs"]
mod durability;
#[path = "saving/editor.rs"]
mod editor;
#[path = "saving/forms.rs"]
mod forms;
#[path = "saving/keras2.rs"]
mod keras2;
#[path = "saving/library.rs"]
mod library;
#[path = "saving/loadable.rs"]
mod loadable;
#[path = "saving/mutations.rs"]
mod mutations;
#[path = "saving/odd.rs"]
mod odd;
#[path = "saving/onnx.rs"]
mod onnx;
#[path = "saving/onnx_table.rs"]
mod onnx_table;
#[path = "saving/other_writers.rs"]
mod other_writers;
#[path = "saving/own_state.rs"]
mod own_state;
#[path = "saving/placeholders.rs"]
mod placeholders;
#[path = "saving/rules.rs"]
mod rules;
#[path = "saving/scans.rs"]
mod scans;
#[path = "saving/signs.rs"]
mod signs;
#[path = "saving/standing.rs"]
mod standing;
#[path = "saving/stores.rs"]
mod stores;
#[path = "saving/threads.rs"]
mod threads;
#[path = "saving/training.rs"]
mod training;
#[path = "saving/whole_models.rs"]
mod whole_models;

use std::path::PathBuf;

use keras_serial::models::{Functional, Sequential};
use keras_serial::prelude::*;
use keras_serial::tensor::TensorBytes;

/// Returns the path of a file in `tests/fixtures/saving`.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/saving").join(name)
}

/// Returns two dense layers, as in the fixtures.
fn small() -> Model {
    let inputs = Input::new([4]).name("in").tensor().unwrap();
    let x = Dense::new(3).activation("relu").name("first").apply(&inputs).unwrap();
    let y = Dense::new(2).name("second").apply(&x).unwrap();
    Functional::named("small", inputs, y).unwrap()
}

/// Returns the outputs of a model with four inputs.
fn outputs(model: &Model) -> Vec<f32> {
    let x: Vec<f32> = (0..8u8).map(f32::from).collect();
    model.predict(Tensor::from_slice(&x, [2, 4]).unwrap()).unwrap().to_vec().unwrap()
}

/// Returns the bits of all weights.
fn bits(model: &Model) -> Vec<TensorBytes> {
    model.weights().iter().map(|weight| weight.read().to_bytes().unwrap()).collect()
}

/// Returns a tensor of ones.
fn ones(shape: &[usize]) -> TensorBytes {
    let count = shape.iter().product();
    Tensor::from_vec(vec![1.0f32; count], shape.to_vec()).unwrap().to_bytes().unwrap()
}

fn sequential(layers: impl IntoIterator<Item = LayerRef>, inputs: usize) -> Model {
    let model = Sequential::new(layers).unwrap();
    model.build([None, Some(inputs)]).unwrap();
    model
}
