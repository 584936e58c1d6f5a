//! The macro's representation of a struct.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Ident, Path, Type};

use crate::attributes::{FieldAttributes, TypeAttributes};
use crate::ctxt::Ctxt;

/// Like `quote!`, but local variables of the expansion are invisible to a user's expressions.
macro_rules! code {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use code;

/// The types of bases that need no attribute.
pub const BASES: [&str; 4] = ["LayerBase", "OptimizerBase", "LossBase", "MetricBase"];

/// A struct with named fields, or with none.
pub struct Struct<'a> {
    pub input: &'a DeriveInput,
    pub attributes: TypeAttributes,
    pub fields: Vec<Field<'a>>,
    /// The path of the crate's private module, for expansions.
    pub private: TokenStream,
}

/// A field of a struct.
pub struct Field<'a> {
    pub ident: &'a Ident,
    pub ty: &'a Type,
    pub attributes: FieldAttributes<'a>,
    pub role: Role,
}

/// What a field is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Base,
    Config,
    /// An entry that the base writes; null if the base does not.
    BaseOrNull,
    Weight,
    Sublayer,
    SeedGenerator,
    Skipped,
}

impl<'a> Struct<'a> {
    /// Parses a struct; `None` if its fields are unnamed.
    pub fn parse(cx: &mut Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let attributes = TypeAttributes::of_struct(cx, &input.attrs);
        let private = private(attributes.krate.get());
        let data = match &input.data {
            Data::Struct(data) => data,
            Data::Enum(_) => {
                cx.error(&input.ident, "an enum has no configuration of its own: derive `KerasEnum`");
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

    /// Returns the field with `name`, `trainable` and `dtype`.
    pub fn base(&self) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.role == Role::Base)
    }

    /// Returns the class name in configurations.
    pub fn class_name(&self) -> String {
        self.attributes.class_name.get().map_or_else(|| self.input.ident.unraw().to_string(), syn::LitStr::value)
    }

    /// Returns the fields of the configuration.
    pub fn entries(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.role == Role::Config)
    }
}

fn role(attributes: &FieldAttributes<'_>, ty: &Type) -> Role {
    if attributes.base.is_set() {
        Role::Base
    } else if attributes.weight.is_set() {
        Role::Weight
    } else if attributes.sublayer.is_set() {
        Role::Sublayer
    } else if attributes.seed_generator.is_set() {
        Role::SeedGenerator
    } else if attributes.skip.is_set() || attributes.untracked.is_set() {
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
    /// Returns the name in configurations, or the name under which state is saved.
    pub fn name(&self) -> String {
        let state = self.attributes.weight.get().or_else(|| self.attributes.sublayer.get());
        let renamed = self.attributes.rename.get().or_else(|| state.and_then(Option::as_ref));
        renamed.map_or_else(|| self.ident.unraw().to_string(), syn::LitStr::value)
    }

    /// Returns true if an attribute converts the field's values.
    pub fn is_converted(&self) -> bool {
        self.attributes.serde.is_set() || self.attributes.with.is_set()
    }

    /// Returns the name in configurations, and the aliases.
    pub fn names(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.name()).chain(self.attributes.aliases.iter().map(syn::LitStr::value))
    }

    /// Returns a span at which the compiler reports errors about the field's type.
    pub fn ty_span(&self) -> Span {
        syn::spanned::Spanned::span(self.ty).resolved_at(Span::mixed_site())
    }

    /// Returns the field's name as a hygienic identifier, for a variable or method of the expansion.
    pub fn hygienic(&self) -> Ident {
        let mut ident = self.ident.clone();
        ident.set_span(ident.span().resolved_at(Span::mixed_site()));
        ident
    }
}

/// Returns the path of the private module, in the crate under the user's name for it.
pub fn private(krate: Option<&Path>) -> TokenStream {
    // The module's name has the version: the macros fit this version of the library only.
    let version = env!("CARGO_PKG_VERSION").replace(['.', '-', '+'], "_");
    let module = Ident::new(&format!("__private_{version}"), Span::mixed_site());
    krate.map_or_else(|| quote!(::keras_serial::#module), |krate| quote!(#krate::#module))
}

/// Returns the tokens of a path at another span, at which the compiler then reports errors about them.
pub fn at_span(path: &TokenStream, span: Span) -> TokenStream {
    let at = path.clone().into_iter().map(|mut token| {
        // What `$crate` means depends on its own span.
        let is_crate = matches!(&token, TokenTree::Ident(ident) if ident == "$crate");
        token.set_span(if is_crate { token.span().located_at(span) } else { span });
        token
    });
    at.collect()
}

/// Unwraps the invisible group around a type that came through a macro's `$ty:ty`.
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
