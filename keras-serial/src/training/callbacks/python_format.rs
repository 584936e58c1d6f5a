//! Formats numbers as Python's `str.format` does.

use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// Formats NaN and infinities as Python does: `nan`, `inf`.
fn not_finite(value: f64) -> Option<String> {
    let sign = if value.is_sign_negative() && !value.is_nan() { "-" } else { "" };
    (!value.is_finite()).then(|| format!("{sign}{}", if value.is_nan() { "nan" } else { "inf" }))
}

/// Formats as `str(value)`: `0.1`, `1e-05`, `2.0`.
pub fn repr(value: f64) -> String {
    not_finite(value).unwrap_or_else(|| Value::Float(value).to_json())
}

/// Formats as `f"{value:.4f}"`.
pub fn fixed(value: f64, precision: usize) -> String {
    not_finite(value).unwrap_or_else(|| format!("{value:.precision$}"))
}

/// Formats as `f"{value:.4e}"`.
pub fn scientific(value: f64, precision: usize) -> String {
    not_finite(value).unwrap_or_else(|| {
        let text = format!("{value:.precision$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        format!("{mantissa}e{sign}{digits:0>2}")
    })
}

/// Formats as `f"{value:.6g}"`.
fn general(value: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let rounded = scientific(value, precision - 1);
    let exponent: Option<i32> = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok());
    let Some(exponent) = exponent else { return rounded };
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match usize::try_from(precision as i64 - 1 - i64::from(exponent)) {
        Ok(decimals) if exponent >= -4 => trimmed(&fixed(value, decimals)),
        _ => match rounded.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", trimmed(mantissa)),
            None => rounded,
        },
    }
}

/// The value of a name in a template.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// An epoch or a batch.
    Int(usize),
    /// A loss or metric.
    Float(f64),
}

/// Formats `template.format(**fields)`, with Python's format specifications for numbers: fill,
/// alignment, sign, width, and precision with the types `d`, `f`, `e`, `g` and `%`.
///
/// # Errors
/// When a name is unknown, or a specification is invalid.
pub fn fill(template: &str, field: impl Fn(&str) -> Option<Field>) -> Result<String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if let Some(doubled) = after
            .strip_prefix("{{")
            .map(|rest| ('{', rest))
            .or_else(|| after.strip_prefix("}}").map(|rest| ('}', rest)))
        {
            text.push(doubled.0);
            rest = doubled.1;
            continue;
        }
        let Some((inside, after)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) else {
            return Err(invalid(template, "a single brace"));
        };
        let (name, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let value = field(name).ok_or_else(|| invalid(template, format!("'{name}'")))?;
        text.push_str(&with_spec(value, spec).ok_or_else(|| invalid(template, format!("the specification '{spec}'")))?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn invalid(template: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("Failed to format this callback filepath: \"{template}\". Reason: {reason}"),
    )
}

/// Formats `format(value, spec)` for `[[fill]align][sign][0][width][.precision][type]`.
fn with_spec(value: Field, spec: &str) -> Option<String> {
    let characters: Vec<char> = spec.chars().collect();
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^=".contains(*c));
    let (mut fill, mut align, mut at) = match (characters.first(), characters.get(1)) {
        (Some(fill), Some(align)) if is_align(Some(align)) => (*fill, *align, 2),
        (Some(align), _) if is_align(Some(align)) => (' ', *align, 1),
        _ => (' ', '>', 0),
    };
    let sign = characters.get(at).copied().filter(|c| "+- ".contains(*c));
    at += usize::from(sign.is_some());
    if characters.get(at) == Some(&'0') {
        if at < 2 && !is_align(characters.get(at.wrapping_sub(1))) {
            (fill, align) = ('0', '=');
        }
        at += 1;
    }
    let mut number = || -> Option<usize> {
        let digits: String = characters.iter().skip(at).take_while(|c| c.is_ascii_digit()).collect();
        at += digits.len();
        digits.parse().ok()
    };
    let width = number().unwrap_or(0);
    let precision = if characters.get(at) == Some(&'.') {
        at += 1;
        let digits: String = characters.iter().skip(at).take_while(|c| c.is_ascii_digit()).collect();
        at += digits.len();
        Some(digits.parse::<usize>().ok()?)
    } else {
        None
    };
    let kind = characters.get(at).copied();
    if characters.len() > at + usize::from(kind.is_some()) || width > 1000 || precision.is_some_and(|p| p > 1000) {
        return None;
    }
    let text = match (value, kind, precision) {
        (Field::Int(value), None | Some('d'), None) => value.to_string(),
        (Field::Float(_), Some('d'), _) | (Field::Int(_), None | Some('d'), Some(_)) => return None,
        (Field::Float(value), None, None) => repr(value),
        (Field::Float(value), None, Some(precision)) => general(value, precision),
        (value, Some(kind), precision) => {
            let value = match value {
                Field::Int(value) => value as f64,
                Field::Float(value) => value,
            };
            let precision = precision.unwrap_or(6);
            match kind {
                'f' | 'F' => fixed(value, precision),
                'e' => scientific(value, precision),
                'E' => scientific(value, precision).to_uppercase(),
                'g' => general(value, precision),
                'G' => general(value, precision).to_uppercase(),
                '%' => fixed(value * 100.0, precision) + "%",
                _ => return None,
            }
        }
    };
    let (minus, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let sign = match (minus, sign) {
        ("", Some('+')) => "+",
        ("", Some(' ')) => " ",
        (minus, _) => minus,
    };
    let missing = width.saturating_sub(sign.chars().count() + digits.chars().count());
    let padding = |n: usize| fill.to_string().repeat(n);
    Some(match align {
        '<' => format!("{sign}{digits}{}", padding(missing)),
        '^' => format!("{}{sign}{digits}{}", padding(missing / 2), padding(missing - missing / 2)),
        '=' => format!("{sign}{}{digits}", padding(missing)),
        _ => format!("{}{sign}{digits}", padding(missing)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(template: &str) -> Result<String> {
        fill(template, |name| match name {
            "epoch" => Some(Field::Int(7)),
            "loss" => Some(Field::Float(0.012_345_678)),
            "cost" => Some(Field::Float(-1_234_567.0)),
            "nan" => Some(Field::Float(f64::NAN)),
            _ => None,
        })
    }

    /// `'…'.format(epoch=7, loss=0.012345678, cost=-1234567.0, nan=float('nan'))`
    #[test]
    fn templates_are_those_of_python() {
        for (template, expected) in [
            ("{epoch:02d}-{loss:.2f}.keras", "07-0.01.keras"),
            ("{epoch}-{loss}", "7-0.012345678"),
            ("{{{epoch:+d}}}", "{+7}"),
            ("{loss:.3e}|{cost:g}|{cost:.8g}", "1.235e-02|-1.23457e+06|-1234567"),
            ("{loss:.2}|{loss:%}|{epoch:.1f}", "0.012|1.234568%|7.0"),
            ("{epoch:*^5}|{epoch:<3}|{cost:012.1f}", "**7**|7  |-001234567.0"),
            ("{nan:.2f}", "nan"),
            ("none", "none"),
        ] {
            assert_eq!(formatted(template).unwrap(), expected, "{template}");
        }
        for template in ["{acc}", "{epoch", "epoch}", "{loss:d}", "{epoch:.2d}", "{loss:.2q}"] {
            let error = formatted(template).unwrap_err().to_string();
            assert!(error.contains("Failed to format this callback filepath"), "{template}: {error}");
        }
    }

    /// `str(1e-05)`, `f"{-5e-300:.4e}"`, `f"{float('-inf'):.4f}"`
    #[test]
    fn numbers_are_those_of_python() {
        assert_eq!((repr(1e-5).as_str(), repr(2.0).as_str(), repr(f64::NAN).as_str()), ("1e-05", "2.0", "nan"));
        assert_eq!(scientific(-5e-300, 4), "-5.0000e-300");
        assert_eq!(fixed(f64::NEG_INFINITY, 4), "-inf");
    }
}
