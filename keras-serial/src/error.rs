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
    /// A new error of a kind; `message` starts in lower case and has no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: Vec::new(),
            message: message.into(),
            expected: None,
            received: None,
            hint: None,
            source: None,
        }))
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<Cow<'static, str>>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// Says what was received instead.
    #[must_use]
    pub fn received(mut self, received: impl Into<Cow<'static, str>>) -> Self {
        self.0.received = Some(received.into());
        self
    }

    /// Says what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
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
            self.0.path.push(segment);
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

/// ` (did you mean …?)` for the closest of `known` names, or nothing when none is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(name.len()) / 3).max(1))
        .collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        assert_eq!(did_you_mean("Dens", ["Dense", "LSTM"]).as_deref(), Some("did you mean `Dense`?"));
        assert_eq!(did_you_mean("Conv2D", ["Dense"]), None);
        assert_eq!(did_you_mean("sdg", ["SGD"]).as_deref(), Some("did you mean `SGD`?"));
    }
}
