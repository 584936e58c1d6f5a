//! Serializes types with serde to values.

use serde::ser::{self, Serialize, Serializer};

use super::{Dict, Value};
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// Serializes a type with serde to a value; floats keep NaN and infinities.
///
/// # Errors
/// [`ErrorKind::Config`] when a map's key is not a string, number, boolean or null (which become strings
/// as in Python), or when the type's own code returns an error.
///
/// ```
/// use keras_serial::json;
/// let value = json::to_value(&(1_u8, 0.1_f32, f64::NAN, None::<i32>))?;
/// assert_eq!(value.to_json(), "[1, 0.10000000149011612, NaN, null]");
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(item: &T) -> Result<Value> {
    item.serialize(ToValue)
}

impl ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Error::new(ErrorKind::Config, message.to_string())
    }
}

struct ToValue;

/// A list being filled, and its enum variant if it has one.
struct Items(Vec<Value>, Option<&'static str>);

/// A dict being filled, the pending key, and its enum variant if it has one.
struct Entries(Dict, Option<String>, Option<&'static str>);

fn wrap(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Dict(Dict::from([(variant.to_owned(), value)])),
        None => value,
    }
}

macro_rules! scalars {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<Value> {
            Ok(Value::from(value))
        }
    )*};
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    scalars!(serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
             serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128,
             serialize_f32 f32, serialize_f64 f64, serialize_str &str);

    fn serialize_char(self, value: char) -> Result<Value> {
        Ok(Value::Str(value.to_string()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::from(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value> {
        Ok(wrap(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items> {
        Ok(Items(Vec::new(), None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items> {
        Ok(Items(Vec::new(), None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items> {
        Ok(Items(Vec::new(), None))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items> {
        Ok(Items(Vec::new(), Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries> {
        Ok(Entries(Dict::new(), None, None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries> {
        Ok(Entries(Dict::new(), None, None))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Entries> {
        Ok(Entries(Dict::new(), None, Some(variant)))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                let at = self.0.len();
                self.0.push(to_value(value).at_with(|| format!("[{at}]"))?);
                Ok(())
            }

            fn end(self) -> Result<Value> {
                Ok(wrap(self.1, Value::List(self.0)))
            }
        }
    )*};
}

items!(SerializeSeq serialize_element, SerializeTuple serialize_element,
       SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Entries {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
                self.0.insert(key.to_owned(), to_value(value).at(key)?);
                Ok(())
            }

            fn end(self) -> Result<Value> {
                Ok(wrap(self.2, Value::Dict(self.0)))
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.1 = Some(match to_value(key)? {
            Value::Str(key) => key,
            other @ (Value::List(_) | Value::Dict(_)) => {
                return Err(Error::new(ErrorKind::Config, "wrong type for a key")
                    .expected("text, a number, a truth value or null")
                    .received(other.short()));
            }
            other => other.to_json(),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.1.take().ok_or_else(|| <Error as ser::Error>::custom("a value was given before its key"))?;
        let value = to_value(value).at_with(|| key.clone())?;
        self.0.insert(key, value);
        Ok(())
    }

    fn end(self) -> Result<Value> {
        Ok(wrap(self.2, Value::Dict(self.0)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::BigInt(digits) => big(digits, serializer),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Str(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Dict(entries) => serializer.collect_map(entries),
        }
    }
}

/// Serializes a big integer; serde's integers end at 128 bits.
fn big<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(number) = digits.parse() {
        return serializer.serialize_u64(number);
    }
    if let Ok(number) = digits.parse() {
        return serializer.serialize_i128(number);
    }
    match digits.parse() {
        Ok(number) => serializer.serialize_u128(number),
        Err(_) => Err(ser::Error::custom(format!("integer out of range, serde's have 128 bits: {digits}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::json::{from_value, value};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Mode {
        Plain,
        Wrapped(Option<u8>),
        Scaled { by: f64 },
        Pair(i32, bool),
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Settings {
        rate: f32,
        window: (usize, usize),
        seed: Option<u64>,
        #[serde(default)]
        modes: Vec<Mode>,
        weights: BTreeMap<i64, f64>,
        rest: Value,
    }

    fn settings() -> Settings {
        Settings {
            rate: 0.1,
            window: (3, 5),
            seed: Some(u64::MAX),
            modes: vec![Mode::Plain, Mode::Wrapped(None), Mode::Scaled { by: f64::NEG_INFINITY }, Mode::Pair(-3, true)],
            weights: BTreeMap::from([(-1, f64::INFINITY), (7, 0.5)]),
            rest: value!({ "kept": [null, f64::NAN, 1, 1.0] }),
        }
    }

    #[test]
    fn serde_types_round_trip() {
        let made = to_value(&settings()).unwrap();
        let text = concat!(
            r#"{"rate": 0.10000000149011612, "window": [3, 5], "seed": 18446744073709551615, "#,
            r#""modes": ["Plain", {"Wrapped": null}, {"Scaled": {"by": -Infinity}}, {"Pair": [-3, true]}], "#,
            r#""weights": {"-1": Infinity, "7": 0.5}, "rest": {"kept": [null, NaN, 1, 1.0]}}"#,
        );
        assert_eq!(made.to_json(), text);
        assert_eq!(from_value::<Settings>(&Value::parse(text).unwrap()).unwrap(), settings());
    }

    #[test]
    fn keys_turn_into_text_as_in_python() {
        // json.dumps({1: 2, 1.5: 3, None: 4}), json.dumps({True: 1})
        assert_eq!(to_value(&HashMap::from([(true, 1)])).unwrap().to_json(), r#"{"true": 1}"#);
        assert_eq!(from_value::<HashMap<bool, i32>>(&value!({ "true": 1 })).unwrap(), HashMap::from([(true, 1)]));
        assert_eq!(to_value(&BTreeMap::from([(None::<u8>, 4)])).unwrap().to_json(), r#"{"null": 4}"#);
        let error = to_value(&BTreeMap::from([([1, 2], 0)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong type for a key. Expected text, a number, a truth value or null. Received: [1, 2]"
        );
    }

    #[test]
    fn errors_name_the_place() {
        let text = |change: &dyn Fn(&mut Dict)| {
            let Value::Dict(mut entries) = to_value(&settings()).unwrap() else { unreachable!() };
            change(&mut entries);
            from_value::<Settings>(&Value::Dict(entries)).unwrap_err().to_string()
        };
        let put = |key: &'static str, value: Value| {
            text(&move |entries: &mut Dict| {
                entries.insert(key.into(), value.clone());
            })
        };
        assert_eq!(
            put("window", value!([3, 5, 7])),
            "window: too many items in a list. Expected 2. Received: [3, 5, 7]"
        );
        assert_eq!(put("window", value!([3])), "window: wrong length. Expected a tuple of size 2. Received: 1");
        assert_eq!(put("window", value!([3, -1])), "window[1]: invalid value. Expected usize. Received: integer `-1`");
        assert_eq!(
            put("modes", value!([{ "Scaled": { "by": "x" } }])),
            "modes[0]/Scaled/by: wrong type. Expected f64. Received: string \"x\""
        );
        assert_eq!(
            put("modes", value!(["Plan"])),
            "modes[0]: unknown variant. Expected Plain, Wrapped, Scaled, Pair. Received: \"Plan\" (did you mean `Plain`?)"
        );
        assert_eq!(put("seed", value!(1.0)), "seed: wrong type. Expected u64. Received: floating point `1.0`");
        let missing = text(&|entries| {
            entries.shift_remove("rate");
        });
        assert_eq!(missing, "missing entry `rate`");
    }

    #[test]
    fn wide_integers_pass_up_to_128_bits() {
        for number in [value!(u64::MAX), value!(i128::MIN), value!(u128::MAX)] {
            assert_eq!(to_value(&number).unwrap(), number);
            assert_eq!(from_value::<Value>(&number).unwrap(), number);
        }
        assert_eq!(from_value::<f64>(&value!(1_u128 << 70)).unwrap(), 2_f64.powi(70));
        let wider = Value::BigInt("9".repeat(40));
        assert_eq!(to_value(&wider).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(from_value::<Value>(&wider).unwrap_err().kind(), ErrorKind::Config);
    }
}
