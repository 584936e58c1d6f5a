//! The members of a `.keras` archive, or of a directory with the same files.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::unread::Unread;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::Section;
use crate::files::io::sign::is_pickle;
use crate::files::{Limits, ZipReader};
use crate::utils::join;

/// The members of an archive, or of a directory with the same files.
pub(super) trait Members {
    fn contains(&self, name: &str) -> bool;
    fn text(&self, name: &str) -> Result<Bytes>;
    fn bytes(&self, name: &str) -> Result<Bytes>;
    /// Returns a member that is read on demand, and its checksum.
    fn section(&self, name: &str) -> Result<(Section, Option<u32>)>;
    fn names(&self) -> Result<Vec<String>>;
    /// Lists what is in the file, and nothing reads.
    fn unread(&self) -> Vec<Unread>;
}

/// The members that are read, but for assets.
const READ: [&str; 4] = ["config.json", "metadata.json", super::WEIGHTS, super::TRAINING_STATE];

/// The members of an archive.
pub(super) struct Zip(pub(super) ZipReader);

impl Members for Zip {
    fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn text(&self, name: &str) -> Result<Bytes> {
        self.0.read_text(name)
    }

    fn bytes(&self, name: &str) -> Result<Bytes> {
        self.0.read(name)
    }

    fn section(&self, name: &str) -> Result<(Section, Option<u32>)> {
        self.0.section(name)
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.0.members().iter().map(|member| member.name.clone()).collect())
    }

    fn unread(&self) -> Vec<Unread> {
        let is_read = |name: &str| name.ends_with('/') || name.starts_with("assets/") || READ.contains(&name);
        let others = self.0.members().iter().filter(|member| !is_read(&member.name)).map(|member| {
            let head = self.0.section(&member.name).and_then(|(file, _)| file.head(2));
            let what = format!("a member of {} bytes", member.size);
            Unread { place: member.name.clone(), what, is_code: head.is_ok_and(|head| is_pickle(&head)) }
        });
        Unread::bytes("", self.0.leading(), "before the archive").into_iter().chain(others).collect()
    }
}

/// A directory of members. Links in it are not followed, so that nothing outside is read.
pub(super) struct Directory<'a> {
    pub(super) root: PathBuf,
    pub(super) limits: &'a Limits,
    pub(super) memory_map: bool,
}

impl Directory<'_> {
    fn list(&self, folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<()> {
        Limits::check("directories inside each other", depth as u64, self.limits.max_depth as u64)?;
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name =
                name.to_str().ok_or_else(|| Error::new(ErrorKind::Archive, "the name of a file is not UTF-8"))?;
            let path = join(prefix, name);
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                return Err(Error::new(ErrorKind::Archive, "links in a model's directory are not followed").at(path));
            } else if kind.is_dir() {
                self.list(&entry.path(), &path, depth + 1, names)?;
            } else {
                names.push(path);
            }
            Limits::check("files of a directory", names.len() as u64, self.limits.max_members as u64)?;
        }
        Ok(())
    }

    fn open(&self, name: &str) -> Result<Section> {
        let path = self.root.join(name);
        let metadata = path.symlink_metadata().map_err(Error::from).at_with(|| name.to_owned())?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::Archive, "not an ordinary file").at(name.to_owned()));
        }
        Section::open(&path, self.memory_map).at_with(|| name.to_owned())
    }

    fn bytes_at_most(&self, name: &str, limit: u64) -> Result<Bytes> {
        let file = self.open(name)?;
        Limits::check("bytes of a member", file.len(), limit).and_then(|()| file.read()).at_with(|| name.to_owned())
    }
}

impl Members for Directory<'_> {
    fn contains(&self, name: &str) -> bool {
        self.root.join(name).symlink_metadata().is_ok()
    }

    fn text(&self, name: &str) -> Result<Bytes> {
        self.bytes_at_most(name, self.limits.max_config_bytes)
    }

    fn bytes(&self, name: &str) -> Result<Bytes> {
        self.bytes_at_most(name, self.limits.max_member_bytes)
    }

    fn section(&self, name: &str) -> Result<(Section, Option<u32>)> {
        Ok((self.open(name)?, None))
    }

    fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let assets = self.root.join("assets");
        if assets.symlink_metadata().is_ok() {
            self.list(&assets, "assets", 0, &mut names)?;
        }
        names.sort();
        Ok(names)
    }

    fn unread(&self) -> Vec<Unread> {
        // Other files of a directory are the user's own.
        Vec::new()
    }
}
