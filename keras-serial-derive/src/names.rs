//! The table of all helper attributes' names.

use std::fmt;

/// The attribute that contains the others: `#[keras(…)]`.
pub const NAMESPACE: &str = "keras";

/// The name of a helper attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name(pub &'static str);

pub const ALIAS: Name = Name("alias");
pub const ALLOW_UNKNOWN: Name = Name("allow_unknown");
pub const BASE: Name = Name("base");
pub const BASE_OR_NULL: Name = Name("base_or_null");
pub const BOUND: Name = Name("bound");
pub const CLASS_NAME: Name = Name("class_name");
pub const CRATE: Name = Name("crate");
pub const DEFAULT: Name = Name("default");
pub const DISPLAY: Name = Name("display");
pub const FIELD_TYPE: Name = Name("field_type");
pub const FROM_CONFIG: Name = Name("from_config");
pub const FROM_STR: Name = Name("from_str");
pub const GET_CONFIG: Name = Name("get_config");
pub const IGNORE: Name = Name("ignore");
pub const INIT: Name = Name("init");
pub const INFER_VERSION: Name = Name("infer_version");
pub const MODEL: Name = Name("model");
pub const NAME: Name = Name("name");
pub const NEW: Name = Name("new");
pub const NO_SETTER: Name = Name("no_setter");
pub const RENAME: Name = Name("rename");
pub const RENAME_ALL: Name = Name("rename_all");
pub const SEED_GENERATOR: Name = Name("seed_generator");
pub const SERDE: Name = Name("serde");
pub const SETTERS: Name = Name("setters");
pub const SKIP: Name = Name("skip");
pub const SKIP_IF: Name = Name("skip_if");
pub const SUBLAYER: Name = Name("sublayer");
pub const UNTRACKED: Name = Name("untracked");
pub const UPGRADE: Name = Name("upgrade");
pub const VALIDATE: Name = Name("validate");
pub const VERSION: Name = Name("version");
pub const WEIGHT: Name = Name("weight");
pub const WITH: Name = Name("with");

/// The attributes of fields.
pub const OF_FIELDS: &[Name] = &[
    SKIP,
    UNTRACKED,
    SERDE,
    DEFAULT,
    RENAME,
    ALIAS,
    WITH,
    SKIP_IF,
    FIELD_TYPE,
    BASE_OR_NULL,
    NO_SETTER,
    BOUND,
    WEIGHT,
    SUBLAYER,
    SEED_GENERATOR,
    BASE,
];

/// The attributes of structs.
pub const OF_STRUCTS: &[Name] = &[
    MODEL,
    NEW,
    SETTERS,
    DEFAULT,
    VALIDATE,
    GET_CONFIG,
    FROM_CONFIG,
    CLASS_NAME,
    ALLOW_UNKNOWN,
    IGNORE,
    BOUND,
    CRATE,
    VERSION,
    UPGRADE,
    INFER_VERSION,
];

/// The attributes of enums.
pub const OF_ENUMS: &[Name] = &[RENAME_ALL, DISPLAY, FROM_STR, CRATE];

/// The attributes of enum variants.
pub const OF_VARIANTS: &[Name] = &[RENAME, ALIAS];

/// Formats the attribute as written in code: `#[keras(skip)]`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#[{NAMESPACE}({})]", self.0)
    }
}

/// Formats a list of names: `` `skip`, `serde`, … ``.
pub fn listed(names: &[Name]) -> String {
    names.iter().map(|name| format!("`{}`", name.0)).collect::<Vec<_>>().join(", ")
}
