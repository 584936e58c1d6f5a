//! The error type of the crate: what went wrong, where in the object tree, what was expected and received,
//! and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error; match on it with [`Error::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON as Python writes it.
    Json,
    /// A configuration lacks an entry, or an entry has a wrong type or value.
    Config,
    /// No object is registered under this name.
    UnknownObject,
    /// Two objects are registered under the same name.
    DuplicateObject,
    /// An object is of another kind than required (a loss where a layer belongs).
    WrongKind,
    /// The file asks for code to be run (`Lambda`, pickles, foreign models), which is refused.
    CodeRefused,
    /// An argument of a call is out of range or of the wrong type.
    InvalidArgument,
    /// Shapes do not fit.
    Shape,
    /// Dtypes do not fit.
    DType,
    /// The graph of a model is invalid.
    Graph,
    /// Weights do not fit the model: missing, unexpected, mismatched.
    Weights,
    /// A loss is NaN or infinite.
    NotFinite,
    /// A weight or layer is used before it is built.
    NotBuilt,
    /// An archive (zip) is broken or lacks a member.
    Archive,
    /// An HDF5 file is broken or lacks an object.
    Hdf5,
    /// A file of training data is broken or lacks an array.
    Data,
    /// A limit of the reader was exceeded.
    Limit,
    /// The operating system reported an error on reading or writing.
    Io,
    /// Keras supports this, but this crate (or this build of it) does not.
    Unsupported,
    /// The engine that computes reported an error.
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
    /// Creates an error of a kind; `message` starts in lower case and has no full stop. The middle of a very
    /// long text is left out, here and in the other parts: names can come from a file and have any length.
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

    /// Adds what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<Cow<'static, str>>) -> Self {
        self.0.expected = Some(bounded(expected.into(), LONGEST_TEXT));
        self
    }

    /// Adds what was received instead.
    #[must_use]
    pub fn received(mut self, received: impl Into<Cow<'static, str>>) -> Self {
        self.0.received = Some(bounded(received.into(), LONGEST_TEXT));
        self
    }

    /// Adds another thing that the user can do about it, after the hint that there may be.
    #[must_use]
    pub(crate) fn or_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        let hint = hint.into();
        let both = match self.0.hint.take() {
            Some(first) => Cow::Owned(format!("{first} Or {hint}")),
            None => hint,
        };
        self.hint(both)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(bounded(hint.into(), LONGEST_TEXT));
        self
    }

    /// Appends to the message.
    #[must_use]
    pub(crate) fn and(mut self, more: impl AsRef<str>) -> Self {
        let message = format!("{}{}", self.0.message, more.as_ref());
        self.0.message = bounded(message.into(), LONGEST_TEXT);
        self
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds an enclosing segment at the front of the path; an empty segment is ignored.
    #[must_use]
    pub fn at(mut self, segment: impl Into<Cow<'static, str>>) -> Self {
        let segment = segment.into();
        if !segment.is_empty() {
            self.0.path.push(bounded(segment, LONGEST_NAME));
        }
        self
    }

    /// Adds the path, unless the error has one that says where it is.
    #[cfg(feature = "files")]
    #[must_use]
    pub(crate) fn or_at(self, path: &str) -> Self {
        if self.0.path.is_empty() { self.at(path.to_owned()) } else { self }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the path in the object tree: `functional/dense_1/kernel_initializer`; empty at the root.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.0.path.iter().rev() {
            // A position in a list stands in brackets: `layers[1]/units`.
            if !path.is_empty() && !segment.starts_with('[') {
                path.push('/');
            }
            path.push_str(segment);
        }
        path
    }

    /// Returns the whole text without the path.
    pub(crate) fn without_path(&self) -> String {
        let mut error = self.clone();
        error.0.path.clear();
        error.to_string()
    }

    /// Adds what the user can do about it, if there is no hint yet.
    #[must_use]
    pub(crate) fn or_else_hint(self, hint: impl FnOnce() -> String) -> Self {
        if self.0.hint.is_some() { self } else { self.hint(hint()) }
    }

    /// Returns the message without path, expectation or hint.
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

/// Adds the place in the object tree to the error of a result.
pub trait ResultExt<T> {
    /// Adds an enclosing segment at the front of the error's path.
    fn at(self, segment: impl Into<Cow<'static, str>>) -> Result<T>;
    /// Like [`ResultExt::at`], but computes the segment only for an error.
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

/// The maximum bytes of a message, beyond which its middle is left out.
const LONGEST_TEXT: usize = 8192;
/// The maximum bytes of a segment of a path, beyond which its middle is left out.
const LONGEST_NAME: usize = 512;

/// Limits a text to about this many bytes by leaving out its middle.
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

/// Longer names are not compared.
const LONGEST_MISSPELT: usize = 256;
/// The maximum number of compared pairs of characters: names can come from a file, which can hold many.
const MOST_COMPARED: usize = 1 << 24;

/// Suggests up to three of the `known` names that are similar: `did you mean …?`. `None` if none is.
///
/// A name is similar if at most a third of its characters differ, if it is so without the known name's number
/// (`dense_4` for `dens`) or, for paths, without the first segments of the known one, if the known name begins with it,
/// or if a known path has all of its segments in order.
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

/// Returns the distance of a known name from the given one, if it is similar.
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
    // The end of a path: `body/kernle` for `model/body/kernel`.
    let without_start = || {
        let (given, all) = (name.matches('/').count(), known.matches('/').count());
        let start = (given > 0).then(|| all.checked_sub(given)).flatten().filter(|more| *more > 0)?;
        let end = known.splitn(start + 1, '/').last()?;
        edits(end).map(|edits| edits + start)
    };
    [edits(known), without_number(), is_start(), is_part(), without_start()].into_iter().flatten().min()
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
        let paths = ["model/body/kernel", "model/body/bias", "model/head/kernel"];
        assert_eq!(did_you_mean("body/kernle", paths).as_deref(), Some("did you mean `model/body/kernel`?"));
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
        // The first ones found are suggested; the others are not compared.
        assert!(did_you_mean("a_rather_long_name_of_a_layer", known.iter().map(String::as_str)).is_some());
    }
}
