//! The options for writing files.

use crate::files::Limits;

/// Options for writing a file of a model or of weights.
///
/// ```no_run
/// use keras_serial::files::{Limits, WriteOptions, convert};
/// let options = WriteOptions::new().max_shard_size(2.0);
/// convert("model.keras", "model.weights.json", &Limits::default(), &options)?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing by themselves"]
pub struct WriteOptions {
    pub(crate) deterministic: bool,
    pub(crate) zipped: bool,
    pub(crate) max_shard_size: Option<f64>,
    pub(crate) include_optimizer: bool,
    pub(crate) embed_config: bool,
    pub(crate) fsync: bool,
    pub(crate) limits: Limits,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            deterministic: false,
            zipped: true,
            max_shard_size: None,
            include_optimizer: true,
            embed_config: false,
            fsync: true,
            limits: Limits::default(),
        }
    }
}

impl WriteOptions {
    /// Creates the default options, which write as Keras does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the date is left out, so that two files of one content are equal byte for byte; false by default.
    pub fn deterministic(mut self, deterministic: bool) -> Self {
        self.deterministic = deterministic;
        self
    }

    /// Sets whether to write one archive (true, the default) or a directory of its members.
    pub fn zipped(mut self, zipped: bool) -> Self {
        self.zipped = zipped;
        self
    }

    /// Splits weights over files of at most this many GiB, with an index `.weights.json` (files of weights only).
    pub fn max_shard_size(mut self, gib: f64) -> Self {
        self.max_shard_size = Some(gib);
        self
    }

    /// Sets whether a legacy file includes the optimizer's state; true by default.
    pub fn include_optimizer(mut self, include_optimizer: bool) -> Self {
        self.include_optimizer = include_optimizer;
        self
    }

    /// Sets whether the metadata of a `.safetensors` file holds the configuration; false by default.
    pub fn embed_config(mut self, embed_config: bool) -> Self {
        self.embed_config = embed_config;
        self
    }

    /// Sets whether writing waits until the file is on the disk; true by default. If false, writing is faster, but a
    /// power failure soon after may lose the file. In either case, a file is there completely or not at all.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
        self
    }

    /// Sets the limits with which the file will be read; [`Limits::default`] by default. Writing what these limits would
    /// refuse is an error.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
