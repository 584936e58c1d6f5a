//! Stand-ins for the expansion of an item with errors, so that the compiler reports only those.

use proc_macro2::{Span, TokenStream};
use syn::{DeriveInput, Generics, Ident, parse_quote};

use crate::ast::{BASES, Struct, code, private};
use crate::attributes::TypeAttributes;
use crate::{expand_constructor, expand_struct};

/// Implements everything that the derive does for a struct, with bodies that never run.
pub fn of_struct(input: &DeriveInput, parsed: Option<&Struct<'_>>) -> TokenStream {
    let ident = &input.ident;
    let krate = TypeAttributes::for_register(&input.attrs).krate;
    let private = private(krate.get());
    let generics = shared(&input.generics);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // An object can't borrow.
    if input.generics.lifetimes().next().is_some() {
        return TokenStream::new();
    }
    let base = match parsed.and_then(|parsed| expand_struct::has_base(parsed, &generics)) {
        Some(base) => base,
        // The struct already has an error, so it must not be reported for a missing base too.
        None => {
            let bases = BASES.map(|base| Ident::new(base, Span::mixed_site()));
            code! {
                #(
                    #[automatically_derived]
                    impl #impl_generics #private::HasBase<#private::#bases> for #ident #ty_generics #where_clause {
                        fn base(&self) -> &#private::#bases {
                            ::core::unreachable!()
                        }
                        fn base_mut(&mut self) -> &mut #private::#bases {
                            ::core::unreachable!()
                        }
                    }
                )*
            }
        }
    };
    let constructors = parsed.map(expand_constructor::stand_ins);
    let class_name = parsed.map_or_else(|| ident.to_string(), Struct::class_name);
    let registrable = expand_struct::registrable(input, &private, &class_name);
    // A field that can't be shared between threads is reported by now; nothing of this is ever run.
    code! {
        #[automatically_derived]
        unsafe impl #impl_generics ::core::marker::Send for #ident #ty_generics #where_clause {}
        #[automatically_derived]
        unsafe impl #impl_generics ::core::marker::Sync for #ident #ty_generics #where_clause {}
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

/// Implements everything that the derive does for an enum, with bodies that never run.
pub fn of_enum(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let krate = TypeAttributes::for_register(&input.attrs).krate;
    let private = private(krate.get());
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    code! {
        #[automatically_derived]
        impl #impl_generics #ident #ty_generics #where_clause {
            /// Returns the string that Keras uses for the variant.
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

/// Adds bounds to the parameters: objects are shared between threads and own their data.
fn shared(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(::core::marker::Send));
        param.bounds.push(parse_quote!(::core::marker::Sync));
        param.bounds.push(parse_quote!('static));
    }
    generics
}
