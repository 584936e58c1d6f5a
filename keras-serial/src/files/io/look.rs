//! How much of a file is read on opening.

/// How much of a file is read and checked on opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Checks all checksums and reads assets; weights are read on demand.
    Checked,
    /// As `Checked`, and keeps what is read for the checksums, because everything will be loaded.
    Kept,
    /// As `Kept`, from a memory mapping of the file where that saves a copy.
    Mapped,
    /// Reads names, shapes and dtypes only; the weights' bytes are not touched.
    Names,
}
