//! `Option`, lists, tuples and maps as fields.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;

use super::{ConfigField, FieldType, FieldVisitor, PlainField, StateField, StateKind, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};

impl<T: ConfigField> ConfigField for Option<T> {
    fn field_type() -> FieldType {
        let inner = Box::new(T::field_type());
        if T::IS_OPTION { FieldType::Omittable(inner) } else { FieldType::Nullable(inner) }
    }

    const IS_OPTION: bool = true;

    fn to_value(&self) -> Result<Value> {
        match self {
            Some(inner) => inner.to_value(),
            // Null belongs to the inner option.
            None if T::IS_OPTION => {
                Err(Error::new(ErrorKind::Config, "an option in an option has no value for `None`")
                    .hint("only as a field of its own it can be left out"))
            }
            None => Ok(Value::Null),
        }
    }

    fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() && !T::IS_OPTION { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn is_absent(&self) -> bool {
        T::IS_OPTION && self.is_none()
    }

    fn absent() -> Option<Self> {
        T::IS_OPTION.then_some(None)
    }

    fn validate(&self) -> Result<()> {
        self.as_ref().map_or(Ok(()), T::validate)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let Some(inner) = self {
            inner.visit(name, visitor);
        }
    }
}

impl<T: ConfigField> ConfigField for Box<T> {
    fn field_type() -> FieldType {
        T::field_type()
    }

    const IS_OPTION: bool = T::IS_OPTION;

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }

    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }

    fn to_value(&self) -> Result<Value> {
        (**self).to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        T::from_value(value).map(Box::new)
    }

    fn validate(&self) -> Result<()> {
        (**self).validate()
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        (**self).visit(name, visitor);
    }
}

fn list_to_value<'a, T: ConfigField + 'a>(items: impl Iterator<Item = &'a T>) -> Result<Value> {
    items.map(T::to_value).collect::<Result<Vec<_>>>().map(Value::List)
}

fn list_from_value<T: ConfigField>(value: &Value) -> Result<Vec<T>> {
    let items = value.as_list().ok_or_else(|| wrong_type("a list", value))?;
    items.iter().enumerate().map(|(i, item)| T::from_value(item).at_with(|| format!("[{i}]"))).collect()
}

fn visit_list<T: ConfigField>(name: &str, items: &[T], visitor: &mut dyn FieldVisitor) {
    visitor.enter(name);
    for (i, item) in items.iter().enumerate() {
        item.visit(&i.to_string(), visitor);
    }
    visitor.leave();
}

fn validate_list<T: ConfigField>(items: &[T]) -> Result<()> {
    items.iter().enumerate().try_for_each(|(i, item)| item.validate().at_with(|| format!("[{i}]")))
}

impl<T: ConfigField> ConfigField for Vec<T> {
    fn field_type() -> FieldType {
        FieldType::list(T::field_type())
    }

    fn to_value(&self) -> Result<Value> {
        list_to_value(self.iter())
    }

    fn from_value(value: &Value) -> Result<Self> {
        list_from_value(value)
    }

    fn validate(&self) -> Result<()> {
        validate_list(self)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visit_list(name, self, visitor);
    }
}

impl<T: ConfigField, const N: usize> ConfigField for [T; N] {
    fn field_type() -> FieldType {
        FieldType::List { item: Box::new(T::field_type()), length: Some(N) }
    }

    fn to_value(&self) -> Result<Value> {
        list_to_value(self.iter())
    }

    fn from_value(value: &Value) -> Result<Self> {
        let items: Vec<T> = list_from_value(value)?;
        items.try_into().map_err(|_| {
            Error::new(ErrorKind::Config, "wrong number of items")
                .expected(format!("a list of {N}"))
                .received(value.short())
        })
    }

    fn validate(&self) -> Result<()> {
        validate_list(self)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visit_list(name, self, visitor);
    }
}

impl<T: StateField> StateField for Option<T> {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let Some(inner) = self {
            inner.visit_state(name, visitor);
        }
    }
}

impl<T: StateField> StateField for Box<T> {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        (**self).visit_state(name, visitor);
    }
}

/// A layer that is created when its owner is built.
impl<T: StateField> StateField for OnceLock<T> {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let Some(inner) = self.get() {
            inner.visit_state(name, visitor);
        }
    }
}

impl<T: StateField> StateField for Vec<T> {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visit_items(self, name, visitor);
    }
}

impl<T: StateField, const N: usize> StateField for [T; N] {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visit_items(self, name, visitor);
    }
}

fn visit_items<T: StateField>(items: &[T], name: &str, visitor: &mut dyn FieldVisitor) {
    visitor.enter(name);
    for (index, item) in items.iter().enumerate() {
        item.visit_state(&index.to_string(), visitor);
    }
    visitor.leave();
}

macro_rules! tuples {
    ($($count:literal => $($item:ident $index:tt),*;)*) => {$(
        impl<$($item: ConfigField),*> ConfigField for ($($item,)*) {
            fn field_type() -> FieldType {
                FieldType::Tuple(vec![$($item::field_type()),*])
            }

            fn to_value(&self) -> Result<Value> {
                Ok(Value::List(vec![$(self.$index.to_value()?),*]))
            }

            fn from_value(value: &Value) -> Result<Self> {
                match value.as_list() {
                    Some(items) if items.len() == $count => {
                        let mut items = items.iter();
                        Ok(($(
                            $item::from_value(items.next().unwrap_or(&Value::Null))
                                .at(concat!("[", $index, "]"))?,
                        )*))
                    }
                    _ => Err(wrong_type(concat!("a list of ", $count), value)),
                }
            }

            fn validate(&self) -> Result<()> {
                $(self.$index.validate().at(concat!("[", $index, "]"))?;)*
                Ok(())
            }

            fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
                visitor.enter(name);
                $(self.$index.visit(stringify!($index), visitor);)*
                visitor.leave();
            }
        }

        impl<$($item: StateField),*> StateField for ($($item,)*) {
            fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
                visitor.enter(name);
                $(self.$index.visit_state(stringify!($index), visitor);)*
                visitor.leave();
            }
        }
    )*};
}

tuples! {
    1 => A 0;
    2 => A 0, B 1;
    3 => A 0, B 1, C 2;
    4 => A 0, B 1, C 2, D 3;
    5 => A 0, B 1, C 2, D 3, E 4;
    6 => A 0, B 1, C 2, D 3, E 4, F 5;
}

macro_rules! maps {
    ($($map:ident, $bound:ident;)*) => {$(
        impl<T: ConfigField + $bound> ConfigField for $map<String, T> {
            fn field_type() -> FieldType {
                FieldType::Map(Box::new(T::field_type()))
            }

            fn to_value(&self) -> Result<Value> {
                let entries = self.iter().map(|(key, item)| Ok((key.clone(), item.to_value()?)));
                entries.collect::<Result<Dict>>().map(Value::Dict)
            }

            fn from_value(value: &Value) -> Result<Self> {
                let entries = value.as_dict().ok_or_else(|| wrong_type("a dict", value))?;
                entries
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), T::from_value(item).at_with(|| key.clone())?)))
                    .collect()
            }

            fn validate(&self) -> Result<()> {
                self.iter().try_for_each(|(key, item)| item.validate().at_with(|| key.clone()))
            }

            fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
                visitor.enter(name);
                for (key, item) in self {
                    item.visit(key, visitor);
                }
                visitor.leave();
            }
        }
    )*};
}

maps! {
    IndexMap, ConfigField;
    // It sorts its keys, so Keras's order would be lost.
    BTreeMap, PlainField;
}

impl<T: StateField> StateField for IndexMap<String, T> {
    const KIND: StateKind = T::KIND;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.enter(name);
        for (key, item) in self {
            item.visit_state(key, visitor);
        }
        visitor.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_item() {
        let value = Value::List(vec![Value::Int(1), Value::Str("two".into())]);
        let error = Vec::<i64>::from_value(&value).unwrap_err();
        assert_eq!(error.to_string(), "[1]: wrong type. Expected an integer. Received: \"two\"");
        assert!(<[i64; 3]>::from_value(&value).is_err());
        assert_eq!(<(i64, String)>::from_value(&value).unwrap(), (1, "two".into()));
    }

    #[test]
    fn an_option_in_an_option_is_null_inside_and_nothing_outside() {
        type Twice = Option<Option<u32>>;
        assert_eq!(Twice::from_value(&Value::Null).unwrap(), Some(None));
        assert_eq!(Some(None::<u32>).to_value().unwrap(), Value::Null);
        assert!(Twice::None.is_absent() && Twice::absent() == Some(None));
        assert!(vec![Twice::None].to_value().is_err());
        assert_eq!(Box::<Twice>::from_value(&Value::Null).unwrap(), Box::new(Some(None)));
    }
}
