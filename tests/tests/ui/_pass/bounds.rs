//! Bounds of parameters: those that the fields ask for, those of associated types, and given ones.

use keras_serial::json::Value;
use keras_serial::prelude::*;

/// A family of numbers.
pub trait Family {
    /// Its numbers.
    type Number: Clone;
}

/// Single precision.
pub struct Single;

impl Family for Single {
    type Number = f32;
}

/// A field of an associated type, in both spellings, and one that starts as its default.
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct Associated<F: Family> {
    number: F::Number,
    list: Vec<<F as Family>::Number>,
    #[keras(default)]
    start: F::Number,
}

/// A parameter that is only ever marked.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Marked<M> {
    units: usize,
    #[keras(skip)]
    marker: std::marker::PhantomData<M>,
}

/// Bounds of one's own, in place of those that the fields ask for.
#[derive(KerasSerializable)]
#[keras(new, bound = "T: Text + Send + Sync + 'static")]
pub struct Given<T> {
    #[keras(with = "text")]
    text: T,
}

/// Bounds of one's own for one field.
#[derive(KerasSerializable)]
#[keras(new)]
pub struct GivenForOne<T, U> {
    #[keras(bound = "T: ConfigField")]
    first: T,
    second: U,
    #[keras(default = T::from_value(&Value::Int(3)).ok(), bound = "T: ConfigField")]
    third: Option<T>,
}

/// Text, and nothing of Keras's.
pub trait Text {
    /// The text.
    fn text(&self) -> String;
    /// From the text.
    fn of(text: &str) -> Self;
}

impl Text for char {
    fn text(&self) -> String {
        self.to_string()
    }

    fn of(text: &str) -> Self {
        text.chars().next().unwrap_or_default()
    }
}

mod text {
    use super::{Result, Text, Value};
    use keras_serial::ConfigField;

    pub fn to_value<T: Text>(text: &T) -> Result<Value> {
        text.text().to_value()
    }

    pub fn from_value<T: Text>(value: &Value) -> Result<T> {
        String::from_value(value).map(|text| T::of(&text))
    }
}

/// `T: Default` for a field with a default, and none for an option.
#[derive(KerasSerializable)]
#[keras(new, setters, default)]
pub struct Defaults<T, U> {
    #[keras(default)]
    value: T,
    #[keras(default)]
    option: Option<U>,
    #[keras(skip)]
    list: Vec<U>,
}

pub(super) fn main() {
    let associated = Associated::<Single>::new(1.5, vec![2.0]).start(3.0);
    let again = Associated::<Single>::from_config(&associated.get_config().unwrap()).unwrap();
    assert_eq!((again.number, again.list, again.start), (1.5, vec![2.0], 3.0));
    let marked = Marked::<std::cell::OnceCell<u8>>::new(3);
    assert_eq!(marked.units, 3);
    let given = Given::<char>::from_config(&Given::<char>::new('x').get_config().unwrap()).unwrap();
    assert_eq!(given.text, 'x');
    assert_eq!(GivenForOne::<u8, bool>::new(1, true).third, Some(3));
    let defaults = Defaults::<u8, Single> { option: None, ..Default::default() };
    assert!(defaults.value == 0 && defaults.option.is_none() && defaults.list.is_empty());
}
