//! Scans a file from an untrusted source: what it needs, and what is suspicious.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::inspect::Inspection;
use super::values::is_finite;
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::{Look, sign};
use crate::files::{KERAS_VERSION, Limits, ModelFile};
use crate::json::Value;
use crate::object::Form;
use crate::registry::{self, SpecialForm};
use crate::utils::join;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// The model may not load, or may not be what it seems.
    Warning,
    /// The file is refused, or was made to do harm.
    Error,
}

impl Severity {
    /// Returns the name: `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($code:ident $severity:ident $doc:literal;)*) => {
        /// The kind of a finding. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] $code,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// Returns the name: `KS101`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }

            /// Returns the severity of findings with this code.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity),* }
            }

            /// Returns the meaning of the code.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$code => $doc.trim_ascii()),* }
            }
        }
    };
}

codes! {
    KS101 Error "The file is broken or cut short.";
    KS102 Error "The file asks for more than the limits allow.";
    KS103 Error "The file leads outside of itself: links, external or virtual data, names of members.";
    KS104 Warning "The file holds something that nothing reads: bytes before, after or in it, members of another kind.";
    KS201 Error "The configuration holds code: a Python lambda, a pickled or foreign model.";
    KS202 Error "The configuration names something that is no object of a model.";
    KS203 Warning "A value of the configuration is a path or an address; it is never opened.";
    KS204 Warning "A custom object is needed that is not registered here.";
    KS205 Warning "An object of Keras is needed that this build does not have.";
    KS206 Note "A custom object is needed; it is registered here.";
    KS301 Note "The file has no metadata.";
    KS302 Note "The file was written by another version of Keras.";
    KS401 Warning "A weight holds NaN or infinity.";
    KS402 Error "The weights do not fit the model.";
    KS403 Error "The model can't be made from its configuration.";
}

/// One finding of a scan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of finding it is.
    pub code: Code,
    /// How severe it is.
    pub severity: Severity,
    /// The place: a path in the file or in its configuration.
    pub place: String,
    /// A description of the finding.
    pub text: String,
}

/// The findings of a scan, and the contents if the file could be opened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScanReport {
    /// The findings, the most severe first.
    pub findings: Vec<Finding>,
    /// What the file holds.
    pub contents: Option<Inspection>,
}

/// Scans a file without deserializing its model or reading its weights.
pub fn scan(path: impl AsRef<Path>, limits: &Limits) -> ScanReport {
    let mut report = ScanReport::new();
    if let Some(file) = report.open(path.as_ref(), limits, Look::Names) {
        report.look_at(&file);
    }
    report.sort();
    report
}

/// Scans a file like [`scan`], and also reads all weights.
pub fn scan_weights(path: impl AsRef<Path>, limits: &Limits) -> ScanReport {
    let mut report = ScanReport::new();
    if let Some(file) = report.open(path.as_ref(), limits, Look::Checked) {
        report.look_at(&file);
        report.read_weights(&file);
    }
    report.sort();
    report
}

impl ScanReport {
    /// Creates a report without findings.
    pub(crate) fn new() -> Self {
        Self { findings: Vec::new(), contents: None }
    }

    /// Returns the highest severity; `None` for a file with no findings.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Returns the report as JSON.
    ///
    /// # Errors
    /// Never, for what a scan returns.
    pub fn to_json(&self) -> Result<String> {
        Ok(crate::json::to_value(self)?.to_json())
    }

    /// Adds a finding.
    pub(crate) fn add(&mut self, code: Code, place: impl Into<String>, text: impl Into<String>) {
        self.findings.push(Finding { code, severity: code.severity(), place: place.into(), text: text.into() });
    }

    /// Puts the most severe findings first.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }

    /// Opens a file; adds a finding if that fails.
    pub(crate) fn open(&mut self, path: &Path, limits: &Limits, look: Look) -> Option<ModelFile> {
        match ModelFile::look(path, limits, look) {
            Ok(file) => Some(file),
            Err(error) => {
                self.refuse(&error);
                None
            }
        }
    }

    /// Adds the finding for a file that can't be opened.
    pub(crate) fn refuse(&mut self, error: &Error) {
        self.add(code_of(error), error.path(), error.without_path());
    }

    /// Adds what the names and the configuration of a file tell.
    pub(crate) fn look_at(&mut self, file: &ModelFile) {
        self.contents = Some(Inspection::of(file));
        for unread in &file.unread {
            let code = if unread.is_code { Code::KS201 } else { Code::KS104 };
            let pickle = if unread.is_code { " and a pickle" } else { "" };
            self.add(code, unread.place.clone(), format!("{}{pickle}, which nothing reads", unread.what));
        }
        for (name, _) in file.assets().filter(|(_, bytes)| sign::is_pickle(bytes)) {
            self.code(name, "a pickle");
        }
        if let Some(config) = file.config() {
            self.walk("", "", config);
            if file.keras_version().is_none() && file.metadata().is_none() {
                self.add(Code::KS301, "metadata.json", "no metadata: the version of Keras is not known");
            }
        }
        if let Some(version) = file.keras_version().filter(|version| *version != KERAS_VERSION) {
            let text = format!("written by Keras {version}; this build follows {}", KERAS_VERSION);
            let place = if file.metadata().is_some() { "metadata.json" } else { "keras_version" };
            self.add(Code::KS302, place, text);
        }
    }

    fn walk(&mut self, path: &str, key: &str, value: &Value) {
        match value {
            // Lists of texts are words, names of axes and their like.
            Value::List(items) => {
                let items = items.iter().enumerate().filter(|(_, item)| item.as_str().is_none());
                items.for_each(|(i, item)| self.walk(&join(path, &format!("[{i}]")), key, item));
            }
            Value::Dict(dict) => {
                match Form::of(dict) {
                    Ok(Some(form)) => self.object(path, &form),
                    Ok(None) if registry::is_code(dict) => self.code(path, "a Python lambda"),
                    Ok(None) => {}
                    Err(error) => self.add(Code::KS403, path, error.to_string()),
                }
                dict.iter()
                    .filter(|(key, _)| !is_kept(key))
                    .for_each(|(key, item)| self.walk(&join(path, key), key, item));
            }
            Value::Str(text) if is_location(key, text) => {
                self.add(Code::KS203, path, format!("`{key}` is {}", value.short()));
            }
            _ => {}
        }
    }

    fn code(&mut self, path: &str, what: &str) {
        self.add(Code::KS201, path, format!("{what} holds code, which is never run"));
    }

    /// Looks up a serialized object as the loader does. A build without the engine has no objects of Keras, and reports
    /// none of those that Keras has as missing.
    fn object(&mut self, path: &str, form: &Form<'_>) {
        if stands_for_a_value(form.class_name) {
            return;
        }
        let (kind, text) = match registry::find(form) {
            Ok(entry) => {
                if entry.module().is_none() {
                    self.add(Code::KS206, path, format!("`{}`", entry.registered_name()));
                }
                return;
            }
            Err(_) if registry::is_computed_operation(form) => return,
            Err(_) if !registry::has_builtins() && registry::is_of_keras(form) => return,
            Err(_) if registry::is_keras_operation(form) => (ErrorKind::Unsupported, String::new()),
            // Legacy files name the package of a custom class, and no module.
            Err(error) if error.kind() == ErrorKind::Unsupported && form.class_name.contains('>') => {
                (ErrorKind::UnknownObject, String::new())
            }
            Err(error) => (error.kind(), error.to_string()),
        };
        let module = form.module().unwrap_or_default();
        let function = form.config().as_str().filter(|_| form.class_name == "function");
        let name = function.or(form.registered_name()).unwrap_or(form.class_name);
        // Keras writes functions of a user's own so, too.
        let is_own = form.class_name == "function" && !EFFECTS.contains(&name);
        let is_system = module == "builtins" && !is_own
            || matches!(module, "os" | "subprocess" | "posix" | "sys" | "keras.config" | "keras.utils")
            || module.starts_with("keras.src.utils");
        match kind {
            ErrorKind::CodeRefused => self.code(path, &format!("`{name}`")),
            _ if is_system => self.add(Code::KS202, path, format!("`{module}.{name}` is no object of a model")),
            ErrorKind::Unsupported => {
                self.add(Code::KS205, path, format!("`{module}.{name}` of Keras is not in this build"));
            }
            ErrorKind::UnknownObject => self.add(Code::KS204, path, text_of_unregistered(name, module)),
            _ => self.add(Code::KS403, path, text),
        }
    }

    /// Reads all weights, and adds those that are broken or not finite.
    pub(crate) fn read_weights(&mut self, file: &ModelFile) {
        let Some(tree) = file.weights() else { return };
        let mut found = Vec::new();
        tree.each(&mut |path, tensor| match tensor.read().and_then(|array| is_finite(&array)) {
            Ok(true) => {}
            Ok(false) => found.push((Code::KS401, path, "not all elements are finite".to_owned())),
            Err(error) => found.push((code_of(&error), path, error.to_string())),
        });
        found.into_iter().for_each(|(code, place, text)| self.add(code, place, text));
    }
}

/// Python's own functions that do something beside returning a value.
const EFFECTS: [&str; 12] = [
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "exit",
    "getattr",
    "input",
    "open",
    "quit",
    "setattr",
];

fn code_of(error: &Error) -> Code {
    let text = error.message();
    match error.kind() {
        ErrorKind::Limit => Code::KS102,
        ErrorKind::CodeRefused => Code::KS201,
        _ if text.contains("user block") => Code::KS104,
        _ if ["link", "virtual", "external", "leads out"].iter().any(|word| text.contains(word)) => Code::KS103,
        _ => Code::KS101,
    }
}

/// Returns true for the entry of a configuration that is kept unchanged, whatever it holds.
fn is_kept(key: &str) -> bool {
    key == "quantization_config"
}

/// Returns true if serialized objects of this class are values, which are not looked up.
fn stands_for_a_value(class_name: &str) -> bool {
    matches!(class_name, "__bytes__" | "__slice__" | "__ellipsis__" | "__keras_tensor__" | "__typespec__")
        || inventory::iter::<SpecialForm>.into_iter().any(|special| special.class_name == class_name)
}

/// Returns true if a text leads to a file or an address.
fn is_location(key: &str, text: &str) -> bool {
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let names_a_file = matches!(key, "vocabulary" | "filepath" | "file" | "path" | "origin" | "url" | "idf_weights");
    has_scheme
        || names_a_file
        || text.starts_with('/') && text.len() > 1 && text.matches('/').count() > 1
        || text.contains("../")
}

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{:?} {} {}: {}", finding.code, finding.severity.name(), finding.place, finding.text)?;
        }
        let count = self.findings.len();
        writeln!(f, "{count} finding{}", if count == 1 { "" } else { "s" })
    }
}

/// Returns the text about an object that nothing is registered for.
fn text_of_unregistered(name: &str, module: &str) -> String {
    let of_module = if module.is_empty() { String::new() } else { format!(" of module `{module}`") };
    format!("`{name}`{of_module} is not registered here (`#[register]` a type for it, or pass one in `custom_objects`)")
}
