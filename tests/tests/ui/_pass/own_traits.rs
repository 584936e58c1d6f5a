//! Traits that a type implements itself beside what it derives.

use keras_serial::prelude::*;

/// An enum with traits of its own.
#[derive(KerasEnum, Clone, Copy, Default)]
pub enum Mode {
    /// The first.
    #[default]
    One,
    /// The second.
    Two,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mode")
    }
}

impl std::str::FromStr for Mode {
    type Err = ();

    fn from_str(_: &str) -> std::result::Result<Self, ()> {
        Ok(Self::Two)
    }
}

impl From<Mode> for &'static str {
    fn from(mode: Mode) -> Self {
        mode.as_str()
    }
}

/// An enum with the derive's.
#[derive(KerasEnum, Debug, PartialEq)]
#[keras(display, from_str, rename_all = "kebab-case")]
pub enum Spelled {
    /// `first-one`.
    FirstOne,
}

/// A struct with a `Default` of its own, other than `new`.
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Own {
    #[keras(default = 1)]
    units: i64,
    #[keras(default)]
    mode: Mode,
}

impl Default for Own {
    fn default() -> Self {
        Self::new().units(2).mode(Mode::Two)
    }
}

pub(super) fn main() {
    assert_eq!(Mode::One.to_string(), "a mode");
    assert_eq!(Spelled::FirstOne.to_string(), "first-one");
    assert_eq!("first-one".parse::<Spelled>().unwrap(), Spelled::FirstOne);
    assert!("second-one".parse::<Spelled>().unwrap_err().to_string().contains("first-one"));
    assert_eq!((Own::new().units, Own::default().units), (1, 2));
}
