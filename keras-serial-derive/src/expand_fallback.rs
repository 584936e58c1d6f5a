//! Stand-ins for what a derive would have made of an item with mistakes in it, so that the only errors
//! shown are the real ones.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Generics, parse_quote};

use crate::ast::{Struct, code, private};
use crate::attributes::TypeAttributes;
use crate::{expand_constructor, expand_struct};

/// All that the derive implements for a struct, with bodies that are never run.
pub fn of_struct(input: &DeriveInput, parsed: Option<&Struct<'_>>) -> TokenStream {
    let ident = &input.ident;
    let krate = TypeAttributes::for_register(&input.attrs).krate;
    let private = private(krate.get());
    let generics = shared(&input.generics);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // Nothing that borrows can be an object.
    if input.generics.lifetimes().next().is_some() {
        return TokenStream::new();
    }
    let base = match parsed.and_then(|parsed| expand_struct::has_base(parsed, &generics)) {
        Some(base) => base,
        // Its own rule is broken already, so that a layer is not told of a missing base too.
        None => code! {
            #[automatically_derived]
            impl #impl_generics #private::HasBase<#private::LayerBase> for #ident #ty_generics #where_clause {
                fn base(&self) -> &#private::LayerBase {
                    ::core::unreachable!()
                }
                fn base_mut(&mut self) -> &mut #private::LayerBase {
                    ::core::unreachable!()
                }
            }
        },
    };
    let constructors = parsed.map(expand_constructor::stand_ins);
    let registrable = parsed.and_then(expand_struct::registrable);
    code! {
        #[automatically_derived]
        impl #impl_generics #private::KerasSerializable for #ident #ty_generics #where_clause {
            fn get_config(&self) -> #private::Result<#private::Config> {
                ::core::unreachable!()
            }
            fn from_config(_: &#private::Config) -> #private::Result<Self> {
                ::core::unreachable!()
            }
        }
        #base
        #registrable
        #constructors
    }
}

/// All that the derive implements for an enum, with bodies that are never run.
pub fn of_enum(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let krate = TypeAttributes::for_register(&input.attrs).krate;
    let private = private(krate.get());
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    code! {
        #[automatically_derived]
        impl #impl_generics #ident #ty_generics #where_clause {
            /// Keras's string.
            pub const fn as_str(&self) -> &'static str {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl #impl_generics #private::ConfigField for #ident #ty_generics #where_clause {
            fn to_value(&self) -> #private::Result<#private::Value> {
                ::core::unreachable!()
            }
            fn from_value(_: &#private::Value) -> #private::Result<Self> {
                ::core::unreachable!()
            }
        }
    }
}

/// Objects are shared between threads, and outlive what made them.
fn shared(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(::core::marker::Send));
        param.bounds.push(parse_quote!(::core::marker::Sync));
        param.bounds.push(parse_quote!('static));
    }
    generics
}
