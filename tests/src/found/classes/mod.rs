//! Rust counterparts of the Python classes that the cases of whole files use: one file per Python file,
//! written as a user would. They are registered at link time.

mod attributes;
mod callables;
mod class_names;
mod fixtures;
mod hooks;
mod implicit_masks;
mod masks;
mod measures;
mod models;
mod operations;
mod reader;
mod subclasses;
mod text;
mod weights;
