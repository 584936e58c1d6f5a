//! Files that are there whole or not at all.

use std::fs::File;
use std::path::Path;

use tempfile::Builder;

use crate::error::{Error, ErrorKind, Result, ResultExt};

/// Writes a file beside `path` with `write`, then puts it in the place of `path` in one step.
///
/// What is written is on the disk (`fsync`) before the name is: a reader, or a machine that loses
/// power, sees the old file or the new one. When `write` fails, or the disk is full, `path` is as it
/// was. The permissions are those of the file that is replaced, else those of any new file.
///
/// # Errors
/// The error of `write`, or [`ErrorKind::Io`] with the path.
pub fn write_atomically<T>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut File) -> Result<T>,
) -> Result<T> {
    let path = path.as_ref();
    write_beside(path, write).at_with(|| path.display().to_string())
}

fn write_beside<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    if path.file_name().is_none() || path.is_dir() {
        return Err(Error::new(ErrorKind::Io, "not the path of a file"));
    }
    // A symbolic link is followed: the file it names is replaced, not the link.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".keras-serial-").suffix(".tmp");
    // Temporary files are private by default; this one becomes an ordinary file (less the umask).
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory)?;
    let result = write(file.as_file_mut())?;
    if let Ok(metadata) = path.metadata() {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)
        .map_err(|error| Error::from(error.error))?;
    // The new name lies in the directory. Some file systems can't sync one; the file is whole anyway.
    #[cfg(unix)]
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn replaces_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_atomically(&path, |file| Ok(file.write_all(b"one")?)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        let error = write_atomically(&path, |file| {
            file.write_all(b"half of tw")?;
            Err::<(), _>(Error::new(ErrorKind::Weights, "no more"))
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Weights);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_atomically(&path, |file| Ok(file.write_all(b"two")?)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write_atomically(directory.path(), |_| Ok(())).is_err());
        assert!(write_atomically(directory.path().join("none/file"), |_| Ok(())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_ordinary_files() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let directory = tempfile::tempdir().unwrap();
        let ordinary = directory.path().join("ordinary");
        std::fs::write(&ordinary, b"").unwrap();
        let path = directory.path().join("file");
        write_atomically(&path, |_| Ok(())).unwrap();
        assert_eq!(mode(&path), mode(&ordinary));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write_atomically(&path, |_| Ok(())).unwrap();
        assert_eq!(mode(&path), 0o640);
    }
}
