//! Deserializes types with serde from values.

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Dict, Value, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};

/// Deserializes a type with serde from a value; floats keep NaN and infinities.
///
/// # Errors
/// [`ErrorKind::Config`] when the value is not of the type, with the path inside the value.
///
/// ```
/// use keras_serial::json;
/// let value = json::value!({ "low": [0.5, f64::INFINITY] });
/// let read: std::collections::BTreeMap<String, Vec<f64>> = json::from_value(&value)?;
/// assert_eq!(read["low"], [0.5, f64::INFINITY]);
/// let error = json::from_value::<std::collections::BTreeMap<String, Vec<i64>>>(&value).unwrap_err();
/// assert_eq!(error.to_string(), "low[0]: wrong type. Expected i64. Received: floating point `0.5`");
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value)
}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Error::new(ErrorKind::Config, message.to_string())
    }

    fn invalid_type(received: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::new(ErrorKind::Config, "wrong type").expected(expected.to_string()).received(received.to_string())
    }

    fn invalid_value(received: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Error::new(ErrorKind::Config, "invalid value").expected(expected.to_string()).received(received.to_string())
    }

    fn invalid_length(received: usize, expected: &dyn de::Expected) -> Self {
        Error::new(ErrorKind::Config, "wrong length").expected(expected.to_string()).received(received.to_string())
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        unknown("unknown variant", variant, known)
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        unknown("unknown entry", field, known)
    }

    fn missing_field(field: &'static str) -> Self {
        Error::new(ErrorKind::Config, format!("missing entry `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Error::new(ErrorKind::Config, format!("entry `{field}` is given twice"))
    }
}

fn unknown(message: &'static str, name: &str, known: &'static [&'static str]) -> Error {
    let error = Error::new(ErrorKind::Config, message).received(format!("{name:?}"));
    let error = if known.is_empty() { error } else { error.expected(known.join(", ")) };
    match did_you_mean(name, known.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::BigInt(digits) => visit_big(digits, visitor),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => {
                let mut rest = Items { rest: items.iter(), at: 0 };
                let made = visitor.visit_seq(&mut rest)?;
                let excess = rest.rest.len();
                if excess == 0 {
                    return Ok(made);
                }
                Err(Error::new(ErrorKind::Config, "too many items in a list")
                    .expected((items.len() - excess).to_string())
                    .received(self.short()))
            }
            Value::Dict(entries) => {
                let mut rest = Entries { rest: entries.iter(), next: None };
                let made = visitor.visit_map(&mut rest)?;
                match rest.rest.next() {
                    None => Ok(made),
                    Some((key, _)) => Err(Error::new(ErrorKind::Config, "unknown entry").received(format!("{key:?}"))),
                }
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.as_f64() {
            Some(number) => visitor.visit_f64(number),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let only = self.as_dict().and_then(|entries| entries.first().filter(|_| entries.len() == 1));
        match (self, only) {
            (Value::Str(variant), _) => visitor.visit_enum(variant.as_str().into_deserializer()),
            (_, Some((variant, value))) => {
                visitor.visit_enum(Variant { name: variant, value }).at_with(|| variant.clone())
            }
            _ => Err(wrong_type("a variant: a string, or a dict with one entry", self)),
        }
    }

    /// Skips the value; serde's default would visit all of it.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

fn visit_big<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value> {
    if let Ok(number) = digits.parse() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = digits.parse() {
        return visitor.visit_i128(number);
    }
    match digits.parse() {
        Ok(number) => visitor.visit_u128(number),
        Err(_) => Err(Error::new(ErrorKind::Config, "integer out of range")
            .expected("an integer of at most 128 bits")
            .received(digits.to_owned())),
    }
}

struct Items<'de> {
    rest: std::slice::Iter<'de, Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(item).map(Some).at_with(|| format!("[{at}]"))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'de> {
    rest: indexmap::map::Iter<'de, String, Value>,
    next: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for &mut Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.next = Some((key, value));
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        match self.next.take() {
            Some((key, value)) => seed.deserialize(value).at_with(|| key.to_owned()),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A key: text, which is parsed where a number or boolean is expected.
struct Key<'de>(&'de str);

macro_rules! key_scalars {
    ($($method:ident $type:ty, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.0.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.0)
    }

    key_scalars! {
        deserialize_bool bool, visit_bool;
        deserialize_i8 i8, visit_i8;
        deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32;
        deserialize_i64 i64, visit_i64;
        deserialize_i128 i128, visit_i128;
        deserialize_u8 u8, visit_u8;
        deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32;
        deserialize_u64 u64, visit_u64;
        deserialize_u128 u128, visit_u128;
        deserialize_f32 f64, visit_f64;
        deserialize_f64 f64, visit_f64;
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

struct Variant<'de> {
    name: &'de str,
    value: &'de Value,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        Ok((seed.deserialize(Key(self.name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        if self.value.is_null() { Ok(()) } else { Err(wrong_type("null", self.value)) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.value.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.value.deserialize_any(visitor)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// Accepts any value unchanged.
struct Any;

macro_rules! visits {
    ($($method:ident $type:ty),*) => {$(
        fn $method<E>(self, value: $type) -> Result<Value, E> {
            Ok(Value::from(value))
        }
    )*};
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    visits!(visit_bool bool, visit_i64 i64, visit_i128 i128, visit_u64 u64, visit_u128 u128,
            visit_f32 f32, visit_f64 f64, visit_str &str, visit_string String);

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Dict::new();
        while let Some((key, value)) = access.next_entry()? {
            entries.insert(key, value);
        }
        Ok(Value::Dict(entries))
    }
}
