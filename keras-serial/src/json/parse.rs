//! Text as values: what Python's `json.loads` reads, within limits.

use super::{Dict, Value};
use crate::error::{Error, ErrorKind, Result};

/// Limits on what a text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonLimits {
    /// How deep lists and dicts may stand in one another; 512 by default.
    pub max_depth: usize,
    /// How long the text may be, in bytes; 512 MiB by default.
    pub max_bytes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { max_depth: 512, max_bytes: 512 << 20 }
    }
}

impl Value {
    /// The value of a text, within the default limits.
    ///
    /// # Errors
    /// [`ErrorKind::Json`] with line and column; [`ErrorKind::Limit`] for deep or long texts.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, &JsonLimits::default())
    }

    /// As [`Value::parse`], from UTF-8.
    pub fn parse_bytes(bytes: &[u8], limits: &JsonLimits) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Error::new(ErrorKind::Json, format!("the text is not UTF-8 from byte {} on", error.valid_up_to()))
        })?;
        Self::parse_with(text, limits)
    }

    /// As [`Value::parse`], within other limits.
    pub fn parse_with(text: &str, limits: &JsonLimits) -> Result<Self> {
        if text.len() > limits.max_bytes {
            return Err(Error::new(ErrorKind::Limit, "the JSON text is too long")
                .expected(format!("at most {} bytes", limits.max_bytes))
                .received(text.len().to_string()));
        }
        let mut parser = Parser { text, at: 0, max_depth: limits.max_depth };
        let value = parser.value(0)?;
        parser.space();
        if parser.at < text.len() { Err(parser.error("the end of the text")) } else { Ok(value) }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    max_depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn error(&self, expected: &'static str) -> Error {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let received: String = self.rest().chars().take(20).collect();
        Error::new(ErrorKind::Json, format!("broken JSON at line {line} column {column}"))
            .expected(expected)
            .received(if received.is_empty() { "the end of the text".into() } else { format!("{received:?}") })
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') if depth >= self.max_depth => {
                Err(Error::new(ErrorKind::Limit, "JSON is nested too deeply").expected(format!("at most {} levels", self.max_depth)))
            }
            Some(b'{') => self.dict(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false)), ("NaN", Value::Float(f64::NAN)), ("Infinity", Value::Float(f64::INFINITY))];
                words.into_iter().find(|(word, _)| self.eat(word)).map(|(_, value)| value).ok_or_else(|| self.error("a value"))
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.eat("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eat("]") {
                return Ok(Value::List(items));
            }
            if !self.eat(",") {
                return Err(self.error("`,` or `]`"));
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut entries = Dict::new();
        self.space();
        if self.eat("}") {
            return Ok(Value::Dict(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in double quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.eat(":") {
                return Err(self.error("`:`"));
            }
            let value = self.value(depth + 1)?;
            // As in Python, the last of equal keys counts.
            entries.insert(key, value);
            self.space();
            if self.eat("}") {
                return Ok(Value::Dict(entries));
            }
            if !self.eat(",") {
                return Err(self.error("`,` or `}`"));
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let end = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').ok_or_else(|| self.error("a closing `\"`"))?;
            out.push_str(rest.get(..end).unwrap_or_default());
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.error("no control characters in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        let character = match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("an escape: one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")),
        };
        self.at += 2;
        Ok(character)
    }

    fn unit(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at + 2..self.at + 6).filter(|_| self.rest().starts_with("\\u"));
        let unit = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())).and_then(|d| u32::from_str_radix(d, 16).ok());
        let unit = unit.ok_or_else(|| self.error("\\u and four hexadecimal digits"))?;
        self.at += 6;
        Ok(unit)
    }

    fn unicode(&mut self) -> Result<char> {
        let start = self.at;
        let first = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            match self.unit() {
                Ok(second) if (0xdc00..0xe000).contains(&second) => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                _ => first,
            }
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.error("a character: a lone surrogate is none")
        })
    }

    fn number(&mut self) -> Result<Value> {
        if self.eat("-Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
        let well_formed = !whole.is_empty() && (whole == "0" || !whole.starts_with('0')) && !digits.ends_with('.') && !digits.contains(".e") && !digits.contains(".E");
        let value = if !well_formed {
            None
        } else if digits.bytes().all(|b| b.is_ascii_digit()) {
            // Longer numbers are refused by Python too (`sys.set_int_max_str_digits`).
            match text.parse() {
                Ok(number) => Some(Value::Int(number)),
                Err(_) if digits.len() <= 4300 => Some(Value::BigInt(text.to_owned())),
                Err(_) => None,
            }
        } else {
            text.parse().ok().map(Value::Float)
        };
        let value = value.ok_or_else(|| self.error("a number"))?;
        self.at += end;
        Ok(value)
    }
}
