//! Lists the contents of a file without reading its weights.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::compile_info::CompileInfo;
use crate::error::Result;
use crate::files::io::Look;
use crate::files::text::{readable, table};
use crate::files::{FileForm, Limits, ModelFile, StoredTensor};
use crate::json::Value;
use crate::utils::join;

/// The contents of a file, by names, shapes and dtypes; prints as a table, serializes as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The file's format.
    pub form: FileForm,
    /// The version of Keras that wrote it, if the file says so.
    pub keras_version: Option<String>,
    /// The class and name of the model, if there is a configuration.
    pub model: Option<ObjectInfo>,
    /// The layers of the configuration, including those in nested models.
    pub layers: Vec<ObjectInfo>,
    /// What the model is compiled with; `None` if it is not compiled.
    pub compiled: Option<CompileInfo>,
    /// The tensors.
    pub weights: Vec<WeightInfo>,
    /// The names of the assets.
    pub assets: Vec<String>,
}

/// A layer or a model of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectInfo {
    /// The names of the models around it and its own, separated by `/`.
    pub path: String,
    /// The class with its module: `keras.layers.Dense`.
    pub class: String,
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightInfo {
    /// The tensor's path in the file.
    pub path: String,
    /// The shape.
    pub shape: Vec<usize>,
    /// The name of the dtype; for a type that tensors don't support, the file's own name.
    pub dtype: String,
    /// The size of the elements in bytes.
    pub bytes: u64,
}

/// Lists names, shapes and dtypes of a file of any format. Reads no weights.
///
/// # Errors
/// As [`ModelFile::open`].
pub fn inspect(path: impl AsRef<Path>, limits: &Limits) -> Result<Inspection> {
    Ok(Inspection::of(&ModelFile::look(path.as_ref(), limits, Look::Names)?))
}

impl Inspection {
    /// Lists the contents of a file that is already open.
    pub fn of(file: &ModelFile) -> Self {
        let mut weights = Vec::new();
        if let Some(tree) = file.weights() {
            tree.each(&mut |path, tensor| weights.push(WeightInfo::of(path, tensor)));
        }
        let mut layers = Vec::new();
        let model = file.config().map(|config| {
            let model = ObjectInfo::of("", config);
            objects(config, &model.path, &mut layers);
            model
        });
        Self {
            form: file.form(),
            keras_version: file.keras_version().map(str::to_owned),
            model,
            layers,
            compiled: CompileInfo::of(file),
            weights,
            assets: file.assets().map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// Keeps the form and the tensors alone.
    #[cfg(feature = "cli")]
    pub(crate) fn keep_weights(&mut self) {
        (self.model, self.compiled) = (None, None);
        self.layers.clear();
        self.assets.clear();
    }

    /// Returns the number of elements of all tensors.
    pub fn num_elements(&self) -> u64 {
        let count = |weight: &WeightInfo| weight.shape.iter().fold(1u64, |n, extent| n.saturating_mul(*extent as u64));
        self.weights.iter().map(count).fold(0, u64::saturating_add)
    }

    /// Returns the number of bytes of all tensors.
    pub fn num_bytes(&self) -> u64 {
        self.weights.iter().map(|weight| weight.bytes).fold(0, u64::saturating_add)
    }

    /// Returns the contents as JSON.
    ///
    /// # Errors
    /// Never, for what a file gives.
    pub fn to_json(&self) -> Result<String> {
        Ok(crate::json::to_value(self)?.to_json())
    }
}

impl WeightInfo {
    fn of(path: String, tensor: &StoredTensor) -> Self {
        Self {
            path,
            shape: tensor.shape().to_vec(),
            dtype: tensor.dtype().map_or_else(|_| "unknown".to_owned(), |dtype| dtype.name().to_owned()),
            bytes: tensor.num_bytes(),
        }
    }
}

impl ObjectInfo {
    fn of(parent: &str, form: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let class = text(form.get("class_name")).unwrap_or_else(|| "?".into());
        let name = text(form.get("config").and_then(|config| config.get("name"))).or_else(|| text(form.get("name")));
        let registered = text(form.get("registered_name")).filter(|name| name.contains('>'));
        let module = text(form.get("module")).filter(|_| registered.is_none());
        Self {
            path: join(parent, &name.unwrap_or_else(|| class.clone())),
            class: registered
                .unwrap_or_else(|| module.map_or_else(|| class.clone(), |module| format!("{module}.{class}"))),
        }
    }
}

fn objects(form: &Value, path: &str, out: &mut Vec<ObjectInfo>) {
    let layers = form.get("config").and_then(|config| config.get("layers")).and_then(Value::as_list);
    for layer in layers.unwrap_or_default() {
        let object = ObjectInfo::of(path, layer);
        let path = object.path.clone();
        out.push(object);
        objects(layer, &path, out);
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.form)?;
        if let Some(version) = &self.keras_version {
            write!(f, ", written by Keras {version}")?;
        }
        if let Some(model) = &self.model {
            write!(f, ": {} `{}` with {} layers", model.class, model.path, self.layers.len())?;
        }
        writeln!(f)?;
        if let Some(compiled) = &self.compiled {
            writeln!(f, "{compiled}")?;
        }
        if !self.layers.is_empty() {
            let rows: Vec<[String; 2]> =
                self.layers.iter().map(|layer| [layer.path.clone(), layer.class.clone()]).collect();
            writeln!(f, "\n{}", table(&["Layer", "Class"], &rows))?;
        }
        let rows: Vec<[String; 4]> = self
            .weights
            .iter()
            .map(|w| [w.path.clone(), format!("{:?}", w.shape), w.dtype.clone(), w.bytes.to_string()])
            .collect();
        if !rows.is_empty() {
            f.write_str(&table(&["Weight", "Shape", "Dtype", "Bytes"], &rows))?;
        }
        for asset in &self.assets {
            writeln!(f, "asset {asset}")?;
        }
        let (elements, bytes) = (self.num_elements(), readable(self.num_bytes() as f64));
        writeln!(f, "{} tensors, {elements} elements, {bytes}", self.weights.len())
    }
}
