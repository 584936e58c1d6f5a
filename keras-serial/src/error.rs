//! The one error type: what went wrong, where in the object tree, what was expected and received,
//! and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong; match on it with [`Error::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Text that is not JSON as Python writes it.
    Json,
    /// A configuration lacks an entry, or holds one of the wrong type or value.
    Config,
    /// No object of this name is known.
    UnknownObject,
    /// Two objects are registered under one name.
    DuplicateObject,
    /// An object of another kind than the place asks for (a loss where a layer belongs).
    WrongKind,
    /// The file asks for code to be run (`Lambda`, pickles, foreign models).
    CodeRefused,
    /// An argument of a call is out of range or of the wrong type.
    InvalidArgument,
    /// Shapes that do not fit.
    Shape,
    /// Element types that do not fit.
    DType,
    /// The graph of a model is not sound.
    Graph,
    /// Weights do not fit the model: missing, unexpected, mismatched.
    Weights,
    /// A loss is NaN or infinite.
    NotFinite,
    /// A weight is read, or a layer called, before it was built.
    NotBuilt,
    /// An archive (zip) is broken or lacks a member.
    Archive,
    /// An HDF5 file is broken or lacks an object.
    Hdf5,
    /// A file of data to train on is broken, or lacks an array.
    Data,
    /// A limit of the reader was passed.
    Limit,
    /// The operating system refused a read or a write.
    Io,
    /// Keras can do this; this crate (or this build of it) cannot.
    Unsupported,
    /// The engine that computes refused an operation.
    Engine,
}

/// An error with its place in the object tree.
///
/// ```
/// use keras_serial::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Config, "wrong type for `units`")
///     .expected("an integer")
///     .received("\"many\"")
///     .at("dense_1")
///     .at("functional");
/// assert_eq!(error.path(), "functional/dense_1");
/// assert_eq!(
///     error.to_string(),
///     "functional/dense_1: wrong type for `units`. Expected an integer. Received: \"many\""
/// );
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    /// Innermost segment first; reversed for display.
    path: Vec<Cow<'static, str>>,
    message: Cow<'static, str>,
    expected: Option<Cow<'static, str>>,
    received: Option<Cow<'static, str>>,
    hint: Option<Cow<'static, str>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A new error of a kind; `message` starts in lower case and has no full stop. The middle of a very
    /// long text is left out, here and in what is added: names may come from a file, and be of any length.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: Vec::new(),
            message: bounded(message.into(), LONGEST_TEXT),
            expected: None,
            received: None,
            hint: None,
            source: None,
        }))
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<Cow<'static, str>>) -> Self {
        self.0.expected = Some(bounded(expected.into(), LONGEST_TEXT));
        self
    }

    /// Says what was received instead.
    #[must_use]
    pub fn received(mut self, received: impl Into<Cow<'static, str>>) -> Self {
        self.0.received = Some(bounded(received.into(), LONGEST_TEXT));
        self
    }

    /// Says what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(bounded(hint.into(), LONGEST_TEXT));
        self
    }

    /// Adds to the message.
    #[must_use]
    pub(crate) fn and(mut self, more: impl AsRef<str>) -> Self {
        let message = format!("{}{}", self.0.message, more.as_ref());
        self.0.message = bounded(message.into(), LONGEST_TEXT);
        self
    }

    /// Names the error that lies under this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Puts one more enclosing segment in front of the path; an empty one stands for no place.
    #[must_use]
    pub fn at(mut self, segment: impl Into<Cow<'static, str>>) -> Self {
        let segment = segment.into();
        if !segment.is_empty() {
            self.0.path.push(bounded(segment, LONGEST_NAME));
        }
        self
    }

    /// What sort of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where in the object tree it arose: `functional/dense_1/kernel_initializer`; empty at the root.
    pub fn path(&self) -> String {
        let segments: Vec<&str> = self.0.path.iter().rev().map(AsRef::as_ref).collect();
        segments.join("/")
    }

    /// The message alone, without path, expectation or hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if !inner.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        f.write_str(&inner.message)?;
        if let Some(expected) = &inner.expected {
            write!(f, ". Expected {expected}")?;
        }
        if let Some(received) = &inner.received {
            write!(f, ". Received: {received}")?;
        }
        if let Some(hint) = &inner.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        if let Some(source) = &self.0.source {
            write!(f, "\n  caused by: {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, source.to_string()).with_source(source)
    }
}

/// Adds the place to the error of a result.
pub trait ResultExt<T> {
    /// Puts one more enclosing segment in front of the error's path.
    fn at(self, segment: impl Into<Cow<'static, str>>) -> Result<T>;
    /// As [`ResultExt::at`], with the segment computed only for an error.
    fn at_with<S: Into<Cow<'static, str>>>(self, segment: impl FnOnce() -> S) -> Result<T>;
}

impl<T> ResultExt<T> for Result<T> {
    fn at(self, segment: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|error| error.at(segment))
    }

    fn at_with<S: Into<Cow<'static, str>>>(self, segment: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| error.at(segment()))
    }
}

/// From how many bytes on the middle of a message is left out.
const LONGEST_TEXT: usize = 8192;
/// From how many bytes on the middle of a segment of a path is left out.
const LONGEST_NAME: usize = 512;

/// A text of at most about so many bytes: the middle of a longer one is left out.
fn bounded(text: Cow<'static, str>, longest: usize) -> Cow<'static, str> {
    if text.len() <= longest {
        return text;
    }
    let boundary = |near: usize| (near..text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(text.len());
    let (head, tail) = (boundary(longest * 3 / 4), boundary(text.len() - longest / 8));
    let start = text.get(..head).unwrap_or_default();
    let end = text.get(tail..).unwrap_or_default();
    format!("{start}… ({} bytes left out) …{end}", tail - head).into()
}

/// Longer names are no misspelt ones.
const LONGEST_MISSPELT: usize = 256;
/// How many pairs of characters are compared at most: names may come from a file, which may hold many.
const MOST_COMPARED: usize = 1 << 24;

/// ` (did you mean …?)` for the closest of `known` names, or nothing when none is near.
///
/// A name is near when a third of its characters differ at most, when the known one begins with it, is it
/// with a number (`dense_4` for `dens`), or, for paths, has all of its segments in order.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if name.is_empty() || name.len() > LONGEST_MISSPELT {
        return None;
    }
    let wanted = name.to_lowercase();
    let mut left = MOST_COMPARED;
    let mut near: Vec<(usize, &str)> = Vec::new();
    for candidate in known {
        if candidate.len() > 2 * LONGEST_MISSPELT {
            continue;
        }
        left = match left.checked_sub(wanted.len() * candidate.len()) {
            Some(left) => left,
            None => break,
        };
        near.extend(distance(&wanted, &candidate.to_lowercase()).map(|distance| (distance, candidate)));
    }
    near.sort_unstable();
    near.dedup();
    let names: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

/// How far a known name is from the one that was given, if it is near.
fn distance(name: &str, known: &str) -> Option<usize> {
    let edits = |known: &str| {
        let limit = (known.len().max(name.len()) / 3).max(1);
        let edits = (known.len().abs_diff(name.len()) <= 4 * limit).then(|| strsim::osa_distance(name, known))?;
        (edits <= limit).then_some(edits)
    };
    let without_number = || {
        let (stem, number) = known.rsplit_once('_')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        edits(if is_number { stem } else { return None }).map(|edits| edits + 1)
    };
    let is_start = || (name.len() >= 3 && known.starts_with(name)).then(|| known.len() - name.len());
    let is_part = || {
        let mut segments = known.split('/');
        let all = name.contains('/') && name.split('/').all(|part| segments.any(|segment| segment == part));
        all.then(|| known.len() - name.len())
    };
    [edits(known), without_number(), is_start(), is_part()].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        assert_eq!(did_you_mean("Dens", ["Dense", "LSTM"]).as_deref(), Some("did you mean `Dense`?"));
        assert_eq!(did_you_mean("Conv2D", ["Dense"]), None);
        assert_eq!(did_you_mean("sdg", ["SGD"]).as_deref(), Some("did you mean `SGD`?"));
        assert_eq!(did_you_mean("dens", ["dense_4", "conv2d_4"]).as_deref(), Some("did you mean `dense_4`?"));
        let paths = ["lstm/lstm_cell/kernel", "lstm/lstm_cell/bias"];
        assert_eq!(did_you_mean("lstm/kernel", paths).as_deref(), Some("did you mean `lstm/lstm_cell/kernel`?"));
        assert_eq!(did_you_mean("", ["a"]), None);
    }

    #[test]
    fn long_names_are_shortened_and_not_compared() {
        let long = "näme".repeat(1 << 20);
        let error = Error::new(ErrorKind::UnknownObject, format!("unknown object `{long}`")).at(long.clone());
        let error = error.expected(long.clone()).received(long.clone()).hint(long.clone());
        assert!(error.to_string().len() < 5 * LONGEST_TEXT, "{}", error.to_string().len());
        assert!(error.to_string().contains("bytes left out"));
        assert_eq!(did_you_mean(&long, [long.as_str(), "Dense"]), None);
        assert_eq!(did_you_mean("Dens", [long.as_str(), "Dense"]).as_deref(), Some("did you mean `Dense`?"));
    }

    #[test]
    fn many_known_names_cost_no_more_than_some() {
        let known: Vec<String> = (0..1_000_000).map(|i| format!("a_rather_long_name_of_a_layer_{i}")).collect();
        // What is found first is offered; the others are not looked at.
        assert!(did_you_mean("a_rather_long_name_of_a_layer", known.iter().map(String::as_str)).is_some());
    }
}
