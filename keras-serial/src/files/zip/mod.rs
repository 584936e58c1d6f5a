//! Zip archives, the container of `.keras` files.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::check_sum;
pub use read::{ZipMember, ZipReader};
pub use write::{ZipTime, ZipWriter};

use crate::error::{Error, ErrorKind, Result};
use crate::files::Limits;

/// Checks that a name stays inside the archive, whatever system unpacks it.
///
/// The writer checks this too, so that no layer's name makes an archive that others refuse.
fn check_name(name: &str, limits: &Limits) -> Result<()> {
    Limits::check("bytes of a member's name", name.len() as u64, limits.max_path_bytes as u64)?;
    let inside = name.strip_suffix('/').unwrap_or(name);
    let sound =
        !inside.contains(['\\', ':', '\0']) && inside.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if sound {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Archive, "name of a member leads out of the archive")
        .expected("a relative path of plain names, parted by `/`")
        .received(format!("{name:?}")))
}

/// Converts an error of the zip library to one of this crate.
fn zip_error(error: ::zip::result::ZipError) -> Error {
    match error {
        ::zip::result::ZipError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::new(ErrorKind::Archive, "archive is cut short").with_source(error)
        }
        error => Error::new(ErrorKind::Archive, error.to_string()).with_source(error),
    }
}
