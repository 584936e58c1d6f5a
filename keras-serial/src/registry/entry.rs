//! One registered class or function.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::PlainObject;
use crate::config::{Config, KerasSerializable};
use crate::error::Result;
use crate::object::{Kind, Object};

/// Where in the sources something is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How a class is turned into a handle of one kind.
#[derive(Clone, Copy)]
pub struct Cast {
    /// The kind of the handle.
    pub kind: Kind,
    /// Wraps an object of the class; `None` for an object of another class.
    pub cast: fn(Arc<dyn KerasSerializable>) -> Option<Object>,
}

/// A class whose entry is known from its type; `#[derive(KerasSerializable)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be used as a custom object",
    note = "annotate it with `#[derive(KerasSerializable)]`; for a generic or foreign type use `entry!(Type)`"
)]
pub trait Registrable: KerasSerializable {
    /// The entry, in package `Custom` under the type's own name.
    fn entry() -> Entry;
}

/// By what an object is recognized when it is written: its entry on the master list is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A class, or a function that has a type of its own.
    Type(TypeId),
    /// A function pointer, by its type and target: all of one signature have one type.
    Pointer(TypeId, usize),
    /// The handle that was made for a function: closures that hold values share a type with others of
    /// their factory, which compute something else.
    Handle(u64),
}

/// What an entry stands for.
#[derive(Clone)]
enum What {
    Class {
        construct: fn(&Config) -> Result<Arc<dyn KerasSerializable>>,
        casts: &'static [Option<Cast>],
    },
    Function {
        handle: fn() -> Object,
    },
    /// An object that exists already: a function given at run time.
    Existing {
        object: Object,
        identities: [Identity; 2],
    },
}

/// A registered class or function: its names, its source place, and how it is made.
#[derive(Clone)]
pub struct Entry {
    /// The public module of Keras's own objects (`keras.layers`); `None` for everybody else's.
    module: Option<&'static str>,
    package: Cow<'static, str>,
    name: Cow<'static, str>,
    class_name: &'static str,
    /// Other names by which Keras's own objects are known (`mse`, `glorot_uniform`).
    aliases: &'static [&'static str],
    place: Place,
    type_id: fn() -> TypeId,
    what: What,
}

fn construct<T: KerasSerializable>(config: &Config) -> Result<Arc<dyn KerasSerializable>> {
    Ok(Arc::new(T::from_config(config)?))
}

impl Entry {
    /// The entry of a class; `casts` from [`super::Probe`].
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
            type_id: TypeId::of::<T>,
            what: What::Class { construct: construct::<T>, casts },
        }
    }

    /// The entry of a function; `type_id` is its own type's.
    pub const fn function(name: &'static str, type_id: fn() -> TypeId, handle: fn() -> Object, place: Place) -> Self {
        Self {
            module: None,
            package: Cow::Borrowed("Custom"),
            name: Cow::Borrowed(name),
            class_name: name,
            aliases: &[],
            place,
            type_id,
            what: What::Function { handle },
        }
    }

    /// The entry of an object that exists already, and by what it is recognized.
    pub(crate) fn existing(name: String, identities: [Identity; 2], object: Object, place: Place) -> Self {
        Self {
            module: None,
            package: Cow::Borrowed("Custom"),
            name: Cow::Owned(name),
            class_name: "function",
            aliases: &[],
            place,
            type_id: TypeId::of::<Object>,
            what: What::Existing { object, identities },
        }
    }

    /// Sets the package, `Custom` by default; an empty one makes the name alone the registered one,
    /// as `get_custom_objects()["MyDense"] = MyDense` does in Keras.
    #[must_use]
    pub const fn in_package(mut self, package: &'static str) -> Self {
        // A plain assignment would drop the old value, which const code can't.
        std::mem::forget(std::mem::replace(&mut self.package, Cow::Borrowed(package)));
        self
    }

    /// Sets the name, the item's own by default.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        std::mem::forget(std::mem::replace(&mut self.name, Cow::Borrowed(name)));
        self
    }

    /// Makes it one of Keras's own objects, in a public module and with other names.
    #[must_use]
    pub const fn builtin(mut self, module: &'static str, aliases: &'static [&'static str]) -> Self {
        self.module = Some(module);
        self.aliases = aliases;
        self
    }

    /// `package>name`; Keras's own objects have none and give their name.
    pub fn registered_name(&self) -> String {
        match self.module {
            Some(_) => self.name.to_string(),
            None if self.package.is_empty() => self.name.to_string(),
            None => format!("{}>{}", self.package, self.name),
        }
    }

    /// The public module of Keras's own objects; `None` for everybody else's.
    pub fn module(&self) -> Option<&'static str> {
        self.module
    }

    /// The package.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// The name within the package.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of one of Keras's own objects.
    pub(crate) fn builtin_name(&self) -> &'static str {
        match self.name {
            Cow::Borrowed(name) => name,
            Cow::Owned(_) => self.class_name,
        }
    }

    /// The type's or function's own name.
    pub fn class_name(&self) -> &'static str {
        self.class_name
    }

    /// Other names of Keras's own objects.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Where it is registered.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Is it a function (and not a class)?
    pub fn is_function(&self) -> bool {
        !matches!(self.what, What::Class { .. })
    }

    /// What it can stand for, the most special first.
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

    /// By what its object is recognized when it is written.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        match &self.what {
            What::Class { .. } | What::Function { .. } => vec![Identity::Type((self.type_id)())],
            What::Existing { identities: [one, other], .. } if one == other => vec![*one],
            What::Existing { identities, .. } => identities.to_vec(),
        }
    }

    /// An object of the class as a handle of `kind` (the first kind that it has for `None`), or
    /// the function. `Ok(None)` when the class is not of the kind.
    pub(crate) fn make(&self, config: &Config, kind: Option<Kind>) -> Result<Option<Object>> {
        match &self.what {
            What::Function { handle } => Ok(Some(handle())),
            What::Existing { object, .. } => Ok(Some(object.clone())),
            What::Class { construct, casts } => {
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

    /// The function's handle.
    pub(crate) fn function_handle(&self) -> Option<Object> {
        match &self.what {
            What::Function { handle } => Some(handle()),
            What::Existing { object, .. } => Some(object.clone()),
            What::Class { .. } => None,
        }
    }
}

/// `MyLayers>KernelMult (MyDense, layer) at src/layers.rs:12`
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
