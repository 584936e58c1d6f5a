//! Values as text: what Python's `json.dumps` writes.

use std::fmt::{self, Write};

use super::{Dict, Value};

impl Value {
    /// The text that `json.dumps(value)` gives: `", "` and `": "` between, ASCII alone.
    ///
    /// ```
    /// use keras_serial::json;
    /// let value = json::value!({ "é": [1, 1.0, 1e16] });
    /// assert_eq!(value.to_json(), r#"{"\u00e9": [1, 1.0, 1e+16]}"#);
    /// ```
    pub fn to_json(&self) -> String {
        text(self, None)
    }

    /// The text that `json.dumps(value, indent=indent)` gives.
    ///
    /// ```
    /// use keras_serial::json;
    /// assert_eq!(json::value!([1, []]).to_json_pretty(2), "[\n  1,\n  []\n]");
    /// ```
    pub fn to_json_pretty(&self, indent: usize) -> String {
        text(self, Some(indent))
    }

    /// The JSON text for an error message, cut after 80 characters.
    pub fn short(&self) -> String {
        let mut out = Cut { text: String::new(), room: 80 };
        match write(&mut out, self, None) {
            Ok(()) => out.text,
            Err(fmt::Error) => out.text + "…",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, None)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, None)
    }
}

fn text(value: &Value, indent: Option<usize>) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, value, indent);
    out
}

/// A text that takes no more than a number of characters, so that the beginning of a large value
/// costs no more than that of a small one.
struct Cut {
    text: String,
    room: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.char_indices().nth(self.room).map_or(text, |(end, _)| text.get(..end).unwrap_or_default());
        self.text.push_str(fits);
        self.room -= fits.chars().count();
        if fits.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// What is left of a list or dict that is being written.
enum Open<'a> {
    List(std::slice::Iter<'a, Value>),
    Dict(indexmap::map::Iter<'a, String, Value>),
}

/// Writes a value without recursion: the open lists and dicts stand on a stack of their own.
fn write(out: &mut impl Write, value: &Value, indent: Option<usize>) -> fmt::Result {
    let mut open = Vec::new();
    begin(out, value, &mut open)?;
    let mut first = !open.is_empty();
    while let Some(top) = open.last_mut() {
        let (key, item) = match top {
            Open::List(items) => (None, items.next()),
            Open::Dict(entries) => entries.next().map_or((None, None), |(key, item)| (Some(key), Some(item))),
        };
        let Some(item) = item else {
            let bracket = if matches!(top, Open::List(_)) { ']' } else { '}' };
            open.pop();
            line(out, indent, open.len())?;
            out.write_char(bracket)?;
            continue;
        };
        if !first {
            out.write_str(if indent.is_some() { "," } else { ", " })?;
        }
        line(out, indent, open.len())?;
        if let Some(key) = key {
            string(out, key)?;
            out.write_str(": ")?;
        }
        let depth = open.len();
        begin(out, item, &mut open)?;
        first = open.len() > depth;
    }
    Ok(())
}

/// Writes a scalar or an empty container; of any other, the opening bracket.
fn begin<'a>(out: &mut impl Write, value: &'a Value, open: &mut Vec<Open<'a>>) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Bool(true) => out.write_str("true"),
        Value::Bool(false) => out.write_str("false"),
        Value::Int(number) => write!(out, "{number}"),
        Value::BigInt(digits) => out.write_str(digits),
        Value::Float(number) => float(out, *number),
        Value::Str(text) => string(out, text),
        Value::List(items) if items.is_empty() => out.write_str("[]"),
        Value::Dict(entries) if entries.is_empty() => out.write_str("{}"),
        Value::List(items) => {
            open.push(Open::List(items.iter()));
            out.write_char('[')
        }
        Value::Dict(entries) => {
            open.push(Open::Dict(Dict::iter(entries)));
            out.write_char('{')
        }
    }
}

fn line(out: &mut impl Write, indent: Option<usize>, depth: usize) -> fmt::Result {
    let Some(indent) = indent else { return Ok(()) };
    out.write_char('\n')?;
    // A width in a format specification would end at 16 bits.
    (0..indent.saturating_mul(depth)).try_for_each(|_| out.write_char(' '))
}

fn string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut plain = 0;
    for (at, character) in text.char_indices() {
        if matches!(character, ' '..='~') && !matches!(character, '"' | '\\') {
            continue;
        }
        out.write_str(text.get(plain..at).unwrap_or_default())?;
        plain = at + character.len_utf8();
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
    }
    out.write_str(text.get(plain..).unwrap_or_default())?;
    out.write_char('"')
}

/// Python's `repr`: the shortest digits that give the number back, an exponent below 1e-4 and from 1e16.
fn float(out: &mut impl Write, number: f64) -> fmt::Result {
    if number.is_nan() {
        return out.write_str("NaN");
    }
    if number.is_infinite() {
        return out.write_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..16 => {
            let plain = number.to_string();
            out.write_str(&plain)?;
            if plain.contains('.') { Ok(()) } else { out.write_str(".0") }
        }
        exponent if exponent < 0 => write!(out, "{mantissa}e-{:02}", exponent.unsigned_abs()),
        exponent => write!(out, "{mantissa}e+{exponent:02}"),
    }
}
