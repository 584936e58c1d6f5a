//! Where commands write files: a path, or standard output; never over an input by mistake.

use std::fs::{self, File, Metadata};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::is_standard;
use super::terminal::Terminal;
use crate::error::{Error, ErrorKind, Result, ResultExt};

/// The file that a command writes.
#[derive(Debug, Args)]
pub(super) struct Overwrite {
    /// Write even where that overwrites an input, or sends binary data to a terminal.
    #[arg(long, short)]
    force: bool,
}

impl Overwrite {
    /// Writes a file: `write` is called with its path. For standard output that is a temporary one that ends in
    /// `suffix`, which is copied there once it is complete.
    ///
    /// # Errors
    /// Those of `write`; when the file is one of `inputs`, and that was not asked for.
    pub(super) fn write<T>(
        &self,
        output: &Path,
        inputs: &[&Path],
        suffix: &str,
        terminal: &Terminal,
        write: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<T> {
        if !is_standard(output) {
            self.check(output, inputs)?;
            return write(output);
        }
        self.check_standard()?;
        let home = tempfile::tempdir()?;
        let path = home.path().join(format!("output{suffix}"));
        let result = write(&path)?;
        copy(&path, terminal).at("standard output")?;
        Ok(result)
    }

    /// Checks that standard output may get binary data.
    ///
    /// # Errors
    /// When it is a terminal.
    pub(super) fn check_standard(&self) -> Result<()> {
        if self.force || !std::io::stdout().is_terminal() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument, "standard output is a terminal, which can't show a binary file")
            .hint("name a file, or pipe it to a program; `--force` writes it"))
    }

    /// Checks that a file is none of the inputs, and no part of one.
    ///
    /// # Errors
    /// When it is one.
    pub(super) fn check(&self, output: &Path, inputs: &[&Path]) -> Result<()> {
        match inputs.iter().find(|input| !is_standard(input) && overlap(output, input)) {
            Some(input) if !self.force => {
                Err(Error::new(ErrorKind::InvalidArgument, "the output would overwrite the input")
                    .received(format!("`{}` for both", input.display()))
                    .hint("name another file, or use `--force`")
                    .at(output.display().to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// Copies a file to standard output, until its reader closes it.
fn copy(path: &Path, terminal: &Terminal) -> Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    while !terminal.is_closed() {
        match file.read(&mut buffer)? {
            0 => break,
            count => terminal.write(buffer.get(..count).unwrap_or_default())?,
        }
    }
    Ok(())
}

/// Returns true if writing a file or directory changes another one, or a part of it.
fn overlap(output: &Path, input: &Path) -> bool {
    let (Ok(there), Ok(read)) = (fs::canonicalize(output), fs::canonicalize(input)) else {
        // What does not exist yet is overwritten only as a part: of the input, or among its shards.
        return parent(output)
            .zip(fs::canonicalize(input).ok())
            .is_some_and(|(parent, input)| parent.starts_with(input));
    };
    let is_one = fs::metadata(&there).ok().zip(fs::metadata(&read).ok()).is_some_and(|(a, b)| is_same(&a, &b));
    is_one || there.starts_with(&read) || read.starts_with(&there) || is_shard_of(&read, &there)
}

fn parent(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()
}

/// Returns true for two names of one file.
#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    // The canonical paths tell.
    false
}

/// Returns true if a file may be one of the shards that an index names, which are removed when it is replaced.
fn is_shard_of(file: &Path, index: &Path) -> bool {
    let text = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (file_name, index_name) = (text(file), text(index));
    index_name.strip_suffix(".weights.json").is_some_and(|stem| {
        file.parent() == index.parent() && file_name.starts_with(stem) && file_name.ends_with(".weights.h5")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_that_touch_inputs_are_found() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("model")).unwrap();
        for name in ["a.keras", "b.keras", "m.weights.json", "m_00000.weights.h5", "model/config.json"] {
            fs::write(at(name), "").unwrap();
        }
        fs::hard_link(at("a.keras"), at("c.keras")).unwrap();
        let found = |output: &str, input: &str| overlap(&at(output), &at(input));
        assert!(found("a.keras", "a.keras") && found("model/../a.keras", "a.keras") && found("c.keras", "a.keras"));
        assert!(
            found("model/config.json", "model")
                && found("model/new.json", "model")
                && found("model", "model/config.json")
        );
        assert!(found("m.weights.json", "m_00000.weights.h5"));
        assert!(!found("b.keras", "a.keras") && !found("new.keras", "a.keras") && !found("m.weights.json", "a.keras"));
    }
}
