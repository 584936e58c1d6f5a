//! A registry entry: a registered class or function.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::PlainObject;
use crate::config::{Config, KerasSerializable, TypeDescription};
use crate::error::Result;
use crate::object::{Kind, Object};

/// The place in the sources where something is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line in the file.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How an object of a class is wrapped in a handle of one kind.
#[derive(Clone, Copy)]
pub struct Cast {
    /// The kind of the handle.
    pub kind: Kind,
    /// Wraps an object of the class; `None` for an object of another class.
    pub cast: fn(Arc<dyn KerasSerializable>) -> Option<Object>,
}

/// A type with a registry entry; `#[derive(KerasSerializable)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be used as a custom object",
    note = "annotate it with `#[derive(KerasSerializable)]`; for a generic or foreign type use `entry!(Type)`"
)]
pub trait Registrable {
    /// The entry, in package `Custom` under the type's own name.
    const ENTRY: Entry;
}

/// How an object is identified when it is serialized, to look up its registry entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A class, or a function with its own type.
    Type(TypeId),
    /// A function pointer, by its type and address: all pointers of one signature have the same type.
    Pointer(TypeId, usize),
    /// The handle created for a function: closures that capture values share a type with others from the
    /// same place in the code, which may compute something else.
    Handle(u64),
}

/// What an entry registers.
#[derive(Clone)]
enum What {
    Class {
        construct: fn(&Config) -> Result<Arc<dyn KerasSerializable>>,
        description: fn() -> Option<&'static TypeDescription>,
        casts: &'static [Option<Cast>],
    },
    Function {
        handle: fn() -> Object,
    },
    /// An existing object: a function given at run time.
    Existing {
        object: Object,
        identities: [Identity; 2],
    },
}

/// A registry entry of a class or function: its names, its source place, and how it is constructed.
#[derive(Clone)]
pub struct Entry {
    /// The public module of Keras's own objects (`keras.layers`); `None` for custom ones.
    module: Option<&'static str>,
    package: Cow<'static, str>,
    name: Cow<'static, str>,
    class_name: &'static str,
    /// Aliases of Keras's own objects (`mse`, `glorot_uniform`); older registered names of custom ones.
    aliases: &'static [&'static str],
    place: Place,
    /// The text of the doc comment, where the description has none.
    doc: &'static str,
    type_id: fn() -> TypeId,
    what: What,
}

fn construct<T: KerasSerializable>(config: &Config) -> Result<Arc<dyn KerasSerializable>> {
    Ok(Arc::new(T::from_config(config)?))
}

impl Entry {
    /// Creates the entry of a class; `casts` come from [`super::Probe`].
    pub const fn class<T: KerasSerializable>(
        class_name: &'static str,
        casts: &'static [Option<Cast>],
        place: Place,
    ) -> Self {
        Self {
            module: None,
            package: Cow::Borrowed("Custom"),
            name: Cow::Borrowed(class_name),
            class_name,
            aliases: &[],
            place,
            doc: "",
            type_id: TypeId::of::<T>,
            what: What::Class { construct: construct::<T>, description: T::description, casts },
        }
    }

    /// Creates the entry of a function; `type_id` is that of the function's own type.
    pub const fn function(name: &'static str, type_id: fn() -> TypeId, handle: fn() -> Object, place: Place) -> Self {
        Self {
            module: None,
            package: Cow::Borrowed("Custom"),
            name: Cow::Borrowed(name),
            class_name: name,
            aliases: &[],
            place,
            doc: "",
            type_id,
            what: What::Function { handle },
        }
    }

    /// Creates the entry of an existing object, with its identities.
    pub(crate) fn existing(name: String, identities: [Identity; 2], object: Object, place: Place) -> Self {
        Self {
            module: None,
            package: Cow::Borrowed("Custom"),
            name: Cow::Owned(name),
            class_name: "function",
            aliases: &[],
            place,
            doc: "",
            type_id: TypeId::of::<Object>,
            what: What::Existing { object, identities },
        }
    }

    /// Sets the package, `Custom` by default; with an empty one the registered name is the name alone,
    /// as with `get_custom_objects()["MyDense"] = MyDense` in Keras.
    #[must_use]
    pub const fn in_package(mut self, package: &'static str) -> Self {
        // A plain assignment would drop the old value, which const code can't do.
        std::mem::forget(std::mem::replace(&mut self.package, Cow::Borrowed(package)));
        self
    }

    /// Sets the name; the item's own by default.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        std::mem::forget(std::mem::replace(&mut self.name, Cow::Borrowed(name)));
        self
    }

    /// Marks the entry as one of Keras's own objects, in a public module and with aliases.
    #[must_use]
    pub const fn builtin(mut self, module: &'static str, aliases: &'static [&'static str]) -> Self {
        self.module = Some(module);
        self.aliases = aliases;
        self
    }

    /// Adds older registered names (`OldPackage>OldName`), which files may have.
    #[must_use]
    pub const fn also_named(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Sets the text of the item's doc comment.
    #[must_use]
    pub const fn documented(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Returns the text of the item's doc comment; empty if there is none.
    pub fn doc(&self) -> &'static str {
        match self.description() {
            Some(description) if !description.doc.is_empty() => description.doc,
            _ => self.doc,
        }
    }

    /// Returns the description of the class's fields; `None` for functions and for classes without one.
    pub fn description(&self) -> Option<&'static TypeDescription> {
        match &self.what {
            What::Class { description, .. } => description(),
            _ => None,
        }
    }

    /// Returns `package>name`; for Keras's own objects only the name.
    pub fn registered_name(&self) -> String {
        match self.module {
            Some(_) => self.name.to_string(),
            None if self.package.is_empty() => self.name.to_string(),
            None => format!("{}>{}", self.package, self.name),
        }
    }

    /// Returns the name by which [`entry_named`](super::entry_named) finds the entry and no other: the registered
    /// name, for Keras's own objects with the module in front (`keras.layers.Dense`).
    pub fn full_name(&self) -> String {
        match self.module {
            Some(module) => format!("{module}.{}", self.name),
            None => self.registered_name(),
        }
    }

    /// Returns the public module of Keras's own objects; `None` for custom ones.
    pub fn module(&self) -> Option<&'static str> {
        self.module
    }

    /// Returns the package.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Returns the name within the package.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of one of Keras's own objects.
    pub(crate) fn builtin_name(&self) -> &'static str {
        match self.name {
            Cow::Borrowed(name) => name,
            Cow::Owned(_) => self.class_name,
        }
    }

    /// Returns the type's or function's own name.
    pub fn class_name(&self) -> &'static str {
        self.class_name
    }

    /// Returns the aliases of Keras's own objects, or the older registered names of custom ones.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Returns where the entry is registered.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns true if it is a function (and not a class).
    pub fn is_function(&self) -> bool {
        !matches!(self.what, What::Class { .. })
    }

    /// Returns the kinds that it can be used as, the most specific first.
    pub fn kinds(&self) -> Vec<Kind> {
        match &self.what {
            What::Class { casts, .. } => {
                let kinds: Vec<Kind> = casts.iter().flatten().map(|cast| cast.kind).collect();
                if kinds.is_empty() { vec![Kind::Object] } else { kinds }
            }
            What::Function { .. } => vec![Kind::Function],
            What::Existing { object, .. } => vec![object.kind()],
        }
    }

    /// Returns how its object is identified when it is serialized.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        match &self.what {
            What::Class { .. } | What::Function { .. } => vec![Identity::Type((self.type_id)())],
            What::Existing { identities: [one, other], .. } if one == other => vec![*one],
            What::Existing { identities, .. } => identities.to_vec(),
        }
    }

    /// Constructs an object of the class as a handle of `kind` (its first kind for `None`), or returns
    /// the function. `Ok(None)` if the class is not of the kind.
    pub(crate) fn make(&self, config: &Config, kind: Option<Kind>) -> Result<Option<Object>> {
        match &self.what {
            What::Function { handle } => Ok(Some(handle())),
            What::Existing { object, .. } => Ok(Some(object.clone())),
            What::Class { construct, casts, .. } => {
                let mut casts = casts.iter().flatten();
                let cast = match kind {
                    None => casts.next(),
                    Some(Kind::Object) => None,
                    Some(kind) => match casts.find(|cast| cast.kind == kind) {
                        Some(cast) => Some(cast),
                        None => return Ok(None),
                    },
                };
                let object = construct(config)?;
                Ok(match cast {
                    Some(cast) => (cast.cast)(object),
                    None => Some(Object::new(PlainObject(object))),
                })
            }
        }
    }

    /// Returns the function's handle.
    pub(crate) fn function_handle(&self) -> Option<Object> {
        match &self.what {
            What::Function { handle } => Some(handle()),
            What::Existing { object, .. } => Some(object.clone()),
            What::Class { .. } => None,
        }
    }
}

/// Formats as `MyLayers>KernelMult (MyDense, layer) at src/layers.rs:12`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.registered_name(), self.class_name)?;
        for kind in self.kinds() {
            write!(f, ", {kind}")?;
        }
        write!(f, ") at {}", self.place)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

inventory::collect!(Entry);
