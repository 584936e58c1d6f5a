//! Numbers as NumPy formats those of one array: one notation and one width for all.

use burn_backend::{bf16, f16};

use super::{DType, Element};

/// The digits after the point at most (NumPy's `precision`).
const PRECISION: usize = 8;

/// The elements of one dtype that are printed together.
pub(super) enum Numbers {
    /// Texts that are right-aligned.
    Whole(Vec<String>),
    Truths(Vec<bool>),
    /// Exact values, with the dtype that they come from.
    Floats(Vec<f64>, DType),
}

impl Numbers {
    /// Reads elements from their little-endian bytes.
    pub(super) fn read(dtype: DType, elements: &[&[u8]]) -> Option<Self> {
        fn each<T: Element>(elements: &[&[u8]]) -> Option<Vec<T>> {
            elements.iter().map(|bytes| T::from_bytes(bytes).ok()?.first().copied()).collect()
        }
        fn whole<T: Element + ToString>(elements: &[&[u8]]) -> Option<Numbers> {
            Some(Numbers::Whole(each::<T>(elements)?.iter().map(T::to_string).collect()))
        }
        fn floats<T: Element + Into<f64>>(elements: &[&[u8]]) -> Option<Numbers> {
            Some(Numbers::Floats(each::<T>(elements)?.into_iter().map(Into::into).collect(), T::DTYPE))
        }
        match dtype {
            DType::Bool => each::<bool>(elements).map(Self::Truths),
            DType::Int8 => whole::<i8>(elements),
            DType::Int16 => whole::<i16>(elements),
            DType::Int32 => whole::<i32>(elements),
            DType::Int64 => whole::<i64>(elements),
            DType::UInt8 => whole::<u8>(elements),
            DType::UInt16 => whole::<u16>(elements),
            DType::UInt32 => whole::<u32>(elements),
            DType::UInt64 => whole::<u64>(elements),
            DType::Float16 => floats::<f16>(elements),
            DType::BFloat16 => floats::<bf16>(elements),
            DType::Float32 => floats::<f32>(elements),
            DType::Float64 => floats::<f64>(elements),
            DType::String => None,
        }
    }

    /// Formats the numbers of an array, or of a scalar, whose format is another.
    pub(super) fn words(self, is_scalar: bool) -> Vec<String> {
        match self {
            Self::Whole(texts) => {
                let width = texts.iter().map(String::len).max().unwrap_or_default();
                texts.into_iter().map(|text| format!("{text:>width$}")).collect()
            }
            Self::Truths(truths) => {
                let yes = if is_scalar { "True" } else { " True" };
                truths.into_iter().map(|truth| if truth { yes } else { "False" }.to_owned()).collect()
            }
            Self::Floats(values, DType::BFloat16) => values.into_iter().map(six_digits).collect(),
            Self::Floats(values, dtype) if is_scalar => values.into_iter().map(|x| scalar(x, dtype)).collect(),
            Self::Floats(values, dtype) => array(&values, dtype),
        }
    }
}

/// Rounds a number to the dtype.
fn rounded(x: f64, dtype: DType) -> f64 {
    match dtype {
        DType::Float16 => f16::from_f64(x).into(),
        DType::Float32 => f64::from(x as f32),
        _ => x,
    }
}

/// Returns the decimal digits that the dtype always keeps (`numpy.finfo(dtype).precision`).
fn decimals(dtype: DType) -> i32 {
    match dtype {
        DType::Float16 => 3,
        DType::Float32 => 6,
        _ => 15,
    }
}

/// Returns the fewest digits that tell the number from its neighbours, in scientific notation: `1.25e-3`.
fn shortest(x: f64, dtype: DType) -> String {
    match dtype {
        DType::Float64 => format!("{x:e}"),
        DType::Float32 => format!("{:e}", x as f32),
        dtype => (0..=PRECISION)
            .map(|digits| format!("{x:.digits$e}"))
            .find(|text| text.parse::<f64>().is_ok_and(|read| rounded(read, dtype) == x))
            .unwrap_or_else(|| format!("{x:e}")),
    }
}

/// Returns mantissa and exponent of scientific notation.
fn parts(text: &str) -> (&str, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa, exponent.parse().unwrap_or_default())
}

/// Returns the number of digits after the point.
fn fraction(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// Removes zeros at the end of a fraction, and keeps the point.
fn trimmed(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').to_owned() } else { format!("{text}.") }
}

/// Formats without an exponent, with at most so many digits after the point, and only as many as needed.
fn positional(x: f64, dtype: DType, precision: usize) -> String {
    let text = shortest(x, dtype);
    let (mantissa, exponent) = parts(&text);
    let needed = (fraction(mantissa) as i32 - exponent).max(0) as usize;
    if needed > precision {
        return trimmed(&format!("{x:.precision$}"));
    }
    // Large numbers have zeros where further digits would not tell them from others.
    let negative = mantissa.starts_with('-');
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let before = exponent + 1;
    if before <= 0 {
        digits.insert_str(0, &"0".repeat(before.unsigned_abs() as usize + 1));
    } else if digits.len() < before as usize {
        digits.push_str(&"0".repeat(before as usize - digits.len()));
    }
    digits.insert(before.max(1) as usize, '.');
    format!("{}{}", if negative { "-" } else { "" }, trimmed(&digits))
}

/// Writes an exponent with its sign and at least two digits.
fn exponential(mantissa: &str, exponent: i32, digits: usize) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:0>digits$}", exponent.unsigned_abs())
}

fn scalar(x: f64, dtype: DType) -> String {
    if !x.is_finite() {
        return special(x).to_owned();
    }
    let largest = if dtype == DType::Float64 { 1e16 } else { 10f64.powi(decimals(dtype)) };
    if x == 0.0 || (1e-4..largest).contains(&x.abs()) {
        let text = positional(x, dtype, usize::from(u16::MAX));
        return if text.ends_with('.') { text + "0" } else { text };
    }
    let text = shortest(x, dtype);
    let (mantissa, exponent) = parts(&text);
    exponential(mantissa, exponent, 2)
}

fn special(x: f64) -> &'static str {
    match (x.is_nan(), x < 0.0) {
        (true, _) => "nan",
        (_, true) => "-inf",
        _ => "inf",
    }
}

fn array(values: &[f64], dtype: DType) -> Vec<String> {
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let sizes = || finite().map(f64::abs).filter(|x| *x > 0.0);
    let (largest, smallest) = (sizes().fold(0.0, f64::max), sizes().fold(f64::INFINITY, f64::min));
    let is_exponential = largest > 0.0
        && (largest >= 10f64.powi(decimals(dtype).min(8))
            || smallest < rounded(0.0001, dtype)
            || rounded(largest / smallest, dtype) > 1000.0);
    let texts: Vec<Option<String>> = if is_exponential {
        scientific(values, dtype)
    } else {
        values.iter().map(|x| x.is_finite().then(|| positional(*x, dtype, PRECISION))).collect()
    };
    let split = |text: &String| text.split_once('.').map_or((text.len(), 0), |(a, b)| (a.len(), b.len()));
    let widths = || texts.iter().flatten().map(split);
    let mut left = widths().map(|(left, _)| left).max().unwrap_or_default();
    let right = widths().map(|(_, right)| right).max().unwrap_or_default();
    if values.iter().any(|x| !x.is_finite()) {
        let longest = if values.contains(&f64::NEG_INFINITY) { "-inf".len() } else { "nan".len() };
        left = left.max(longest.saturating_sub(right + 1));
    }
    let word = |(x, text): (&f64, &Option<String>)| match text {
        Some(text) => {
            let (before, after) = split(text);
            format!("{}{text}{}", " ".repeat(left - before), " ".repeat(right - after))
        }
        None => format!("{:>width$}", special(*x), width = left + right + 1),
    };
    values.iter().zip(&texts).map(word).collect()
}

/// Formats all finite numbers with an exponent and the same number of digits.
fn scientific(values: &[f64], dtype: DType) -> Vec<Option<String>> {
    let needed = |x: f64| {
        let text = shortest(x, dtype);
        let digits = fraction(parts(&text).0);
        match digits > PRECISION {
            true => fraction(&trimmed(parts(&format!("{x:.PRECISION$e}")).0)),
            false => digits,
        }
    };
    let precision = values.iter().copied().filter(|x| x.is_finite()).map(needed).max().unwrap_or_default();
    let texts: Vec<Option<String>> =
        values.iter().map(|x| x.is_finite().then(|| format!("{x:.precision$e}"))).collect();
    let exponents = texts.iter().flatten().map(|text| parts(text).1.unsigned_abs());
    let size = exponents.map(|exponent| exponent.to_string().len()).max().unwrap_or_default().max(2);
    let with_point = |text: &String| {
        let (mantissa, exponent) = parts(text);
        let point = if mantissa.contains('.') { "" } else { "." };
        exponential(&format!("{mantissa}{point}"), exponent, size)
    };
    texts.iter().map(|text| text.as_ref().map(with_point)).collect()
}

/// Formats with six digits (C's `%g`), as NumPy prints `bfloat16`.
fn six_digits(x: f64) -> String {
    if !x.is_finite() {
        return special(x).to_owned();
    }
    let text = format!("{x:.5e}");
    let (mantissa, exponent) = parts(&text);
    if (-4..6).contains(&exponent) {
        let digits = (5 - exponent).max(0) as usize;
        return trimmed(&format!("{x:.digits$}")).trim_end_matches('.').to_owned();
    }
    exponential(trimmed(mantissa).trim_end_matches('.'), exponent, 2)
}

/// Quotes text as Python's `repr` does.
pub(super) fn python_quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            // Control characters, and other spaces than the plain one.
            c if c.is_control() || (c.is_whitespace() && c != ' ') || is_format(c) => {
                let code = c as u32;
                out.push_str(&if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{code:04x}") });
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Returns true for the invisible characters that steer the direction and the joining of text.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}
