//! Expands the description of a struct: its fields as a static table.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Type};

use crate::ast::{Field, Role, Struct, at_span, code};
use crate::expand_constructor::{self, DefaultSource};

/// Expands the method that returns the description.
pub fn expand(input: &Struct<'_>) -> TokenStream {
    let private = &input.private;
    let (name, doc) = (input.input.ident.unraw().to_string(), doc(&input.input.attrs));
    let fields = input.fields.iter().filter_map(|field| describe(input, field));
    let ignored = &input.attributes.ignored;
    let allows_unknown = input.attributes.allow_unknown.is_set();
    let version = version(input);
    let base = match input.base() {
        Some(base) => {
            let ty = base.ty;
            let default = expand_constructor::default(input, base);
            code! {
                ::core::option::Option::Some(#private::BaseDescription {
                    entries: <#ty as #private::Base>::ENTRIES,
                    keys: <#ty as #private::Base>::KEYS,
                    defaults: || <#ty as #private::Base>::defaults(&#default),
                })
            }
        }
        None => code!(::core::option::Option::None),
    };
    // The table is promoted to a constant, and not inlined: both halve what it costs to compile.
    code! {
        #[inline(never)]
        fn description() -> ::core::option::Option<&'static #private::TypeDescription> {
            ::core::option::Option::Some(&#private::TypeDescription {
                name: #name,
                module_path: ::core::module_path!(),
                doc: #doc,
                base: #base,
                fields: &[#(#fields),*],
                ignored: &[#(#ignored),*],
                allows_unknown: #allows_unknown,
                version: #version,
            })
        }
    }
}

/// Expands the version of the type's configurations, and how older ones are upgraded.
fn version(input: &Struct<'_>) -> TokenStream {
    let private = &input.private;
    let Some(current) = input.attributes.version.get() else { return code!(::core::option::Option::None) };
    let upgrade = input
        .attributes
        .upgrade
        .get()
        .map_or_else(|| code!(|_, _| ::core::result::Result::Ok(())), |path| code!(#path));
    let infer = input.attributes.infer_version.get().map_or_else(|| code!(|_| 1), |path| code!(#path));
    code! {
        ::core::option::Option::Some(#private::Version { current: #current, upgrade: #upgrade, infer: #infer })
    }
}

/// Expands a field's row of the table.
fn describe(input: &Struct<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let (private, ty, name, aliases) = (&input.private, field.ty, field.name(), &field.attributes.aliases);
    let role = match field.role {
        Role::Base => "Base",
        Role::Config => "Config",
        Role::Weight => "Weight",
        Role::Sublayer => "Sublayer",
        Role::SeedGenerator => "SeedGenerator",
        Role::Skipped => "Skipped",
        // The base describes this entry.
        Role::BaseOrNull => return None,
    };
    let role = format_ident!("{role}");
    let (rust_name, rust_type, doc) = (field.ident.unraw().to_string(), spelled(ty), doc(field.attributes.docs));
    let span = field.ty_span();
    let at = &at_span(private, span);
    let values = match field.attributes.field_type.get() {
        Some(path) => code!(#path),
        None if field.role == Role::Config && !field.is_converted() => {
            quote_spanned!(span=> <#ty as #at::ConfigField>::field_type)
        }
        None => code!(#private::field::any_type),
    };
    let default = if field.role == Role::Config && field.attributes.default.is_set() {
        let default = default(input, field);
        code!(::core::option::Option::Some(&#default))
    } else {
        code!(::core::option::Option::None)
    };
    Some(code! {
        #private::FieldDescription {
            name: #name,
            aliases: &[#(#aliases),*],
            rust_name: #rust_name,
            rust_type: #rust_type,
            role: #private::FieldRole::#role,
            doc: #doc,
            values: #values,
            default: #default,
        }
    })
}

/// Expands the default of a field: what gives it, and how it is written.
fn default(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, ty, span) = (&input.private, field.ty, field.ty_span());
    let to_value = if field.attributes.serde.is_set() {
        code!(#private::field::to_serde::<#ty>)
    } else if let Some(with) = field.attributes.with.get() {
        code!(|value| #with::to_value(value))
    } else {
        let private = &at_span(private, span);
        quote_spanned!(span=> <#ty as #private::ConfigField>::to_value)
    };
    let make = match DefaultSource::of(field) {
        DefaultSource::Literal(literal) => {
            return code!(#private::default_value::Literal::<#ty> { value: #literal, to_value: #to_value });
        }
        DefaultSource::Expr(expr) => expand_constructor::closure(field, expr),
        DefaultSource::Type => expand_constructor::start_path(input, field),
    };
    code!(#private::default_value::Made::<#ty> { make: #make, to_value: #to_value })
}

/// Spells a type as the sources do.
pub fn spelled(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    text.replace(" < ", "<").replace(" >", ">").replace(" :: ", "::").replace(" ,", ",").replace("& ", "&")
}

/// Returns the text of a doc comment.
pub fn doc(attributes: &[Attribute]) -> String {
    let texts = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => text(&pair.value),
        _ => None,
    });
    let texts: Vec<String> = texts.collect();
    let lines = || texts.iter().flat_map(|text| text.split('\n'));
    let is_indented = lines().all(|line| line.is_empty() || line.starts_with(' '));
    let lines: Vec<&str> = lines().map(|line| if is_indented { line.get(1..).unwrap_or("") } else { line }).collect();
    lines.join("\n").trim().to_owned()
}

/// Returns the text of a literal, also of one that came through a macro.
fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Group(group) => text(&group.expr),
        _ => None,
    }
}
