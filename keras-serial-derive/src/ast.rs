//! The macro's own picture of a struct.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Ident, Path, Type};

use crate::attributes::{FieldAttributes, TypeAttributes};
use crate::ctxt::Ctxt;

/// Tokens whose local variables no user's expression can see.
macro_rules! code {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use code;

/// The types of bases that need no attribute.
const BASES: [&str; 2] = ["LayerBase", "OptimizerBase"];

/// A struct with named fields, or none.
pub struct Struct<'a> {
    pub input: &'a DeriveInput,
    pub attributes: TypeAttributes,
    pub fields: Vec<Field<'a>>,
    /// The path of what expansions name.
    pub private: TokenStream,
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
        let attributes = TypeAttributes::of_struct(cx, &input.attrs);
        let private = private(attributes.krate.get());
        let data = match &input.data {
            Data::Struct(data) => data,
            Data::Enum(_) => {
                cx.error(&input.ident, "an enum has no configuration: it is derived by `KerasEnum`");
                return None;
            }
            Data::Union(_) => {
                cx.error(&input.ident, "a union has no configuration");
                return None;
            }
        };
        if let Fields::Unnamed(fields) = &data.fields {
            cx.error(fields, "fields need names: they are the names in the configuration");
            return None;
        }
        let fields = data.fields.iter().filter_map(|field| {
            let attributes = FieldAttributes::parse(cx, &field.attrs);
            let (ident, ty) = (field.ident.as_ref()?, ungrouped(&field.ty));
            Some(Field { ident, ty, role: role(&attributes, ty), attributes })
        });
        let fields = fields.collect();
        Some(Self { input, attributes, fields, private })
    }

    /// The field with `name`, `trainable` and `dtype`.
    pub fn base(&self) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.role == Role::Base)
    }

    /// The class name in configurations.
    pub fn class_name(&self) -> String {
        self.attributes.class_name.get().map_or_else(|| self.input.ident.unraw().to_string(), syn::LitStr::value)
    }

    /// The fields of the configuration.
    pub fn entries(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.role == Role::Config)
    }
}

fn role(attributes: &FieldAttributes, ty: &Type) -> Role {
    if attributes.base.is_set() {
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
    } else if BASES.iter().any(|base| ends_with(ty, base)) {
        Role::Base
    } else {
        Role::Config
    }
}

impl Field<'_> {
    /// The name in configurations, or under which state is saved.
    pub fn name(&self) -> String {
        let state = self.attributes.weight.get().or_else(|| self.attributes.sublayer.get());
        let renamed = self.attributes.rename.get().or_else(|| state.and_then(Option::as_ref));
        renamed.map_or_else(|| self.ident.unraw().to_string(), syn::LitStr::value)
    }

    /// Its name in configurations, and the old ones.
    pub fn names(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.name()).chain(self.attributes.aliases.iter().map(syn::LitStr::value))
    }

    /// A place in an expansion that errors about the field's type are reported at.
    pub fn ty_span(&self) -> Span {
        syn::spanned::Spanned::span(self.ty).resolved_at(Span::mixed_site())
    }

    /// The field's name at the field's place, where it names a variable or method of the expansion.
    pub fn hygienic(&self) -> Ident {
        let mut ident = self.ident.clone();
        ident.set_span(ident.span().resolved_at(Span::mixed_site()));
        ident
    }
}

/// The module with all that expansions name, in the crate under the name that the user has for it.
pub fn private(krate: Option<&Path>) -> TokenStream {
    let module = Ident::new("__private", Span::mixed_site());
    krate.map_or_else(|| quote!(::keras_serial::#module), |krate| quote!(#krate::#module))
}

/// A type that came through a macro's `$ty:ty` stands in an invisible group.
pub fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

fn ends_with(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}
