//! Objects: registration, look-up, serialized forms, derived configurations, custom layers.
//!
//! Nothing here uses the crate of examples, which registers some of the same names.

#[path = "objects/classes.rs"]
mod classes;
#[path = "objects/custom_layers.rs"]
mod custom_layers;
#[path = "objects/derived.rs"]
mod derived;
#[path = "objects/fields.rs"]
mod fields;
#[path = "objects/identity.rs"]
mod identity;
#[path = "objects/object_registration.rs"]
mod object_registration;
#[path = "objects/precedence.rs"]
mod precedence;
#[path = "objects/registry.rs"]
mod registry;
#[path = "objects/scopes.rs"]
mod scopes;
#[path = "objects/serialization_lib.rs"]
mod serialization_lib;
