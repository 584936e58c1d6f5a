//! The macro's own picture of a struct.

use syn::{Data, DeriveInput, Fields, Ident, Type};

use crate::attributes::{FieldAttributes, TypeAttributes};
use crate::ctxt::Ctxt;

/// The types of a field `base` that needs no attribute.
const BASES: [&str; 2] = ["LayerBase", "OptimizerBase"];

/// A struct with named fields, or none.
pub struct Struct<'a> {
    pub input: &'a DeriveInput,
    pub attributes: TypeAttributes,
    pub fields: Vec<Field<'a>>,
}

/// One field.
pub struct Field<'a> {
    pub ident: &'a Ident,
    pub ty: &'a Type,
    pub attributes: FieldAttributes,
    pub role: Role,
}

/// What a field is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Base,
    Config,
    /// An entry that the base writes, or null stands in its place.
    BaseOrNull,
    Weight,
    Sublayer,
    SeedGenerator,
    Skipped,
}

impl<'a> Struct<'a> {
    /// Reads a struct; `None` when it has no fields of names.
    pub fn parse(cx: &mut Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let attributes = TypeAttributes::parse(cx, &input.attrs);
        let Data::Struct(data) = &input.data else {
            cx.error(&input.ident, "a union has no configuration");
            return None;
        };
        if let Fields::Unnamed(fields) = &data.fields {
            cx.error(fields, "fields need names: they are the names in the configuration");
            return None;
        }
        let fields = data.fields.iter().filter_map(|field| {
            let attributes = FieldAttributes::parse(cx, &field.attrs);
            let ident = field.ident.as_ref()?;
            let is_base =
                attributes.base.is_set() || (ident == "base" && BASES.iter().any(|base| ends_with(&field.ty, base)));
            let role = if is_base {
                Role::Base
            } else if attributes.weight.is_set() {
                Role::Weight
            } else if attributes.sublayer.is_set() {
                Role::Sublayer
            } else if attributes.seed_generator.is_set() {
                Role::SeedGenerator
            } else if attributes.skip.is_set() {
                Role::Skipped
            } else if attributes.base_or_null.is_set() {
                Role::BaseOrNull
            } else {
                Role::Config
            };
            Some(Field { ident, ty: &field.ty, attributes, role })
        });
        let fields = fields.collect();
        Some(Self { input, attributes, fields })
    }

    /// The field with `name`, `trainable` and `dtype`.
    pub fn base(&self) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.role == Role::Base)
    }

    /// The class name in configurations.
    pub fn class_name(&self) -> String {
        self.attributes.class_name.get().map_or_else(|| self.input.ident.to_string(), syn::LitStr::value)
    }
}

impl Field<'_> {
    /// The name in configurations, or under which state is saved.
    pub fn name(&self) -> String {
        let state = self.attributes.weight.get().or_else(|| self.attributes.sublayer.get());
        let renamed = self.attributes.rename.get().or_else(|| state.and_then(Option::as_ref));
        let own = || self.ident.to_string().trim_start_matches("r#").to_owned();
        renamed.map_or_else(own, syn::LitStr::value)
    }
}

fn ends_with(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}
