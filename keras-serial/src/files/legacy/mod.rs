//! Legacy `.h5` files and configurations of Keras 2: their layout, and its conversion to that of Keras 3.

pub(crate) mod config;
pub(crate) mod keras2;
mod names;

pub(crate) use names::{NAMES, OPTIMIZER, TOP, WEIGHTS, name_list, put_names, tensors};
