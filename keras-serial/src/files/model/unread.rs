//! What is in a file, and nothing reads.

/// A part of a file that nothing reads, which may hide something.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    /// The name of a member; empty for the file itself.
    pub(crate) place: String,
    /// What it is: `17 bytes before the archive`.
    pub(crate) what: String,
    /// True for a pickle.
    pub(crate) is_code: bool,
}

impl Unread {
    /// Returns a part of this many bytes at a place; `None` for an empty one.
    pub(super) fn bytes(place: &str, bytes: u64, which: &str) -> Option<Self> {
        let what = format!("{bytes} bytes {which}");
        (bytes > 0).then(|| Self { place: place.to_owned(), what, is_code: false })
    }
}
