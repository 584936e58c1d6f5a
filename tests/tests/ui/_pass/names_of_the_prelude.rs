//! A crate whose own names are those of the prelude.
#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]
#![allow(dead_code, non_camel_case_types, reason = "the names are the point")]
use keras_serial::{KerasSerializable, register};

struct Result;
struct Option;
struct Vec;
struct String;
struct Box;
struct Some;
struct Ok;
struct Err;
struct Default;
struct Clone;
struct Into;
struct From;
struct Sync;
struct Send;
mod std {}
mod core {}
mod keras_serial_ {}

/// A plain object.
#[register(package = "Shadow")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Plain {
    units: usize,
    #[keras(default)]
    rate: f64,
    #[keras(default = ::std::option::Option::Some(3))]
    other: ::std::option::Option<i64>,
    #[keras(default, serde)]
    text: ::std::string::String,
}

/// Strings.
#[derive(keras_serial::KerasEnum)]
pub enum Mode {
    /// One.
    One,
    /// Two.
    Two,
}

pub(super) fn main() {
    let plain = Plain::new(1).rate(0.5).other(4).text("x");
    let _ = (plain.units, Mode::One.as_str());
}
