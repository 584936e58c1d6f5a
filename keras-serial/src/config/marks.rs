//! Errors for fields that need another attribute, reported for types without `ConfigField`.

macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident, $what:literal, $attribute:literal;)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        #[diagnostic::on_unimplemented(
            message = $what,
            label = $attribute,
            note = $attribute
        )]
        pub trait $mark<'a> {}
    )*};
}

marks! {
    /// A weight, which can't be an entry of a configuration.
    MarkedWeight, "`{Self}` is state, and no entry of a configuration", "mark the field `#[keras(weight)]`";
    /// A layer that its owner creates, which can't be an entry of a configuration.
    MarkedSublayer, "`{Self}` is state, and no entry of a configuration", "mark the field `#[keras(sublayer)]`";
    /// A seed generator, which can't be an entry of a configuration.
    MarkedSeedGenerator, "`{Self}` is state, and no entry of a configuration", "mark the field `#[keras(seed_generator)]`";
    /// A base, which can't be an entry of a configuration.
    MarkedBase, "`{Self}` is a base, and no entry of a configuration", "mark the field `#[keras(base)]`";
}

/// Makes the compiler name the attribute that a field of this type needs; it is never a configuration
/// entry.
macro_rules! unmarked {
    ($type:ty, $mark:ident) => {
        #[doc(hidden)]
        impl $crate::config::ConfigField for $type
        where
            for<'a> $type: $crate::config::$mark<'a>,
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
