//! The macro that defines a kind's handle, such as `Initializer` for `dyn Initialize`.

/// Defines a shared handle to a trait's objects, with everything that configurations need.
macro_rules! handle {
    (
        $(#[$doc:meta])*
        pub struct $handle:ident(dyn $trait:ident);
        kind: $kind:ident, cast: $cast:ident, expected: $expected:literal, modules: [$($module:literal),*]
        // The type that wraps a function of this kind, if functions are possible.
        $(, function: $function:ty)?
        // The base that all objects of the kind have.
        $(, base: $base:ty)?
        // For objects with variables, which are visited as state of the layers that hold them.
        $(, state: $state:literal)?
    ) => {
        $(#[$doc])*
        ///
        /// Arguments of this type take an object of the kind, Keras's name as a string, or a handle. An unknown
        /// name is an error where the object is first used.
        #[derive(Clone)]
        pub struct $handle(std::sync::Arc<dyn $trait>);

        impl $handle {
            /// Wraps an object in a shared handle.
            pub fn new(object: impl $trait) -> Self {
                Self(std::sync::Arc::new(object))
            }

            /// Serializes the object with its class and module, not only its configuration.
            ///
            /// # Errors
            /// Errors of the object.
            pub fn serialize(&self) -> $crate::error::Result<$crate::json::Value> {
                $crate::object::Handle::serialize(self)
            }

            /// Deserializes an object from its serialized form, or from a name.
            ///
            /// # Errors
            /// When the value is not an object of this kind.
            pub fn deserialize(value: &$crate::json::Value) -> $crate::error::Result<Self> {
                $crate::registry::deserialize_by_name(value)
            }

            /// Deserializes like [`Self::deserialize`], with custom objects for this call.
            ///
            /// # Errors
            /// When the value is not an object of this kind.
            pub fn deserialize_with(
                value: &$crate::json::Value,
                custom_objects: &$crate::registry::CustomObjects,
            ) -> $crate::error::Result<Self> {
                let _argument = $crate::registry::with_argument(custom_objects);
                $crate::registry::deserialize_by_name(value)
            }

            /// Returns the object, if it is a `T`.
            pub fn downcast_ref<T: $trait>(&self) -> Option<&T> {
                (&*self.0 as &dyn std::any::Any).downcast_ref()
            }
        }

        impl std::ops::Deref for $handle {
            type Target = dyn $trait;

            fn deref(&self) -> &Self::Target {
                &*self.0
            }
        }

        impl<T: $trait> From<T> for $handle {
            fn from(object: T) -> Self {
                Self::new(object)
            }
        }

        /// Looks the object up by its Keras name; an unknown name is an error when the object is first
        /// used.
        impl From<&str> for $handle {
            fn from(name: &str) -> Self {
                Self::deserialize(&$crate::json::Value::from(name))
                    .unwrap_or_else(|error| Self::new(<$crate::registry::handle!(@stand_in $($base)?)>::broken(error)))
            }
        }

        impl $crate::object::Handle for $handle {
            fn kind(&self) -> $crate::object::Kind {
                $crate::object::Kind::$kind
            }

            fn serialize(&self) -> $crate::error::Result<$crate::json::Value> {
                $(if let Some(function) =
                    self.downcast_ref::<$function>().and_then($crate::registry::WrapsFunction::function_handle)
                {
                    return function.serialize();
                })?
                $crate::registry::serialize_shared(self.0.clone(), |_| Ok(()))
            }

            fn address(&self) -> usize {
                std::sync::Arc::as_ptr(&self.0).cast::<()>() as usize
            }
        }

        impl $crate::registry::TypedHandle for $handle {
            const KIND: $crate::object::Kind = $crate::object::Kind::$kind;
            const EXPECTED: &'static str = $expected;
            const MODULES: &'static [&'static str] = &[$($module),*];

            fn convert(object: &$crate::object::Object) -> Option<Self> {
                $(if let Some(function) = <$function as $crate::registry::WrapsFunction>::of_function(object) {
                    return Some(Self::new(function));
                })?
                object.downcast_ref::<Self>().cloned()
            }

            fn keep(placeholder: $crate::config::Placeholder) -> Option<Self> {
                Some(Self::new(<$crate::registry::handle!(@stand_in $($base)?)>::kept(placeholder)))
            }
        }

        impl $crate::config::ConfigField for $handle {
            fn field_type() -> $crate::config::FieldType {
                $crate::config::FieldType::Object { kind: $crate::object::Kind::$kind, by_name: true }
            }

            fn to_value(&self) -> $crate::error::Result<$crate::json::Value> {
                $crate::object::Handle::serialize(self)
            }

            fn from_value(value: &$crate::json::Value) -> $crate::error::Result<Self> {
                Self::deserialize(value)
            }

            fn validate(&self) -> $crate::error::Result<()> {
                $crate::config::KerasSerializable::validate(&*self.0)
            }

            $(
                #[doc = $state]
                fn visit(&self, name: &str, visitor: &mut dyn $crate::config::FieldVisitor) {
                    visitor.field(name, self);
                }
            )?
        }

        $(
            #[doc = $state]
            impl $crate::config::StateField for $handle {
                fn visit_state(&self, name: &str, visitor: &mut dyn $crate::config::FieldVisitor) {
                    visitor.field(name, self);
                }
            }
        )?

        impl<T: $trait> $crate::registry::Probe<T> {
            /// Every type that implements the trait can be used as this kind.
            pub const $cast: Option<$crate::registry::Cast> = Some($crate::registry::Cast {
                kind: $crate::object::Kind::$kind,
                cast: |object| {
                    let object: std::sync::Arc<dyn std::any::Any + Send + Sync> = object;
                    let object = object.downcast::<T>().ok()?;
                    Some($crate::object::Object::new($handle(object)))
                },
            });
        }

        impl std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0.class())
            }
        }
    };
    (@stand_in) => { $crate::registry::StandIn::<()> };
    (@stand_in $base:ty) => { $crate::registry::StandIn::<$base> };
}
pub(crate) use handle;

/// An object of a kind that stands for a bare function: a loss for a registered function of two tensors.
/// It is serialized as the function.
pub(crate) trait WrapsFunction: Sized {
    /// Wraps the function; `None` if the object is none.
    fn of_function(object: &Object) -> Option<Self>;
    /// The handle of the function, where the object is serialized as that.
    fn function_handle(&self) -> Option<&dyn Handle>;
}

use crate::object::{Handle, Object};
