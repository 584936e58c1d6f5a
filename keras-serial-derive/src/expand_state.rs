//! Compile-time checks of fields that depend on their types, as constants.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::Type;

use crate::ast::{Field, Role, Struct};
use crate::mentions::{is_free, parts};
use crate::names;

/// Expands constants that fail to evaluate if a field would lose state or takes a name of the base.
pub fn checks(input: &Struct<'_>) -> TokenStream {
    let mut checks = TokenStream::new();
    for field in &input.fields {
        match field.role {
            Role::Config => {
                checks.extend(not_reserved(input, field));
                if field.is_converted() {
                    checks.extend(walked(input, field));
                }
            }
            Role::Skipped => checks.extend(no_state(input, field)),
            _ => {}
        }
    }
    checks
}

/// Checks that no field has the name of an entry that is reserved for the base.
fn not_reserved(input: &Struct<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let base = input.base().filter(|base| is_free(base.ty, &input.input.generics))?;
    let (private, ty) = (&input.private, base.ty);
    let checks = field.names().map(|name| {
        let message = format!("`{name}` is an entry of the base, which no field can have the name of");
        quote_spanned! {field.hygienic().span()=>
            const _: () = ::core::assert!(!#private::field::is_one_of(<#ty as #private::Base>::RESERVED, #name), #message);
        }
    });
    Some(checks.collect())
}

/// Returns the parts of the field's type that are the same for all instances of the struct.
fn known_parts<'a>(input: &Struct<'_>, field: &Field<'a>) -> Vec<&'a Type> {
    parts(field.ty).into_iter().filter(|part| is_free(part, &input.input.generics)).collect()
}

/// Checks that a skipped field holds no weights, no random numbers, and no layers unless it says that those
/// are untracked.
fn no_state(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, parts) = (&input.private, known_parts(input, field));
    let holding = |what: &str, attribute: names::Name| {
        format!(
            "the field `{}` holds {what}, which `{}` would lose: mark it `{attribute}` instead",
            field.ident,
            if field.attributes.untracked.is_set() { names::UNTRACKED } else { names::SKIP }
        )
    };
    let weight = holding("weights", names::WEIGHT);
    let seed = holding("random numbers that go on", names::SEED_GENERATOR);
    let layer = format!(
        "{}, or `{}` if its weights are not to be saved with this object's",
        holding("layers or metrics", names::SUBLAYER),
        names::UNTRACKED
    );
    let may_hold_layers = field.attributes.untracked.is_set();
    quote_spanned! {field.ty_span()=>
        const _: () = {
            use #private::walk::NoState as _;
            #(
                ::core::assert!(!#private::walk::StateProbe::<#parts>::IS_WEIGHT, #weight);
                ::core::assert!(!#private::walk::StateProbe::<#parts>::IS_SEED_GENERATOR, #seed);
                ::core::assert!(#may_hold_layers || !#private::walk::StateProbe::<#parts>::IS_SUBLAYER, #layer);
            )*
        };
    }
}

/// Checks that a field with a custom conversion can be walked, if it holds layers.
fn walked(input: &Struct<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let (private, ty, parts) = (&input.private, field.ty, known_parts(input, field));
    if !is_free(ty, &input.input.generics) {
        return None;
    }
    let message = format!(
        "the field `{}` holds layers or weights in a type that does not show them, so that they would not be saved: \
         use `LayerRef`, `Option`, `Vec`, tuples or `IndexMap` (which, other than `HashMap` and `BTreeMap`, keeps the \
         order of insertion), or implement `StateField` for the type",
        field.ident
    );
    Some(quote_spanned! {field.ty_span()=>
        const _: () = {
            use #private::walk::{NoField as _, NoState as _};
            #(
                ::core::assert!(
                    #private::walk::ConfigProbe::<#ty>::IS_FIELD
                        || #private::walk::StateProbe::<#ty>::IS_STATE
                        || !#private::walk::StateProbe::<#parts>::IS_STATE,
                    #message,
                );
            )*
        };
    })
}
