//! Rust twins of the Python classes with which the cases of whole files were made: one file a Python
//! file, written as a user would write them. Registration happens at link time.

mod attributes;
mod callables;
mod class_names;
mod fixtures;
mod hooks;
mod implicit_masks;
mod masks;
mod models;
mod operations;
mod reader;
mod subclasses;
mod text;
mod weights;
