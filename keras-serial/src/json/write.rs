//! Values as text: what Python's `json.dumps` writes.

use std::fmt::Write;

use super::Value;

impl Value {
    /// The text that `json.dumps(value)` gives.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        write(&mut text, self, None, 0);
        text
    }

    /// The text that `json.dumps(value, indent=indent)` gives.
    pub fn to_json_pretty(&self, indent: usize) -> String {
        let mut text = String::new();
        write(&mut text, self, Some(indent), 0);
        text
    }
}

fn write(out: &mut String, value: &Value, indent: Option<usize>, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float_text(*number)),
        Value::Str(text) => write_string(out, text),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::Dict(entries) if entries.is_empty() => out.push_str("{}"),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(out, i, indent, depth + 1);
                write(out, item, indent, depth + 1);
            }
            close(out, ']', indent, depth);
        }
        Value::Dict(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                separate(out, i, indent, depth + 1);
                write_string(out, key);
                out.push_str(": ");
                write(out, item, indent, depth + 1);
            }
            close(out, '}', indent, depth);
        }
    }
}

fn separate(out: &mut String, i: usize, indent: Option<usize>, depth: usize) {
    if i > 0 {
        out.push_str(if indent.is_some() { "," } else { ", " });
    }
    line(out, indent, depth);
}

fn close(out: &mut String, bracket: char, indent: Option<usize>, depth: usize) {
    line(out, indent, depth);
    out.push(bracket);
}

fn line(out: &mut String, indent: Option<usize>, depth: usize) {
    if let Some(indent) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a string can't fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr`: the shortest digits that give the number back, an exponent below 1e-4 and from 1e16.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..16 => {
            let text = number.to_string();
            if text.contains('.') { text } else { text + ".0" }
        }
        exponent if exponent < 0 => format!("{mantissa}e-{:02}", -exponent),
        exponent => format!("{mantissa}e+{exponent:02}"),
    }
}
