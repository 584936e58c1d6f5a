//! The header of a `.npy` file: a Python dict literal of three entries.

#[cfg(all(feature = "cli", feature = "engine"))]
use crate::array::DType;
use crate::error::{Error, ErrorKind, Result};

/// The parsed header.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// The dtype of the elements: `<f4`.
    pub descr: String,
    /// Whether the order is column-major (the first axis varies fastest).
    pub fortran: bool,
    /// The shape.
    pub shape: Vec<usize>,
}

impl Header {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`: these entries, each once,
    /// in any order. No other Python is accepted.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let mut parser = Parser { rest: text };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        parser.expect(b'{', "`{`")?;
        while !parser.take(b'}') {
            let key = parser.text()?;
            parser.expect(b':', "`:`")?;
            let twice = match key {
                "descr" => descr.replace(parser.descr()?).is_some(),
                "fortran_order" => fortran.replace(parser.flag()?).is_some(),
                "shape" => shape.replace(parser.shape()?).is_some(),
                other => return Err(broken("unknown entry").received(format!("{other:?}"))),
            };
            if twice {
                return Err(broken("an entry stands twice").received(format!("{key:?}")));
            }
            if !parser.take(b',') {
                parser.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        if parser.peek().is_some() {
            return Err(parser.wrong("the end of the header"));
        }
        let missing = |name: &'static str| broken("an entry is missing").expected(name);
        Ok(Self {
            descr: descr.ok_or_else(|| missing("`descr`"))?,
            fortran: fortran.ok_or_else(|| missing("`fortran_order`"))?,
            shape: shape.ok_or_else(|| missing("`shape`"))?,
        })
    }
}

/// Returns the beginning of a file for an array: sign, version and header. It is equally long for every number of rows.
///
/// # Errors
/// For elements that NumPy has no type for.
#[cfg(all(feature = "cli", feature = "engine"))]
pub(crate) fn text(dtype: DType, shape: &[usize]) -> Result<Vec<u8>> {
    let kind = match dtype {
        DType::Bool => "b",
        DType::BFloat16 | DType::String => {
            return Err(Error::new(ErrorKind::DType, "NumPy has no such elements")
                .received(dtype.name())
                .hint("write `.safetensors`"));
        }
        dtype if dtype.is_float() => "f",
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => "i",
        _ => "u",
    };
    let order = if dtype.size() == 1 { '|' } else { '<' };
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let size = dtype.size();
    let dict =
        format!("{{'descr': '{order}{kind}{size}', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
    // As NumPy does: room for the largest number of rows, a line feed at the end, and aligned elements.
    let rows = shape.first().map_or(0, |rows| rows.to_string().len());
    let whole = (10 + dict.len() + 21 - rows + 1).next_multiple_of(64);
    let length = u16::try_from(whole - 10).map_err(|_| broken("the shape is too long for a header"))?;
    let mut text = b"\x93NUMPY\x01\x00".to_vec();
    text.extend(length.to_le_bytes());
    text.extend(dict.bytes());
    text.resize(whole - 1, b' ');
    text.push(b'\n');
    Ok(text)
}

fn broken(message: &'static str) -> Error {
    Error::new(ErrorKind::Data, message).at("header")
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        there
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(name)) }
    }

    fn wrong(&self, expected: &'static str) -> Error {
        let near = self.rest.get(..self.rest.len().min(20)).unwrap_or_default();
        broken("the header is not that of an array")
            .expected(expected)
            .received(format!("{:?}", String::from_utf8_lossy(near)))
    }

    /// Takes the bytes for which `of` is true.
    fn span(&mut self, of: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !of(*byte)).unwrap_or(self.rest.len());
        let (span, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        span
    }

    /// Parses `'text'` or `"text"`, of printable ASCII characters without escapes.
    fn text(&mut self) -> Result<&'a str> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or_else(|| self.wrong("a string"))?;
        self.take(quote);
        let text = self.span(|byte| (byte == b' ' || byte.is_ascii_graphic()) && byte != quote && byte != b'\\');
        if self.rest.first() != Some(&quote) {
            return Err(self.wrong("a string of plain characters"));
        }
        self.take(quote);
        std::str::from_utf8(text).map_err(|_| self.wrong("a string of plain characters"))
    }

    fn descr(&mut self) -> Result<String> {
        if matches!(self.peek(), Some(b'[' | b'(')) {
            let error = Error::new(ErrorKind::Unsupported, "arrays of records (structured dtypes) are not read");
            return Err(error.hint("save each field as an array of its own").at("header"));
        }
        Ok(self.text()?.to_owned())
    }

    fn flag(&mut self) -> Result<bool> {
        self.peek();
        match self.span(|byte| byte.is_ascii_alphabetic()) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(self.wrong("True or False")),
        }
    }

    /// Parses `()`, `(2,)` or `(2, 3)`.
    fn shape(&mut self) -> Result<Vec<usize>> {
        self.expect(b'(', "a shape")?;
        let mut shape = Vec::new();
        while !self.take(b')') {
            if shape.len() == MAX_RANK {
                return Err(broken("too many axes").expected(format!("at most {MAX_RANK}")));
            }
            self.peek();
            let digits = self.span(|byte| byte.is_ascii_digit());
            let extent = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            shape.push(extent.ok_or_else(|| self.wrong("an extent"))?);
            if !self.take(b',') {
                // In Python `(2)` is a number, not a tuple.
                if shape.len() == 1 {
                    return Err(self.wrong("`,`"));
                }
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(shape)
    }
}

/// The largest rank of NumPy arrays.
const MAX_RANK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_read() {
        let header = Header::parse(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n").unwrap();
        assert_eq!(header, Header { descr: "<f4".into(), fortran: false, shape: vec![2, 3] });
        let header = Header::parse(b"{\"shape\": (7,), 'fortran_order': True, 'descr': \"|b1\"}").unwrap();
        assert_eq!(header, Header { descr: "|b1".into(), fortran: true, shape: vec![7] });
        assert_eq!(Header::parse(b"{'descr':'|u1','fortran_order':False,'shape':()}").unwrap().shape, [0usize; 0]);
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, told) in [
            ("", "`{`"),
            ("{}", "`descr`"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", "`,`"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "an extent"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "an extent"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + 1", "the end"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "True or False"),
            ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "twice"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "unknown entry"),
            ("{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2,)}", "plain characters"),
            ("{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", "`,` or `}`"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structured"),
            ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (2,)}", "a string"),
        ] {
            let error = Header::parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(told), "{text}: {error}");
        }
        let many = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({})}}", "1,".repeat(65));
        assert!(Header::parse(many.as_bytes()).unwrap_err().to_string().contains("at most 64"));
    }
}
