//! Layers that act in training (`keras.layers`, regularization).

mod dropout;

pub use dropout::Dropout;
