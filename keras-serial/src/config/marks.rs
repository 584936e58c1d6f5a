//! Errors for fields that need another attribute, reported for types without `ConfigField`.
//!
//! The marks are traits of [`Entries`] with the field's type as parameter, and not of the field's type: for a bound on
//! that type itself the compiler would show the text of `ConfigField`, which knows no single attribute.

/// The entries of a configuration, of which nothing that has a mark can be one.
#[doc(hidden)]
pub struct Entries;

macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident, $what:literal, $attribute:literal;)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        #[diagnostic::on_unimplemented(
            message = $what,
            label = $attribute,
            note = $attribute
        )]
        pub trait $mark<'a, T: ?Sized> {}
    )*};
}

marks! {
    /// A weight, which can't be an entry of a configuration.
    MarkedWeight, "`{T}` is state, and no entry of a configuration", "mark the field `#[keras(weight)]`";
    /// A layer that its owner creates, which can't be an entry of a configuration.
    MarkedSublayer, "`{T}` is state, and no entry of a configuration", "mark the field `#[keras(sublayer)]`";
    /// A seed generator, which can't be an entry of a configuration.
    MarkedSeedGenerator, "`{T}` is state, and no entry of a configuration", "mark the field `#[keras(seed_generator)]`";
    /// A base, which can't be an entry of a configuration.
    MarkedBase, "`{T}` is a base, and no entry of a configuration", "mark the field `#[keras(base)]`";
}

/// Makes the compiler name the attribute that a field of this type needs; it is never a configuration
/// entry.
macro_rules! unmarked {
    ($type:ty, $mark:ident) => {
        #[doc(hidden)]
        impl $crate::config::ConfigField for $type
        where
            for<'a> $crate::config::Entries: $crate::config::$mark<'a, $type>,
        {
            fn to_value(&self) -> $crate::error::Result<$crate::json::Value> {
                Ok($crate::json::Value::Null)
            }

            fn from_value(value: &$crate::json::Value) -> $crate::error::Result<Self> {
                Err($crate::config::wrong_type("nothing", value))
            }
        }
    };
}
pub(crate) use unmarked;
