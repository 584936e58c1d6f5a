//! `.keras` archives: whole models, with weights and assets.

use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::PoisonError;

use super::layout::places;
use super::report::LoadReport;
use super::{Limits, Source, ZipReader, ZipTime, ZipWriter, weights, write_atomically};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, JsonLimits, Value};
use crate::layers::{Assets, LayerRef};
use crate::models::{Model, model_from_config};
use crate::object::{Handle, SharingScope};
use crate::registry::CustomObjects;
use crate::variable::Deferred;

/// The version of Keras whose format is written.
const KERAS_VERSION: &str = "3.15.1";

/// How a model or its weights are loaded.
///
/// ```no_run
/// use keras_serial::saving::LoadOptions;
/// let model = LoadOptions::new().load_model("model.keras")?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`load_model` and its like do the loading"]
pub struct LoadOptions {
    custom_objects: CustomObjects,
    limits: Limits,
    strict: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { custom_objects: CustomObjects::default(), limits: Limits::default(), strict: true }
    }
}

impl LoadOptions {
    /// Strict, within the default limits, without custom objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Objects that the file may name, beside the registered ones.
    pub fn custom_objects(mut self, custom_objects: CustomObjects) -> Self {
        self.custom_objects = custom_objects;
        self
    }

    /// Other limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Must every weight of the model and of the file find the other? Yes by default; if not, those
    /// that fit are applied, and the report tells the rest.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The model of a `.keras` file.
    ///
    /// # Errors
    /// Names the place in the file or in the object tree; see [`ErrorKind`].
    pub fn load_model(&self, path: impl AsRef<Path>) -> Result<Model> {
        let path = path.as_ref();
        if path.extension().is_some_and(|extension| extension == "h5" || extension == "hdf5") {
            return Err(Error::new(ErrorKind::Unsupported, "whole models in HDF5 (`.h5`) are not supported")
                .hint("save the model as `.keras` with Keras")
                .at(path.display().to_string()));
        }
        if path.extension().is_none_or(|extension| extension != "keras") {
            return Err(weights::wrong_suffix(path, ".keras"));
        }
        let source = Source::open(path)?;
        self.read_model(source).map(|(model, _)| model).at_with(|| path.display().to_string())
    }

    /// The model of a `.keras` archive in memory.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_from_bytes(&self, bytes: impl Into<Source>) -> Result<Model> {
        self.read_model(bytes.into()).map(|(model, _)| model)
    }

    /// The model of a `.keras` archive from any reader.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_from_reader(&self, reader: impl Read + Seek) -> Result<Model> {
        self.load_model_from_bytes(Source::from_reader(reader)?)
    }

    /// The model of a `.keras` archive, and what became of each weight.
    ///
    /// # Errors
    /// As [`LoadOptions::load_model`].
    pub fn load_model_with_report(&self, bytes: impl Into<Source>) -> Result<(Model, LoadReport)> {
        self.read_model(bytes.into())
    }

    fn read_model(&self, source: Source) -> Result<(Model, LoadReport)> {
        let archive = ZipReader::open(source.into_bytes(), &self.limits)?;
        if !archive.contains("config.json") {
            return Err(Error::new(ErrorKind::Archive, "the archive has no `config.json`").hint("a `.keras` file has one; this may be another zip"));
        }
        if archive.contains("metadata.json") {
            let metadata = self.read_json(&archive, "metadata.json")?;
            if metadata.as_dict().is_none() {
                return Err(crate::config::wrong_type("a dict", &metadata).at("metadata.json"));
            }
        }
        let config = self.read_json(&archive, "config.json")?;
        let model = {
            let _sharing = SharingScope::enter();
            // What the file does not give stays as an initializer made it, where that is allowed.
            let _deferred = self.strict.then(Deferred::enter);
            model_from_config(&config, &self.custom_objects).at("config.json")?
        };
        if !archive.contains("model.weights.h5") {
            let hint = if archive.contains("model.weights.npz") { "weights in NumPy's format are pickled, and not read" } else { "the file may be cut short" };
            return Err(Error::new(ErrorKind::Archive, "the archive has no `model.weights.h5`").hint(hint));
        }
        let mut plan = weights::plan(model.as_layer(), archive.read("model.weights.h5")?, &self.limits).at("model.weights.h5")?;
        load_assets(model.as_layer(), &archive)?;
        let kept = std::mem::take(&mut plan.kept);
        let report = plan.apply(self.strict).at("model.weights.h5")?;
        *model.base().kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok((model, report))
    }

    fn read_json(&self, archive: &ZipReader, name: &'static str) -> Result<Value> {
        let text = archive.read_text(name)?;
        let mut limits = JsonLimits::default();
        limits.max_depth = self.limits.max_json_depth;
        Value::parse_bytes(&text, &limits).at(name)
    }

    /// Loads weights into a model, from a `.weights.h5` or a `.keras` file.
    ///
    /// # Errors
    /// When the weights do not fit (and `strict` is not off): the model is unchanged then.
    pub fn load_weights(&self, model: &Model, path: impl AsRef<Path>) -> Result<LoadReport> {
        let path = path.as_ref();
        let name = path.to_string_lossy();
        let source = || Source::open(path);
        let bytes = if name.ends_with(".weights.h5") {
            source()?.into_bytes()
        } else if name.ends_with(".keras") {
            ZipReader::open(source()?.into_bytes(), &self.limits)?.read("model.weights.h5")?
        } else {
            return Err(weights::wrong_suffix(path, ".weights.h5"));
        };
        let plan = weights::plan(model.as_layer(), bytes, &self.limits).at_with(|| name.to_string())?;
        plan.apply(self.strict).at_with(|| name.to_string())
    }
}

fn load_assets(model: &LayerRef, archive: &ZipReader) -> Result<()> {
    for place in places(model) {
        let prefix = if place.path.is_empty() { "assets/".to_owned() } else { format!("assets/{}/", place.path) };
        let mut assets = Assets::default();
        for member in archive.members() {
            if let Some(name) = member.name.strip_prefix(&prefix).filter(|name| !name.is_empty() && !name.contains('/')) {
                assets.insert(name, archive.read(&member.name)?.to_vec());
            }
        }
        place.layer.layer().load_assets(&assets).at("assets").at_with(|| place.layer.name().to_owned())?;
    }
    Ok(())
}

/// The model of a `.keras` file (`keras.models.load_model`).
///
/// # Errors
/// Names the place in the file or in the object tree; see [`ErrorKind`].
pub fn load_model(path: impl AsRef<Path>) -> Result<Model> {
    LoadOptions::new().load_model(path)
}

/// How a model is saved.
#[derive(Debug, Clone, Default)]
#[must_use = "`save_model` and its like do the saving"]
pub struct SaveOptions {
    deterministic: bool,
}

impl SaveOptions {
    /// As Keras saves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves the date out, so that two saves of one model are equal byte for byte; off by default.
    pub fn deterministic(mut self, deterministic: bool) -> Self {
        self.deterministic = deterministic;
        self
    }

    /// Saves a model as `.keras`: the old file or the new one, whole, stands there at any moment.
    ///
    /// # Errors
    /// When an object can't be serialized, or the system refuses.
    pub fn save_model(&self, model: &Model, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().is_none_or(|extension| extension != "keras") {
            return Err(weights::wrong_suffix(path, ".keras"));
        }
        let parts = Parts::of(model.as_layer(), self)?;
        write_atomically(path, |file| parts.write(std::io::BufWriter::new(file)))
    }

    /// Saves a model as a `.keras` archive in memory.
    ///
    /// # Errors
    /// When an object can't be serialized.
    pub fn save_model_to_bytes(&self, model: &Model) -> Result<Vec<u8>> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        Parts::of(model.as_layer(), self)?.write(&mut bytes)?;
        Ok(bytes.into_inner())
    }

    /// Saves a model's weights as `.weights.h5`.
    ///
    /// # Errors
    /// When the name has another suffix, or the system refuses.
    pub fn save_weights(&self, model: &Model, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if !path.to_string_lossy().ends_with(".weights.h5") {
            return Err(weights::wrong_suffix(path, ".weights.h5"));
        }
        let file = weights::build(model.as_layer(), &[])?;
        write_atomically(path, |output| file.write(std::io::BufWriter::new(output)))
    }
}

/// What goes into the archive, ready before the file is opened.
struct Parts {
    metadata: String,
    config: String,
    weights: super::H5Builder,
    weights_bound: u64,
    assets: Vec<(String, Vec<u8>)>,
    time: Option<ZipTime>,
}

impl Parts {
    fn of(model: &LayerRef, options: &SaveOptions) -> Result<Self> {
        let now = if options.deterministic { Moment::START } else { Moment::now() };
        let metadata = Value::Dict(Dict::from([
            ("keras_version".to_owned(), Value::from(KERAS_VERSION)),
            ("date_saved".to_owned(), Value::from(now.text())),
        ]));
        let config = {
            let _sharing = SharingScope::enter();
            Handle::serialize(model)?
        };
        let kept = model.base().kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut assets = Vec::new();
        for place in places(model) {
            let mut own = Assets::default();
            place.layer.layer().save_assets(&mut own).at_with(|| place.layer.name().to_owned())?;
            let path = |name: &str| if place.path.is_empty() { format!("assets/{name}") } else { format!("assets/{}/{name}", place.path) };
            assets.extend(own.iter().map(|(name, bytes)| (path(name), bytes.to_vec())));
        }
        Ok(Self {
            metadata: metadata.to_json(),
            config: config.to_json(),
            weights: weights::build(model, &kept)?,
            weights_bound: weights::size_bound(model) * 4,
            assets,
            time: (!options.deterministic).then(|| now.zip_time()).transpose()?,
        })
    }

    fn write(self, output: impl Write + Seek) -> Result<()> {
        let mut archive = ZipWriter::new(output);
        if let Some(time) = self.time {
            archive = archive.with_time(time);
        }
        archive.add("metadata.json", self.metadata.as_bytes())?;
        archive.add("config.json", self.config.as_bytes())?;
        let weights = self.weights;
        archive.add_with("model.weights.h5", self.weights_bound, |member| weights.write(member))?;
        for (name, bytes) in &self.assets {
            archive.add(name, bytes)?;
        }
        archive.finish()?.flush()?;
        Ok(())
    }
}

/// A moment in UTC, to the second.
#[derive(Clone, Copy)]
struct Moment {
    year: u16,
    month: u8,
    day: u8,
    second_of_day: u32,
}

impl Moment {
    /// The first moment that a zip archive can tell.
    const START: Self = Self { year: 1980, month: 1, day: 1, second_of_day: 0 };

    fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut days = since / 86_400;
        let is_leap = |year: u16| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
        let mut year = 1970u16;
        while days >= 365 + u64::from(is_leap(year)) {
            days -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for length in months {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self { year, month, day: days as u8 + 1, second_of_day: (since % 86_400) as u32 }
    }

    fn clock(self) -> (u8, u8, u8) {
        let second = self.second_of_day;
        ((second / 3600) as u8, (second / 60 % 60) as u8, (second % 60) as u8)
    }

    fn text(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{:04}-{:02}-{:02}@{hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }

    fn zip_time(self) -> Result<ZipTime> {
        let (hour, minute, second) = self.clock();
        ZipTime::new(self.year, self.month, self.day, hour, minute, second)
    }
}

impl Model {
    /// Saves the model as `.keras`.
    ///
    /// # Errors
    /// When an object can't be serialized, or the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        SaveOptions::new().save_model(self, path)
    }

    /// Saves the weights as `.weights.h5`.
    ///
    /// # Errors
    /// When the name has another suffix, or the system refuses.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        SaveOptions::new().save_weights(self, path)
    }

    /// Loads weights from a `.weights.h5` or `.keras` file, strictly.
    ///
    /// # Errors
    /// When the weights do not fit: the model is unchanged then.
    pub fn load_weights(&self, path: impl AsRef<Path>) -> Result<LoadReport> {
        LoadOptions::new().load_weights(self, path)
    }
}
