//! The selection of arrays to read from a file.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// A selection of arrays or columns, by name or by position.
///
/// ```
/// use keras_serial::training::data::Select;
/// let pixels = Select::from(0..64);
/// let named = Select::from(["width", "height"]);
/// assert_ne!(pixels, named);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Select {
    /// All of them.
    #[default]
    All,
    /// Those at these positions, from the first to the end or to an exclusive bound.
    Places(usize, Option<usize>),
    /// Those with these names, in this order.
    Names(Vec<String>),
}

impl Select {
    /// Returns the positions in `names`, in the requested order.
    pub(super) fn places(&self, names: &[&str]) -> Result<Vec<usize>> {
        match self {
            Select::All => Ok((0..names.len()).collect()),
            Select::Places(start, end) => {
                let end = end.unwrap_or(names.len());
                if *start <= end && end <= names.len() {
                    return Ok((*start..end).collect());
                }
                Err(Error::new(ErrorKind::Data, "the range reaches beyond what there is")
                    .expected(format!("a part of 0..{}", names.len()))
                    .received(format!("{start}..{end}")))
            }
            Select::Names(wanted) => {
                let place = |name: &String| names.iter().position(|known| known == name);
                wanted.iter().map(|name| place(name).ok_or_else(|| unknown(name, names))).collect()
            }
        }
    }
}

/// Returns the error for a name that is not in `names`.
pub(super) fn unknown(name: &str, names: &[&str]) -> Error {
    let mut some: Vec<String> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
    if names.len() > some.len() {
        some.push(format!("… ({} in all)", names.len()));
    }
    let error = Error::new(ErrorKind::Data, "no array of this name")
        .expected(if some.is_empty() { "none: the file holds no array".to_owned() } else { some.join(", ") })
        .received(format!("`{name}`"));
    match did_you_mean(name, names.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

impl From<RangeFull> for Select {
    fn from(_: RangeFull) -> Self {
        Select::All
    }
}

impl From<Range<usize>> for Select {
    fn from(range: Range<usize>) -> Self {
        Select::Places(range.start, Some(range.end))
    }
}

impl From<RangeInclusive<usize>> for Select {
    fn from(range: RangeInclusive<usize>) -> Self {
        Select::Places(*range.start(), Some(range.end().saturating_add(1)))
    }
}

impl From<RangeFrom<usize>> for Select {
    fn from(range: RangeFrom<usize>) -> Self {
        Select::Places(range.start, None)
    }
}

impl From<RangeTo<usize>> for Select {
    fn from(range: RangeTo<usize>) -> Self {
        Select::Places(0, Some(range.end))
    }
}

impl<const N: usize> From<[&str; N]> for Select {
    fn from(names: [&str; N]) -> Self {
        Select::Names(names.map(str::to_owned).into())
    }
}

impl From<&[&str]> for Select {
    fn from(names: &[&str]) -> Self {
        Select::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }
}

impl From<Vec<String>> for Select {
    fn from(names: Vec<String>) -> Self {
        Select::Names(names)
    }
}
