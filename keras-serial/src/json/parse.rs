//! Parses JSON as Python's `json.loads` does, within limits.

use super::{Dict, JsonLimits, Value};
use crate::error::{Error, ErrorKind, Result};

impl Value {
    /// Parses a JSON text as Python's `json.loads` does, within the default limits.
    ///
    /// `NaN`, `Infinity` and `-Infinity` are floats, integers are unbounded (up to Python's 4300
    /// digits), and the last of several equal keys counts. A lone surrogate (`"\ud800"`), which Python
    /// strings can hold and Rust's can't, is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Json`] with line and column; [`ErrorKind::Limit`] for deep or large texts.
    ///
    /// ```
    /// use keras_serial::json::Value;
    /// assert_eq!(Value::parse("[1, 1.0]")?, Value::List(vec![Value::Int(1), Value::Float(1.0)]));
    /// let error = Value::parse("[1,\n 2 3]").unwrap_err();
    /// assert_eq!(error.to_string(), "broken JSON at line 2 column 4. Expected `,` or `]`. Received: \"3]\"");
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, &JsonLimits::default())
    }

    /// Parses UTF-8 bytes as [`Value::parse_with`] does; skips a leading byte order mark, as Python
    /// does.
    ///
    /// # Errors
    /// As [`Value::parse`], and [`ErrorKind::Json`] for bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &[u8], limits: &JsonLimits) -> Result<Self> {
        limits.check_bytes(bytes.len())?;
        let (bytes, skipped) = bytes.strip_prefix(b"\xef\xbb\xbf").map_or((bytes, 0), |rest| (rest, 3));
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to() + skipped;
            Error::new(ErrorKind::Json, format!("the JSON text is not UTF-8 from byte {at} on")).with_source(error)
        })?;
        Self::parse_with(text, limits)
    }

    /// Parses a text as [`Value::parse`] does, within other limits.
    ///
    /// # Errors
    /// As [`Value::parse`].
    pub fn parse_with(text: &str, limits: &JsonLimits) -> Result<Self> {
        limits.check_bytes(text.len())?;
        let mut parser = Parser { text, at: 0, items: 0, limits };
        if text.starts_with('\u{feff}') {
            return Err(parser.error("text without a byte order mark"));
        }
        let value = parser.value()?;
        parser.space();
        if parser.at < text.len() { Err(parser.error("the end of the text")) } else { Ok(value) }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    items: usize,
    limits: &'a JsonLimits,
}

/// An open list or dict; a dict with the key of the next value.
enum Open {
    List(Vec<Value>),
    Dict(Dict, String),
}

/// What was parsed: a value, or the start of one.
enum Read {
    Whole(Value),
    Begun(Open),
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

    /// Returns an error at the current position, with line and column as Python counts them.
    fn error(&self, expected: &'static str) -> Error {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        let received: String = self.rest().chars().take(20).collect();
        Error::new(ErrorKind::Json, format!("broken JSON at line {line} column {column}"))
            .expected(expected)
            .received(if received.is_empty() { "the end of the text".into() } else { format!("{received:?}") })
    }

    /// Parses a value without recursion: open lists and dicts are on an explicit stack.
    fn value(&mut self) -> Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut read = self.begin(open.len())?;
            loop {
                match (read, open.pop()) {
                    (Read::Begun(container), outer) => {
                        open.extend(outer);
                        open.push(container);
                        break;
                    }
                    (Read::Whole(value), None) => return Ok(value),
                    (Read::Whole(value), Some(container)) => read = self.put(value, container)?,
                }
            }
        }
    }

    /// Parses a scalar, an empty list or dict, or the start of another.
    fn begin(&mut self, depth: usize) -> Result<Read> {
        self.space();
        self.items += 1;
        self.limits.check_items(self.items)?;
        match self.peek() {
            Some(b'[') => {
                self.limits.check_depth(depth + 1)?;
                self.at += 1;
                self.space();
                let items = Vec::new();
                Ok(if self.eat("]") { Read::Whole(Value::List(items)) } else { Read::Begun(Open::List(items)) })
            }
            Some(b'{') => {
                self.limits.check_depth(depth + 1)?;
                self.at += 1;
                self.space();
                if self.eat("}") {
                    return Ok(Read::Whole(Value::Dict(Dict::new())));
                }
                Ok(Read::Begun(Open::Dict(Dict::new(), self.key()?)))
            }
            Some(b'"') => self.string().map(|text| Read::Whole(Value::Str(text))),
            Some(b'-' | b'0'..=b'9') => self.number().map(Read::Whole),
            _ => self.word().map(Read::Whole),
        }
    }

    /// Adds a value to its container; then either more items follow or the container ends.
    fn put(&mut self, value: Value, container: Open) -> Result<Read> {
        self.space();
        match container {
            Open::List(mut items) => {
                items.push(value);
                if self.eat("]") {
                    Ok(Read::Whole(Value::List(items)))
                } else if self.eat(",") {
                    Ok(Read::Begun(Open::List(items)))
                } else {
                    Err(self.error("`,` or `]`"))
                }
            }
            Open::Dict(mut entries, key) => {
                // As in Python, the last of equal keys counts, at the position of the first.
                entries.insert(key, value);
                if self.eat("}") {
                    Ok(Read::Whole(Value::Dict(entries)))
                } else if self.eat(",") {
                    self.space();
                    let key = self.key()?;
                    Ok(Read::Begun(Open::Dict(entries, key)))
                } else {
                    Err(self.error("`,` or `}`"))
                }
            }
        }
    }

    fn key(&mut self) -> Result<String> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a key in double quotes"));
        }
        let key = self.string()?;
        self.space();
        if self.eat(":") { Ok(key) } else { Err(self.error("`:`")) }
    }

    fn word(&mut self) -> Result<Value> {
        let value = match self.peek() {
            Some(b'n') if self.eat("null") => Value::Null,
            Some(b't') if self.eat("true") => Value::Bool(true),
            Some(b'f') if self.eat("false") => Value::Bool(false),
            Some(b'N') if self.eat("NaN") => Value::Float(f64::NAN),
            Some(b'I') if self.eat("Infinity") => Value::Float(f64::INFINITY),
            _ => return Err(self.error("a value")),
        };
        Ok(value)
    }

    fn string(&mut self) -> Result<String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) else {
                self.at = start;
                return Err(self.error("a string with a closing `\"`"));
            };
            out.push_str(rest.get(..end).unwrap_or_default());
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.error("no control character in a string: an escape stands for it")),
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
            _ => return Err(self.error(r#"an escape: \" \\ \/ \b \f \n \r \t or \uXXXX"#)),
        };
        self.at += 2;
        Ok(character)
    }

    /// Parses the character of `\uXXXX`, or of a surrogate pair of them.
    fn unicode(&mut self) -> Result<char> {
        let first = self.unit(self.at).ok_or_else(|| self.error(r"\u and four hexadecimal digits"))?;
        let second = self.unit(self.at + 6).filter(|_| (0xd800..0xdc00).contains(&first));
        let character = char::decode_utf16(std::iter::once(first).chain(second)).next();
        match character {
            Some(Ok(character)) => {
                self.at += 6 * character.len_utf16();
                Ok(character)
            }
            _ => Err(self.error("a character: half of a surrogate pair is none")),
        }
    }

    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        // `from_str_radix` alone would accept a sign.
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    }

    /// Parses `-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?`, as far as it matches.
    fn number(&mut self) -> Result<Value> {
        if self.eat("-Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let whole = match digits(rest, sign) {
            0 => return Err(self.error("a value")),
            _ if rest.get(sign..).is_some_and(|rest| rest.starts_with('0')) => sign + 1,
            count => sign + count,
        };
        let mut end = whole;
        if byte(rest, end) == Some(b'.') && digits(rest, end + 1) > 0 {
            end += 1 + digits(rest, end + 1);
        }
        if let Some(b'e' | b'E') = byte(rest, end) {
            let sign = usize::from(matches!(byte(rest, end + 1), Some(b'-' | b'+')));
            let count = digits(rest, end + 1 + sign);
            end += if count > 0 { 1 + sign + count } else { 0 };
        }
        let text = rest.get(..end).unwrap_or_default();
        let value = if end > whole {
            // Too large a number is infinite, as in Python.
            text.parse().map(Value::Float).map_err(|_| self.error("a number"))?
        } else {
            match text.parse() {
                Ok(number) => Value::Int(number),
                Err(_) if whole - sign <= MAX_DIGITS => Value::BigInt(text.to_owned()),
                Err(_) => return Err(self.error("an integer of at most 4300 digits, Python's own limit")),
            }
        };
        self.at += end;
        Ok(value)
    }
}

/// Python's `sys.int_info.default_max_str_digits`.
const MAX_DIGITS: usize = 4300;

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// Counts the digits from a position on.
fn digits(text: &str, at: usize) -> usize {
    text.bytes().skip(at).take_while(u8::is_ascii_digit).count()
}
