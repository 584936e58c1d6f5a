//! Atomic writing: a file is there completely or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, PersistError, TempDir};

use crate::error::{Error, ErrorKind, Result, ResultExt};

/// Writes a file atomically: `write` fills a temporary file beside `path`, which then replaces `path`.
///
/// The contents are synced to disk (`fsync`) before the rename, so a reader, or a machine that loses
/// power, sees either the old file or the new one. If `write` fails, or the disk is full, `path` is
/// unchanged. The permissions are those of the replaced file, else those of any new file.
/// # Errors
/// Those of `write`, and [`ErrorKind::Io`] with the path.
pub fn write_atomically<T>(path: impl AsRef<Path>, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    write_file(path.as_ref(), true, write)
}

/// Like [`write_atomically`]; without `fsync`, a power failure may lose the file.
pub(crate) fn write_file<T>(path: &Path, fsync: bool, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let (staged, result) = Staged::write(path, fsync, write)?;
    staged.commit()?;
    Ok(result)
}

/// A complete temporary file beside its final path, not yet renamed.
pub(crate) struct Staged {
    file: NamedTempFile,
    path: PathBuf,
    fsync: bool,
}

impl Staged {
    /// Writes the temporary file; leaves nothing behind on failure.
    pub fn write<T>(path: &Path, fsync: bool, write: impl FnOnce(&mut File) -> Result<T>) -> Result<(Self, T)> {
        Self::write_beside(path, fsync, write).at_with(|| path.display().to_string())
    }

    fn write_beside<T>(path: &Path, fsync: bool, write: impl FnOnce(&mut File) -> Result<T>) -> Result<(Self, T)> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(Error::new(ErrorKind::Io, "not the path of a file"));
        }
        let path = resolve(path)?;
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(".tmp");
        // Temporary files are private by default; this one gets ordinary permissions (less the umask).
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let directory = parent(&path);
        let mut file = builder.tempfile_in(directory).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Io, format!("the directory `{}` does not exist", directory.display()))
                    .hint("make it first, with `std::fs::create_dir_all`")
                    .with_source(error)
            }
            _ => error.into(),
        })?;
        let result = write(file.as_file_mut())?;
        if let Ok(metadata) = path.metadata() {
            file.as_file().set_permissions(metadata.permissions())?;
        }
        if fsync {
            file.as_file().sync_all()?;
        }
        Ok((Self { file, path, fsync }, result))
    }

    /// Renames the file to a path that does not exist yet; returns the file if the path exists.
    pub fn commit_new(self, path: &Path) -> Result<Option<Self>> {
        match self.file.persist_noclobber(path) {
            Ok(_) => {
                if self.fsync {
                    sync_directory(parent(path));
                }
                Ok(None)
            }
            Err(PersistError { error, file }) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Some(Self { file, ..self }))
            }
            Err(error) => Err(Error::from(error.error).at(path.display().to_string())),
        }
    }

    /// Renames the file to its final path and returns the contents of the file that it replaces. Where
    /// the system can exchange two files (Linux), each replaced file is returned to exactly one caller,
    /// however many write at once.
    pub fn commit_and_take(self) -> Result<Option<Vec<u8>>> {
        let (path, fsync) = (self.path.clone(), self.fsync);
        let old = self.exchange_with_file().at_with(|| path.display().to_string())?;
        if fsync {
            sync_directory(parent(&path));
        }
        Ok(old)
    }

    fn exchange_with_file(self) -> Result<Option<Vec<u8>>> {
        let Self { mut file, path, .. } = self;
        loop {
            match exchange_in_one_step(file.path(), &path) {
                // The temporary name now refers to the old file, which is removed with it.
                Ok(true) => return Ok(Some(std::fs::read(file.path())?)),
                Ok(false) => {
                    let old = std::fs::read(&path).ok();
                    file.persist(&path).map_err(|error| error.error)?;
                    return Ok(old);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => match file.persist_noclobber(&path) {
                    Ok(_) => return Ok(None),
                    Err(PersistError { error, file: back }) if error.kind() == io::ErrorKind::AlreadyExists => {
                        file = back
                    }
                    Err(error) => return Err(error.error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Renames the file to its final path, in one step.
    pub fn commit(self) -> Result<()> {
        let Self { file, path, fsync } = self;
        let result = file.persist(&path).map_err(|error| Error::from(error.error));
        result.at_with(|| path.display().to_string())?;
        if fsync {
            sync_directory(parent(&path));
        }
        Ok(())
    }
}

/// Resolves symbolic links, so that the file a link names is replaced and not the link, even if that
/// file does not exist yet.
fn resolve(path: &Path) -> Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    /// The number of links that the system follows.
    const LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = parent(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::new(ErrorKind::Io, "too many levels of symbolic links"))
}

/// Writes a directory atomically: `write` fills a new directory beside `path`, which then replaces
/// `path`. Where the system can exchange two directories (Linux), `path` exists at every moment.
///
/// # Errors
/// Those of `write`; [`ErrorKind::Io`] if the system refuses, or if `path` is a file.
pub(crate) fn write_directory(path: &Path, fsync: bool, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let path = &resolve(path)?;
    refuse_file(path)?;
    let beside = parent(path);
    std::fs::create_dir_all(beside)?;
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    let staged = builder.tempdir_in(beside)?;
    write(staged.path())?;
    if let Ok(metadata) = path.metadata() {
        std::fs::set_permissions(staged.path(), metadata.permissions())?;
    }
    if fsync {
        sync_directory(staged.path());
    }
    place(staged, path)?;
    if fsync {
        sync_directory(beside);
    }
    Ok(())
}

/// Renames a directory to its final path, even while others do the same.
fn place(staged: TempDir, path: &Path) -> Result<()> {
    /// How many times to try again when another writer was faster.
    const ATTEMPTS: usize = 100;
    for attempt in 0.. {
        // A rename can only replace nothing, or an empty directory.
        if std::fs::rename(staged.path(), path).is_ok() {
            let _ = staged.keep();
            break;
        }
        refuse_file(path)?;
        // After the exchange the temporary name refers to the old directory, which is removed with it.
        match exchange(staged.path(), path) {
            Ok(()) => {
                staged.close()?;
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns an error if `path` is a file: a directory does not replace a file.
pub(crate) fn refuse_file(path: &Path) -> Result<()> {
    if path.exists() && !path.is_dir() {
        let error = Error::new(ErrorKind::Io, "a file stands where a directory is to be written");
        return Err(error.hint("remove the file first, or take another path"));
    }
    Ok(())
}

/// Exchanges two files or directories; false if the system can't.
#[cfg(target_os = "linux")]
fn exchange_in_one_step(new: &Path, old: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        // Some file systems don't support this.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange_in_one_step(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    if exchange_in_one_step(new, old)? { Ok(()) } else { exchange_by_steps(new, old) }
}

/// Exchanges by three renames; undoes the first if the second fails.
fn exchange_by_steps(new: &Path, old: &Path) -> io::Result<()> {
    let aside = new.with_extension("old");
    std::fs::rename(old, &aside)?;
    if let Err(error) = std::fs::rename(new, old) {
        std::fs::rename(&aside, old)?;
        return Err(error);
    }
    std::fs::rename(&aside, new)
}

/// The prefix of temporary files' names.
const PREFIX: &str = ".keras-serial-";

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Syncs a directory, which makes the new name durable. Some systems can't; the file is complete anyway.
fn sync_directory(directory: &Path) {
    if cfg!(unix)
        && let Ok(directory) = File::open(directory)
    {
        let _ = directory.sync_all();
    }
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

    #[test]
    fn directories_are_replaced_as_a_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("model");
        let write = |name: &'static str| write_directory(&path, true, |new| Ok(std::fs::write(new.join(name), name)?));
        let names =
            || -> Vec<_> { std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
        write("one").unwrap();
        assert_eq!(names(), ["one"]);
        write("two").unwrap();
        assert_eq!(names(), ["two"]);
        let failed = write_directory(&path, true, |_| Err(Error::new(ErrorKind::Weights, "no more")));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Weights);
        assert_eq!(names(), ["two"]);
        let other = home.path().join("other");
        std::fs::create_dir(&other).unwrap();
        exchange_by_steps(&other, &path).unwrap();
        assert!(names().is_empty());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
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
