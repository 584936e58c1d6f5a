//! The types of a configuration's entries, as data: which JSON values they take.

use std::fmt;

use super::Kind;
use crate::json::Value;

/// The type of a configuration's entry: which JSON values it takes.
///
/// [`ConfigField::field_type`](super::ConfigField::field_type) describes a Rust type so; it displays as a reader
/// would say it: `list of 2 integers or null`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FieldType {
    /// Any value: the type does not describe itself.
    Any,
    /// `true` or `false`.
    Bool,
    /// An integer in a range, both ends included.
    Integer {
        /// The smallest integer.
        min: i128,
        /// The largest integer.
        max: i128,
    },
    /// An integer or a float, NaN and the infinities too.
    Number,
    /// A string.
    String,
    /// One of these strings.
    Choices(Vec<&'static str>),
    /// A value of the type, or null.
    Nullable(Box<FieldType>),
    /// A value of the type; the whole entry can be omitted.
    Omittable(Box<FieldType>),
    /// A list of items of one type.
    List {
        /// The type of each item.
        item: Box<FieldType>,
        /// The number of items, if it is fixed.
        length: Option<usize>,
    },
    /// A list with a type for each item.
    Tuple(Vec<FieldType>),
    /// A dict with strings as keys.
    Map(Box<FieldType>),
    /// A serialized object of a kind.
    Object {
        /// The kind; [`Kind::Object`] for any.
        kind: Kind,
        /// Whether a name alone can stand for the object (`"relu"`).
        by_name: bool,
    },
    /// A value of any of these types.
    Either(Vec<FieldType>),
}

impl FieldType {
    /// Returns a list of any length.
    pub fn list(item: FieldType) -> Self {
        Self::List { item: Box::new(item), length: None }
    }

    /// Returns the type, or null.
    #[must_use]
    pub fn or_null(self) -> Self {
        Self::Nullable(Box::new(self))
    }

    /// Returns integers of any size.
    pub fn integer() -> Self {
        Self::Integer { min: i128::MIN, max: i128::MAX }
    }

    /// Returns true if the entry can be omitted, whatever its default.
    pub fn is_omittable(&self) -> bool {
        matches!(self, Self::Omittable(_))
    }

    /// Returns true if a value is one of the type, as far as can be told without the object that it stands for.
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => value.as_bool().is_some(),
            Self::Integer { min, max } => match value {
                Value::Int(number) => (*min..=*max).contains(&i128::from(*number)),
                Value::BigInt(digits) => digits.parse().is_ok_and(|number| (*min..=*max).contains(&number)),
                // In Python, arithmetic turns integers into floats.
                Value::Float(number) => number.fract() == 0.0 && (*min as f64..=*max as f64).contains(number),
                _ => false,
            },
            Self::Number => value.as_f64().is_some(),
            Self::String => value.as_str().is_some(),
            Self::Choices(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Self::Nullable(inner) => value.is_null() || inner.accepts(value),
            Self::Omittable(inner) => inner.accepts(value),
            Self::List { item, length } => value.as_list().is_some_and(|items| {
                length.is_none_or(|length| items.len() == length) && items.iter().all(|value| item.accepts(value))
            }),
            Self::Tuple(types) => value.as_list().is_some_and(|items| {
                items.len() == types.len() && types.iter().zip(items).all(|(of, value)| of.accepts(value))
            }),
            Self::Map(item) => value.as_dict().is_some_and(|items| items.values().all(|value| item.accepts(value))),
            Self::Object { by_name, .. } => match value {
                Value::Str(_) => *by_name,
                Value::Dict(form) => form.contains_key("class_name"),
                _ => false,
            },
            Self::Either(types) => types.iter().any(|of| of.accepts(value)),
        }
    }

    /// Writes the type's name, in the plural for `count` other than one.
    fn write(&self, f: &mut fmt::Formatter<'_>, many: bool) -> fmt::Result {
        let s = if many { "s" } else { "" };
        match self {
            Self::Any => f.write_str("anything"),
            Self::Bool => write!(f, "boolean{s}"),
            Self::Integer { min: 0, .. } => write!(f, "non-negative integer{s}"),
            Self::Integer { .. } => write!(f, "integer{s}"),
            Self::Number => write!(f, "number{s}"),
            Self::String => write!(f, "string{s}"),
            Self::Choices(choices) => {
                for (i, choice) in choices.iter().enumerate() {
                    let separator = if i == 0 { "" } else { " or " };
                    write!(f, "{separator}\"{choice}\"")?;
                }
                Ok(())
            }
            Self::Nullable(inner) => {
                inner.write(f, many)?;
                f.write_str(" or null")
            }
            Self::Omittable(inner) => inner.write(f, many),
            Self::List { item, length } => {
                write!(f, "list{s} of ")?;
                if let Some(length) = length {
                    write!(f, "{length} ")?;
                }
                item.write(f, *length != Some(1))
            }
            Self::Tuple(items) => {
                f.write_str("list")?;
                f.write_str(s)?;
                f.write_str(" of ")?;
                Self::join(f, items, ", ", false)
            }
            Self::Map(item) => {
                write!(f, "dict{s} of ")?;
                item.write(f, true)
            }
            Self::Object { kind, by_name: true } => write!(f, "{kind}{s}, or name{s} of such"),
            Self::Object { kind, by_name: false } => write!(f, "{kind}{s}"),
            Self::Either(types) => Self::join(f, types, " or ", many),
        }
    }

    fn join(f: &mut fmt::Formatter<'_>, types: &[FieldType], separator: &str, many: bool) -> fmt::Result {
        for (i, each) in types.iter().enumerate() {
            if i > 0 {
                f.write_str(separator)?;
            }
            each.write(f, many)?;
        }
        Ok(())
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ConfigField;
    use crate::json::value;

    #[test]
    fn types_read_as_one_would_say_them() {
        assert_eq!(Option::<[usize; 2]>::field_type().to_string(), "list of 2 non-negative integers or null");
        assert_eq!(Vec::<(String, f32)>::field_type().to_string(), "list of lists of string, number");
        assert_eq!(indexmap::IndexMap::<String, bool>::field_type().to_string(), "dict of booleans");
        assert!(Option::<Option<i32>>::field_type().is_omittable());
    }

    #[test]
    fn values_of_a_type_are_accepted() {
        let accepted = |field: super::FieldType, value: crate::json::Value| field.accepts(&value);
        assert!(accepted(usize::field_type(), value!(3)) && accepted(usize::field_type(), value!(3.0)));
        assert!(!accepted(usize::field_type(), value!(-1)) && !accepted(usize::field_type(), value!(3.5)));
        assert!(accepted(Option::<[u8; 2]>::field_type(), value!([1, 255])));
        assert!(!accepted(Option::<[u8; 2]>::field_type(), value!([1, 256])));
        assert!(accepted(Option::<[u8; 2]>::field_type(), value!(null)));
    }
}
