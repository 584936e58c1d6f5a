//! Writes the members of a `.keras` archive, as one file or as a directory.

use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use super::model_file::{TRAINING_STATE, WEIGHTS};
use super::moment::Moment;
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::{refuse_file, write_directory, write_file};
use crate::files::weights::verify;
use crate::files::{KERAS_VERSION, Limits, WeightTree, ZipReader, ZipTime, ZipWriter, write_hdf5};
use crate::json::{Dict, Value};

/// The folder of an archive with the assets.
pub(crate) const ASSETS: &str = "assets";

/// The members of an archive, serialized before the file is opened.
pub(crate) struct Parts {
    pub metadata: String,
    pub config: String,
    pub weights: WeightTree,
    pub training_state: Option<String>,
    pub assets: Vec<(String, Vec<u8>)>,
    pub time: Option<ZipTime>,
    limits: Limits,
}

impl Parts {
    /// Collects the members of an archive that is saved now, except its training state.
    pub fn new(
        config: String,
        weights: WeightTree,
        assets: Vec<(String, Vec<u8>)>,
        deterministic: bool,
    ) -> Result<Self> {
        let now = if deterministic { Moment::START } else { Moment::now() };
        let metadata = Value::Dict(Dict::from([
            ("keras_version".to_owned(), Value::from(KERAS_VERSION)),
            ("date_saved".to_owned(), Value::from(now.text())),
        ]));
        let time = (!deterministic).then(|| now.zip_time()).transpose()?;
        Ok(Self {
            metadata: metadata.to_json(),
            config,
            weights,
            training_state: None,
            assets,
            time,
            limits: Limits::default(),
        })
    }

    /// Sets the training state and the limits.
    pub fn with(self, training_state: Option<String>, limits: Limits) -> Self {
        Self { training_state, limits, ..self }
    }

    /// Writes a `.keras` file, and reads names and shapes back before it replaces the old file.
    pub fn write_file(self, path: &Path, fsync: bool) -> Result<()> {
        let (expected, limits) = (self.weights.clone(), self.limits.clone());
        write_file(path, fsync, |file| {
            self.write(BufWriter::new(&mut *file))?;
            verify(file, &expected, &limits, |file| Ok(ZipReader::of_section(file, &limits)?.section(WEIGHTS)?.0))
        })
    }

    /// Writes a `.keras` archive.
    pub fn write(self, output: impl Write + Seek) -> Result<()> {
        let mut archive = ZipWriter::new(output);
        if let Some(time) = self.time {
            archive = archive.with_time(time);
        }
        archive.add("metadata.json", self.metadata.as_bytes())?;
        archive.add("config.json", self.config.as_bytes())?;
        let bound = self.weights.size_bound().saturating_mul(2);
        let weights = self.weights.to_hdf5()?;
        archive.add_with(WEIGHTS, bound, |member| weights.write(member))?;
        if let Some(text) = &self.training_state {
            archive.add(TRAINING_STATE, text.as_bytes())?;
        }
        for (name, bytes) in &self.assets {
            archive.add(name, bytes)?;
        }
        archive.finish()?.flush()?;
        Ok(())
    }

    /// Writes the members of an archive into a directory.
    pub fn write_directory(self, path: &Path, fsync: bool) -> Result<()> {
        if let Some((name, _)) = self.assets.iter().find(|(name, _)| !stays_inside(name)) {
            let text = "the name of an asset leads out of the directory";
            return Err(Error::new(ErrorKind::Archive, text).at(name.clone()));
        }
        match Standing::at(path)? {
            Standing::Nothing | Standing::Model => write_directory(path, fsync, |new| self.write_members(new, fsync)),
            Standing::Others => self.write_beside_others(path, fsync),
        }
    }

    /// Writes the members into a directory in which the user keeps other files: those stay, and members of an earlier
    /// model are removed.
    fn write_beside_others(&self, path: &Path, fsync: bool) -> Result<()> {
        let folder = path.join(ASSETS);
        let found = folder.symlink_metadata().ok();
        let has_assets = found.is_some();
        if found.is_some_and(|found| !found.is_dir() || !path.join(WEIGHTS).exists()) {
            let text = "the directory has a folder `assets` that is no model's";
            let error = Error::new(ErrorKind::Io, text).at(ASSETS);
            return Err(error.hint("save the model into a directory of its own"));
        }
        write_hdf5(&self.weights, &path.join(WEIGHTS), &self.limits, fsync)?;
        if has_assets || !self.assets.is_empty() {
            write_directory(&folder, fsync, |new| self.write_assets(new, fsync))?;
        }
        if self.assets.is_empty() && has_assets {
            std::fs::remove_dir(&folder)?;
        }
        if self.training_state.is_none() {
            remove_if_there(&path.join(TRAINING_STATE))?;
        }
        self.write_texts(path, fsync)
    }

    /// Writes all assets into their folder.
    fn write_assets(&self, folder: &Path, fsync: bool) -> Result<()> {
        for (name, bytes) in &self.assets {
            let file = folder.join(name.strip_prefix("assets/").unwrap_or(name));
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            write_file(&file, fsync, |file| Ok(file.write_all(bytes)?))?;
        }
        Ok(())
    }

    fn write_members(&self, path: &Path, fsync: bool) -> Result<()> {
        self.write_assets(&path.join(ASSETS), fsync)?;
        write_hdf5(&self.weights, &path.join(WEIGHTS), &self.limits, fsync)?;
        self.write_texts(path, fsync)
    }

    fn write_texts(&self, path: &Path, fsync: bool) -> Result<()> {
        let text =
            |name: &str, text: &str| write_file(&path.join(name), fsync, |file| Ok(file.write_all(text.as_bytes())?));
        if let Some(state) = &self.training_state {
            text(TRAINING_STATE, state)?;
        }
        text("config.json", &self.config)?;
        text("metadata.json", &self.metadata)
    }
}

fn stays_inside(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']))
}

/// What exists at the path where a model's directory is to be written.
enum Standing {
    /// Nothing, or an empty directory.
    Nothing,
    /// A model's directory, with nothing else in it.
    Model,
    /// A directory with other files.
    Others,
}

impl Standing {
    fn at(path: &Path) -> Result<Self> {
        refuse_file(path)?;
        if !path.is_dir() {
            return Ok(Self::Nothing);
        }
        let mut is_empty = true;
        for entry in std::fs::read_dir(path)? {
            is_empty = false;
            let known = ["config.json", "metadata.json", WEIGHTS, TRAINING_STATE, ASSETS].map(Some);
            if !known.contains(&entry?.file_name().to_str()) {
                return Ok(Self::Others);
            }
        }
        // A folder `assets` without weights may be the user's own.
        Ok(if is_empty {
            Self::Nothing
        } else if path.join(WEIGHTS).exists() {
            Self::Model
        } else {
            Self::Others
        })
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
