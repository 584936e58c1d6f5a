//! Deserializes objects, and serializes any value: `deserialize_keras_object` and
//! `serialize_keras_object`.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::keep::{keep, keep_plain};
use super::nesting::Nested;
use super::scope::{self, CustomObjects};
use super::unknown::with_all_unknown;
use super::{StandIn, lookup};
use crate::config::{ConfigField, FieldVisitor, Placeholder};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::{Dict, Value};
use crate::object::{Form, Handle, Kind, Object, note_deserialized, shared_object};

/// A handle type for one kind of object.
pub trait TypedHandle: Handle + Clone {
    /// The kind.
    const KIND: Kind;
    /// The kind's name in errors: `an initializer`.
    const EXPECTED: &'static str;
    /// The modules in which Keras's own objects of the kind are looked up by name alone.
    const MODULES: &'static [&'static str];

    /// Returns a handle to what stands for an object of a class that is not registered; `None` for kinds that have
    /// no such stand-in.
    #[doc(hidden)]
    fn keep(placeholder: Placeholder) -> Option<Self> {
        let _ = placeholder;
        None
    }

    /// Converts an object of another kind that can be used instead (a layer as activation).
    fn convert(object: &Object) -> Option<Self> {
        object.downcast_ref::<Self>().cloned()
    }
}

/// A serialized value that is not an object of a class or function (`__tensor__`, `__numpy__`).
pub struct SpecialForm {
    /// The `class_name` of the serialized value.
    pub class_name: &'static str,
    /// Deserializes the object from `config`.
    pub deserialize: fn(&Value) -> Result<Object>,
}

inventory::collect!(SpecialForm);

/// The result of [`deserialize_keras_object`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Deserialized {
    /// A plain value: null, a number, a string.
    Plain(Value),
    /// A list.
    List(Vec<Deserialized>),
    /// A dict that is not a serialized object.
    Dict(IndexMap<String, Deserialized>),
    /// An object: layer, function, tensor, …
    Object(Object),
    /// Python's `bytes`.
    Bytes(Vec<u8>),
    /// Python's `slice`: start, stop and step.
    Slice(Box<[Deserialized; 3]>),
    /// Python's `...`.
    Ellipsis,
}

impl Deserialized {
    /// Creates Python's `slice(start, stop, step)` of integers.
    pub fn slice(start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Self {
        Self::Slice(Box::new([start, stop, step].map(|bound| Self::Plain(Value::from(bound)))))
    }

    /// Returns the object, if it is one.
    pub fn object(&self) -> Option<&Object> {
        match self {
            Deserialized::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Serializes the value, so that [`deserialize_keras_object`] returns it again.
    pub fn serialize(&self) -> Result<Value> {
        let special = |class_name: &str, config: Dict| {
            Value::Dict(Dict::from([
                ("class_name".to_owned(), Value::from(class_name)),
                ("config".to_owned(), Value::Dict(config)),
            ]))
        };
        Ok(match self {
            Deserialized::Plain(value) => value.clone(),
            Deserialized::List(items) => Value::List(items.iter().map(Deserialized::serialize).collect::<Result<_>>()?),
            Deserialized::Dict(items) => {
                Value::Dict(items.iter().map(|(k, v)| Ok((k.clone(), v.serialize()?))).collect::<Result<_>>()?)
            }
            Deserialized::Object(object) => object.serialize()?,
            Deserialized::Bytes(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|error| {
                    Error::new(ErrorKind::Config, "only bytes that are UTF-8 can be serialized").with_source(error)
                })?;
                special("__bytes__", Dict::from([("value".to_owned(), Value::from(text))]))
            }
            Deserialized::Slice(bounds) => {
                let [start, stop, step] = bounds.as_ref();
                let bounds = [("start", start), ("stop", stop), ("step", step)];
                let bounds = bounds.map(|(name, bound)| bound.serialize().map(|bound| (name.to_owned(), bound)));
                special("__slice__", bounds.into_iter().collect::<Result<_>>()?)
            }
            Deserialized::Ellipsis => special("__ellipsis__", Dict::new()),
        })
    }
}

/// Serializes any object, or a list, map or `Option` of objects (`keras.saving.serialize_keras_object`).
///
/// # Errors
/// Names the object's place, and what can't be serialized.
pub fn serialize_keras_object<T: ConfigField>(object: &T) -> Result<Value> {
    object.to_value()
}

/// Any serialized value can be a field; its type is known only when it is read.
impl ConfigField for Deserialized {
    fn to_value(&self) -> Result<Value> {
        self.serialize()
    }

    fn from_value(value: &Value) -> Result<Self> {
        deserialize(value)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        match self {
            Deserialized::Object(object) => object.visit(name, visitor),
            Deserialized::List(items) => {
                visitor.enter(name);
                for (index, item) in items.iter().enumerate() {
                    item.visit(&index.to_string(), visitor);
                }
                visitor.leave();
            }
            Deserialized::Dict(items) => {
                visitor.enter(name);
                items.iter().for_each(|(key, item)| item.visit(key, visitor));
                visitor.leave();
            }
            _ => {}
        }
    }
}

/// An object of any kind can be a field.
impl ConfigField for Object {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Object, by_name: false }
    }

    fn to_value(&self) -> Result<Value> {
        self.serialize()
    }

    fn from_value(value: &Value) -> Result<Self> {
        match deserialize(value)? {
            Deserialized::Object(object) => Ok(object),
            _ => Err(crate::config::wrong_type("a serialized object", value)),
        }
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if matches!(self.kind(), Kind::Layer | Kind::Optimizer | Kind::Metric) {
            visitor.field(name, self.handle());
        }
    }
}

/// Deserializes any value: plain, nested lists and dicts, objects, slices, bytes, arrays
/// (`keras.saving.deserialize_keras_object`).
///
/// # Errors
/// See [`deserialize_object`].
pub fn deserialize_keras_object(value: &Value, custom_objects: &CustomObjects) -> Result<Deserialized> {
    let _argument = scope::with_argument(custom_objects);
    deserialize(value)
}

/// Deserializes like [`deserialize_keras_object`], with the custom objects in force on this thread.
pub fn deserialize(value: &Value) -> Result<Deserialized> {
    let dict = match value {
        Value::List(items) => {
            let items = items.iter().enumerate().map(|(i, item)| deserialize(item).at_with(|| format!("[{i}]")));
            return Ok(Deserialized::List(items.collect::<Result<_>>()?));
        }
        Value::Dict(dict) => dict,
        Value::Str(name) => {
            let function = lookup::custom_string(name)?.and_then(|entry| entry.function_handle());
            return Ok(function.map_or_else(|| Deserialized::Plain(value.clone()), Deserialized::Object));
        }
        plain => return Ok(Deserialized::Plain(plain.clone())),
    };
    let Some(form) = Form::of(dict)? else {
        let items = dict.iter().map(|(k, v)| Ok((k.clone(), deserialize(v).at_with(|| k.clone())?)));
        return Ok(Deserialized::Dict(items.collect::<Result<_>>()?));
    };
    let config = form.config();
    let bound = |name: &'static str| deserialize(config.get(name).unwrap_or(&Value::Null)).at(name).at("__slice__");
    match form.class_name {
        "__bytes__" => match config.get("value").and_then(Value::as_str) {
            Some(text) => Ok(Deserialized::Bytes(text.as_bytes().to_vec())),
            None => Err(crate::config::wrong_type("a dict with a string `value`", config).at("__bytes__")),
        },
        "__slice__" => Ok(Deserialized::Slice(Box::new([bound("start")?, bound("stop")?, bound("step")?]))),
        "__ellipsis__" => Ok(Deserialized::Ellipsis),
        _ => {
            let object = deserialize_object(&form, None).or_else(|error| {
                let placeholder = keep_plain(value, error)?;
                Ok(Object::plain(StandIn::<()>::kept(placeholder)))
            });
            object.map(Deserialized::Object)
        }
    }
}

/// Deserializes an object, as a handle of `kind` (its first kind for `None`).
///
/// # Errors
/// Names the object's place and one of: an unknown, duplicate or wrong kind of object, a configuration
/// that the object's type does not accept, code (`Lambda`), too deep nesting.
pub fn deserialize_object(form: &Form<'_>, kind: Option<Kind>) -> Result<Object> {
    if let Some(special) = inventory::iter::<SpecialForm>.into_iter().find(|s| s.class_name == form.class_name) {
        return (special.deserialize)(form.config()).at(special.class_name);
    }
    if let Some(object) = form.shared_object_id().and_then(shared_object) {
        return Ok(object);
    }
    let top = Nested::is_outermost();
    let object = if form.class_name == "function" {
        function(form, top)?
    } else {
        let object = {
            let _nested = Nested::enter().at_with(|| form.label().to_owned())?;
            class(form, kind, top)
        };
        let object = if top { object.map_err(|error| with_all_unknown(error, form.dict)) } else { object };
        object.at_with(|| form.label().to_owned())?
    };
    if let Some(id) = form.shared_object_id() {
        note_deserialized(id, &object);
    }
    Ok(object)
}

fn class(form: &Form<'_>, kind: Option<Kind>, top: bool) -> Result<Object> {
    let entry = find_class(form, top)?;
    if entry.is_function() {
        return entry.function_handle().ok_or_else(|| wrong_kind(&entry, kind));
    }
    let config = config_of(&entry, form)?;
    let object = entry.make(&config, kind)?.ok_or_else(|| wrong_kind(&entry, kind))?;
    object.deserialize_state(form)?;
    Ok(object)
}

/// Returns the configuration of a serialized object, in the version that its class has now.
pub(super) fn config_of<'a>(entry: &super::Entry, form: &Form<'a>) -> Result<Cow<'a, Dict>> {
    let config = form.config_dict()?;
    match entry.description().and_then(|described| described.version) {
        Some(version) => version.upgraded(form.version()?, &config).map(Cow::Owned),
        None => Ok(config),
    }
}

/// Looks up the entry of a serialized object's class.
pub(super) fn find_class(form: &Form<'_>, top: bool) -> Result<Cow<'static, super::Entry>> {
    // If `registered_name` is missing it is the class's own name; if it is null there is none.
    let named = form.dict.contains_key("registered_name");
    let registered = if named { form.registered_name() } else { Some(form.class_name) };
    let custom = match registered {
        Some(name) => lookup::custom(name, top)?,
        None => None,
    };
    let custom = match custom {
        None if form.class_name == "__lambda__" => lookup::custom(lookup::LAMBDA, top)?,
        custom => custom,
    };
    let entry = match custom {
        Some(entry) => Some(Cow::Owned((*entry).clone())),
        None => own_class(form)?.map(Cow::Borrowed),
    };
    if let Some(entry) = entry {
        return Ok(entry);
    }
    let name = registered.unwrap_or(form.class_name);
    // An object that the user supplies under this name is not code from the file.
    if let Some(given) = lookup::custom_by_short_name(name, form.class_name) {
        return Ok(Cow::Owned((*given).clone()));
    }
    refuse_code(form)?;
    match form.module().filter(|module| *module == "keras" || module.starts_with("keras.")) {
        // A legacy file has the registered name as the class.
        Some(module) if form.registered_name().is_none() && !form.class_name.contains('>') => {
            Err(lookup::unsupported(module, form.class_name))
        }
        _ => Err(lookup::unknown(name, form.class_name)),
    }
}

/// Looks up Keras's own class by the module in the serialized object.
fn own_class(form: &Form<'_>) -> Result<Option<&'static super::Entry>> {
    let Some(module) = form.module() else { return Ok(None) };
    let Some(entry) = lookup::builtin_in(module, form.class_name) else { return Ok(None) };
    match form.registered_name() {
        None | Some("") => {}
        Some(name) if name == form.class_name => {}
        Some(name) => return Err(no_registered_name(name, &format!("{module}.{}", form.class_name))),
    }
    Ok(Some(entry))
}

/// Returns the error for a registered name of one of Keras's own objects.
fn no_registered_name(given: &str, resolved: &str) -> Error {
    let message = format!(
        "`registered_name='{given}'` was provided in the config, but '{resolved}' resolved to a Keras built-in and does not use registered names"
    );
    Error::new(ErrorKind::Config, message).hint("remove the `registered_name` field from the config")
}

fn wrong_kind(entry: &super::Entry, kind: Option<Kind>) -> Error {
    let is = entry.kinds().iter().map(|kind| kind.with_article()).collect::<Vec<_>>().join(" and ");
    let error = Error::new(ErrorKind::WrongKind, format!("`{}` is of the wrong kind", entry.registered_name()));
    let error = error.received(is);
    match kind {
        Some(kind) => error.expected(kind.with_article()),
        None => error,
    }
}

/// Returns an error for objects that are code, or load code: they are never deserialized.
fn refuse_code(form: &Form<'_>) -> Result<()> {
    let what = match form.class_name {
        "__lambda__" => return Err(lookup::lambda_refused()),
        "Lambda" => "a `Lambda` layer whose `function` is a Python lambda",
        "TFSMLayer" => "a `TFSMLayer`, which is a foreign SavedModel",
        "TorchModuleWrapper" => "a `TorchModuleWrapper`, which is a pickle",
        "JaxLayer" | "FlaxLayer" => "a layer that is a foreign function",
        _ => return Ok(()),
    };
    let message = format!(
        "Requested the deserialization of {what}. This carries a potential risk of arbitrary code execution and thus it is disallowed"
    );
    Err(Error::new(ErrorKind::CodeRefused, message).hint(format!(
        "a file's code is never run; write the computation in Rust, and let `custom_objects` map `{}` to it",
        form.class_name
    )))
}

fn function(form: &Form<'_>, top: bool) -> Result<Object> {
    let entry = find_function(form, top)?;
    entry.function_handle().ok_or_else(|| wrong_kind(&entry, Some(Kind::Function)))
}

/// Looks up the entry of a serialized function.
pub(super) fn find_function(form: &Form<'_>, top: bool) -> Result<Cow<'static, super::Entry>> {
    let name = form.config().as_str().ok_or_else(|| {
        Error::new(ErrorKind::Config, "Expected 'config' to be a non-null str for a function classname")
            .received(form.config().short())
    })?;
    if let Some(entry) = lookup::custom(name, top)? {
        return Ok(Cow::Owned((*entry).clone()));
    }
    let module = form.module().unwrap_or("builtins");
    let own = if module == "builtins" {
        lookup::builtin_function(name)
    } else {
        lookup::builtin_in(module, name).filter(|entry| entry.is_function())
    };
    if let Some(entry) = own {
        match form.registered_name() {
            None | Some("" | "function") => {}
            Some(registered) if registered == name => {}
            Some(registered) => {
                return Err(no_registered_name(registered, &format!("{}.{name}", entry.module().unwrap_or(module))));
            }
        }
        return Ok(Cow::Borrowed(entry));
    }
    let found = if name.contains('>') { None } else { lookup::custom_by_suffix(name)? };
    match found.or_else(|| lookup::custom_by_short_name(name, name)) {
        Some(entry) => Ok(Cow::Owned((*entry).clone())),
        None => Err(lookup::unknown(name, name)),
    }
}

/// Deserializes a typed handle from a serialized object, to which the caller may have added the module that `value`
/// lacks.
pub(crate) fn deserialize_form<H: TypedHandle>(form: &Form<'_>, value: &Value) -> Result<H> {
    let object = deserialize_object(form, Some(H::KIND));
    object.and_then(|object| object.downcast(H::EXPECTED)).or_else(|error| keep(value, error))
}

/// Deserializes a typed handle, from a serialized object or from a name of Keras's own or a custom
/// object.
pub(crate) fn deserialize_by_name<H: TypedHandle>(value: &Value) -> Result<H> {
    known_by_name(value).or_else(|error| keep(value, error))
}

fn known_by_name<H: TypedHandle>(value: &Value) -> Result<H> {
    let wrong = || crate::config::wrong_type(H::EXPECTED, value);
    let object = match value {
        Value::Str(name) => by_identifier::<H>(name)?,
        Value::Dict(dict) if is_code(dict) => {
            let form = Dict::from([
                ("class_name".to_owned(), Value::from("__lambda__")),
                ("config".to_owned(), value.clone()),
            ]);
            return known_by_name(&Value::Dict(form));
        }
        Value::Dict(dict) => {
            let with_module = with_module::<H>(dict);
            let form = Form::of(with_module.as_ref().unwrap_or(dict))?.ok_or_else(wrong)?;
            // `H::convert` wraps functions, and layers where they can be used instead.
            match deserialize_object(&form, Some(H::KIND)) {
                Err(error) if error.kind() == ErrorKind::WrongKind => match deserialize_object(&form, None) {
                    Ok(object) if H::convert(&object).is_some() => object,
                    _ => return Err(error),
                },
                result => result?,
            }
        }
        _ => return Err(wrong()),
    };
    H::convert(&object).ok_or_else(|| {
        Error::new(ErrorKind::WrongKind, "wrong kind of object")
            .expected(H::EXPECTED)
            .received(object.kind().with_article())
    })
}

/// Returns true for what Keras writes for an activation that is a lambda: its code, without a class.
pub(crate) fn is_code(dict: &Dict) -> bool {
    let code = dict.get("value").filter(|_| dict.len() == 1).and_then(Value::as_list);
    code.is_some_and(|code| code.len() == 3 && code.first().is_some_and(|code| code.as_str().is_some()))
}

/// Adds the module to a serialized Keras class without one: Keras 2 wrote no modules, but the kind of
/// object tells where to look.
fn with_module<H: TypedHandle>(dict: &Dict) -> Option<Dict> {
    let class = dict.get("class_name").filter(|_| !dict.contains_key("module"))?.as_str()?;
    let module = H::MODULES.iter().find(|module| lookup::builtin(module, class).is_some())?;
    let mut dict = dict.clone();
    dict.insert("module".into(), Value::from(*module));
    Some(dict)
}

fn by_identifier<H: TypedHandle>(name: &str) -> Result<Object> {
    let top = Nested::is_outermost();
    // Keras's own objects come first; Keras itself finds only these by a bare name.
    let entry = match H::MODULES.iter().find_map(|module| lookup::builtin(module, name)) {
        Some(own) => Some(Cow::Borrowed(own)),
        None => lookup::custom(name, top)?.map(|entry| Cow::Owned((*entry).clone())),
    };
    let entry = match entry {
        Some(entry) => entry,
        None => match lookup::custom_by_suffix(name)? {
            Some(entry) => Cow::Owned((*entry).clone()),
            None => {
                let all = super::entries();
                let known = all.iter().filter(|e| e.module().is_some_and(|m| H::MODULES.contains(&m)));
                let names = known.flat_map(|e| e.aliases().iter().copied().chain([e.class_name()]));
                let error = lookup::unknown(name, name);
                return Err(match did_you_mean(name, names) {
                    Some(near) => error.hint(near),
                    None => error,
                }
                .expected(H::EXPECTED));
            }
        },
    };
    let made = entry.make(&Dict::new(), (!entry.is_function()).then_some(H::KIND))?;
    made.ok_or_else(|| wrong_kind(&entry, Some(H::KIND)))
}
