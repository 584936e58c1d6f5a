//! The macros of keras-serial: `#[derive(KerasSerializable)]` and `#[register]`.
//!
//! The crate `keras-serial` documents and re-exports them.

mod ast;
mod attributes;
mod bounds;
mod check;
mod ctxt;
mod expand_constructor;
mod expand_description;
mod expand_enum;
mod expand_fallback;
mod expand_register;
mod expand_state;
mod expand_struct;
mod mentions;
mod names;
mod threads;

use proc_macro::TokenStream;

/// Derives a struct's Keras configuration; a fieldless enum derives [`KerasEnum`].
///
/// Every field is in the configuration, in order, unless an attribute says otherwise:
///
/// | attribute of a field | meaning |
/// |---|---|
/// | `base: LayerBase`, `#[keras(base)]` | what all objects of a kind have (`name`, `trainable`, `dtype` of layers); so are `OptimizerBase`, `LossBase`, `MetricBase` |
/// | `#[keras(weight)]`, `#[keras(weight(name = "…"))]` | a weight: state, saved with the model |
/// | `#[keras(sublayer)]`, `#[keras(sublayer(name = "…"))]` | a layer or metric that the type makes itself: state |
/// | `#[keras(sublayer(init = expr))]` | created by the expression, which can use the fields of the configuration by name: numbers as values, others as references |
/// | `#[keras(seed_generator)]` | a `SeedGenerator`: a random state that advances from call to call |
/// | `#[keras(skip)]` | other state, which is not saved; starts as `Default::default()` |
/// | `#[keras(untracked)]` | as `skip`, for layers that another object saves, or nothing does (`layers::untracked`) |
/// | `#[keras(default)]`, `#[keras(default = expr)]` | optional in a configuration |
/// | `#[keras(rename = "…")]`, `#[keras(alias = "…")]` | its name in configurations; an additional name that is read |
/// | `#[keras(with = "module")]` | converted by the module's `to_value` and `from_value` |
/// | `#[keras(serde)]` | converted by serde |
/// | `#[keras(field_type = path)]` | its type in descriptions, a `fn() -> FieldType`, if `with` or `serde` converts it |
/// | `#[keras(skip_if = path)]` | omitted if the function returns true |
/// | `#[keras(base_or_null)]` | an entry of the base that is written as null if the base has none; of type `()` |
/// | `#[keras(no_setter)]` | gets no method from `#[keras(setters)]` |
///
/// Fields have types with `ConfigField`: numbers, strings, `Option`, `Vec`, arrays, tuples, ordered
/// maps, enums of strings, and Keras objects of every kind (`Initializer`, `Activation`, `LayerRef`,
/// `Object` for any of them). A generic struct's parameters get the bounds that its fields need.
///
/// | attribute of the type | meaning |
/// |---|---|
/// | `#[keras(new)]` | adds `new`, with the fields that have no default as arguments; `#[keras(new(b, a))]` sets the order of the arguments |
/// | `#[keras(default)]` | adds `Default`, if all fields have one |
/// | `#[keras(setters)]` | adds a builder method for each field that has a default |
/// | `#[keras(model)]` | the layer is a model, as a subclass of `keras.Model` is in Python |
/// | `#[keras(validate = path)]` | `fn(&Self) -> Result<()>`, called after deserializing, and before the first use of what a program makes |
/// | `#[keras(allow_unknown)]` | unknown entries are not an error |
/// | `#[keras(ignore("…"))]` | entries of old files that are ignored |
/// | `#[keras(get_config = path)]` | `fn(&Self, &mut Config) -> Result<()>`, called after serializing |
/// | `#[keras(from_config = path)]` | `fn(&mut Config) -> Result<()>`, called before deserializing |
/// | `#[keras(version = 2, upgrade = path)]` | the version of the configuration; `fn(u32, &mut Config) -> Result<()>` brings one of an older version to the next |
/// | `#[keras(infer_version = path)]` | `fn(&Config) -> u32`, the version of a configuration that does not say it; 1 by default |
/// | `#[keras(class_name = "…")]` | a class name other than the type's own |
///
/// `get_config` and `from_config` can also be written by hand: implement `KerasSerializable` instead of
/// deriving it, and `HasBase` for a layer; such types can be registered and combined with others.
#[proc_macro_derive(KerasSerializable, attributes(keras))]
pub fn derive_keras_serializable(input: TokenStream) -> TokenStream {
    expand_struct::derive(&syn::parse_macro_input!(input)).into()
}

/// Derives the Keras strings of a fieldless enum, which can then be a field of a configuration.
///
/// `as_str` returns a variant's string: `channels_last` for `ChannelsLast`.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[keras(rename_all = "…")]` | how variants are spelled: `lowercase`, `snake_case` (the default), `kebab-case`, `SCREAMING_SNAKE_CASE`, `PascalCase` |
/// | `#[keras(display)]`, `#[keras(from_str)]` | implements `Display`, `FromStr` with the strings |
/// | `#[keras(crate = "…")]` | the name of the crate `keras-serial`, if it is not `keras_serial` |
/// | `#[keras(rename = "…")]`, `#[keras(alias = "…")]` of a variant | its string; an additional one that is read |
#[proc_macro_derive(KerasEnum, attributes(keras))]
pub fn derive_keras_enum(input: TokenStream) -> TokenStream {
    expand_enum::derive(&syn::parse_macro_input!(input)).into()
}

/// Registers a type or a function at link time.
///
/// `#[register]`, `#[register(package = "…", name = "…")]`; the package is `Custom` and the name is the
/// item's own by default. With `aliases("OldPackage>OldName")` files that have an older registered name are read too. The traits that the type implements (`Layer`, `Initializer`, …) determine what
/// it can be used as. For a generic type, register each instance with `register_type!`.
#[proc_macro_attribute]
pub fn register(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand_register::register(arguments.into(), item.into()).into()
}
