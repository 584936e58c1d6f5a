//! Writes values as Python's `json.dumps` does, with serde_json and a formatter for Python's notation.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};

use serde::ser::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::Value;

impl Value {
    /// Returns the text of `json.dumps(value)`: separated by `", "` and `": "`, ASCII only.
    ///
    /// ```
    /// use keras_serial::json;
    /// let value = json::value!({ "é": [1, 1.0, 1e16] });
    /// assert_eq!(value.to_json(), r#"{"\u00e9": [1, 1.0, 1e+16]}"#);
    /// ```
    pub fn to_json(&self) -> String {
        text(self, None)
    }

    /// Returns the text of `json.dumps(value, indent=indent)`.
    ///
    /// ```
    /// use keras_serial::json;
    /// assert_eq!(json::value!([1, []]).to_json_pretty(2), "[\n  1,\n  []\n]");
    /// ```
    pub fn to_json_pretty(&self, indent: usize) -> String {
        text(self, Some(indent))
    }

    /// Returns the JSON text for an error message, cut after 80 characters.
    pub fn short(&self) -> String {
        let mut out = Shortened { text: Vec::new(), room: 80 };
        let whole = write(&mut out, self, None).is_ok();
        let text = ascii(out.text);
        if whole { text } else { text + "…" }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn text(value: &Value, indent: Option<usize>) -> String {
    let mut out = Vec::new();
    // Writing to a vector can't fail.
    let _ = write(&mut out, value, indent);
    ascii(out)
}

/// Converts the written bytes to text: the formatter escapes everything that is not ASCII.
fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// Keeps the first bytes of a text and refuses the rest, so that the start of a large value is as cheap
/// as that of a small one.
struct Shortened {
    text: Vec<u8>,
    room: usize,
}

impl Write for Shortened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.get(..self.room).unwrap_or(bytes);
        self.text.extend_from_slice(fits);
        self.room -= fits.len();
        if fits.len() < bytes.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(out: &mut impl Write, value: &Value, indent: Option<usize>) -> serde_json::Result<()> {
    let number = Cell::new(None);
    let formatter = PythonFormatter { number: &number, indent, depth: 0, has_items: false };
    let mut serializer = serde_json::Serializer::with_formatter(out, formatter);
    PythonValue { value, number: &number }.serialize(&mut serializer)
}

/// Serializes a value through serde_json, which has no method for numbers that standard JSON lacks (NaN,
/// infinities, integers beyond 128 bits): for these it writes null, and the formatter replaces it by
/// their text.
struct PythonValue<'a, 'n> {
    value: &'a Value,
    number: &'n Cell<Option<&'a str>>,
}

impl Serialize for PythonValue<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.number;
        match self.value {
            Value::BigInt(digits) => number.set(Some(digits)),
            Value::Float(float) if float.is_nan() => number.set(Some("NaN")),
            Value::Float(f64::INFINITY) => number.set(Some("Infinity")),
            Value::Float(f64::NEG_INFINITY) => number.set(Some("-Infinity")),
            Value::List(items) => {
                return serializer.collect_seq(items.iter().map(|value| PythonValue { value, number }));
            }
            Value::Dict(entries) => {
                let entries = entries.iter().map(|(key, value)| (key, PythonValue { value, number }));
                return serializer.collect_map(entries);
            }
            other => return other.serialize(serializer),
        }
        serializer.serialize_unit()
    }
}

/// Formats JSON as Python's `json.dumps` does.
struct PythonFormatter<'a, 'n> {
    number: &'n Cell<Option<&'a str>>,
    indent: Option<usize>,
    depth: usize,
    /// Whether the list or dict that ends next has items.
    has_items: bool,
}

impl PythonFormatter<'_, '_> {
    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_items = false;
        out.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_items {
            self.line(out)?;
        }
        self.has_items = true;
        out.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(if self.indent.is_some() { b"," } else { b", " })?;
        }
        self.line(out)
    }

    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        let Some(indent) = self.indent else { return Ok(()) };
        out.write_all(b"\n")?;
        (0..indent.saturating_mul(self.depth)).try_for_each(|_| out.write_all(b" "))
    }
}

impl Formatter for PythonFormatter<'_, '_> {
    fn write_null<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(self.number.take().unwrap_or("null").as_bytes())
    }

    /// Formats as Python's `repr`: the shortest digits that round-trip, with an exponent below 1e-4 and
    /// from 1e16.
    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, number: f64) -> io::Result<()> {
        let scientific = format!("{number:e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        match exponent.parse::<i32>().unwrap_or_default() {
            -4..16 => write!(out, "{number:?}"),
            exponent if exponent < 0 => write!(out, "{mantissa}e-{:02}", exponent.unsigned_abs()),
            exponent => write!(out, "{mantissa}e+{exponent:02}"),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| !matches!(byte, b' '..=b'~')) {
            let (plain, other) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut others = other.chars();
            for unit in others.next().into_iter().flat_map(|other| other.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = others.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }
}
