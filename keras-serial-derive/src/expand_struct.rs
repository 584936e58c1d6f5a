//! The expansion of `#[derive(KerasSerializable)]` on a struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput};

use crate::ast::{Field, Role, Struct};
use crate::attributes::FieldDefault;
use crate::check;
use crate::ctxt::Ctxt;
use crate::{bounds, expand_constructor, expand_enum};

/// Expands the derive; on errors, empty implementations keep the compiler from adding its own.
pub fn derive(input: DeriveInput) -> TokenStream {
    let mut cx = Ctxt::default();
    let expanded = if let Data::Enum(data) = &input.data {
        expand_enum::expand(&mut cx, &input, data)
    } else {
        match Struct::parse(&mut cx, &input) {
            Some(parsed) => {
                check::check(&mut cx, &parsed);
                expand(&parsed)
            }
            None => TokenStream::new(),
        }
    };
    if cx.is_ok() {
        return expanded;
    }
    let errors = cx.into_tokens();
    let borrows = input.generics.lifetimes().next().is_some();
    let fallback = if borrows || matches!(input.data, Data::Enum(_)) { TokenStream::new() } else { fallback(&input) };
    quote!(#errors #fallback)
}

/// Stand-ins, so that the only errors shown are the real ones.
fn fallback(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics ::keras_serial::__private::KerasSerializable for #ident #ty_generics #where_clause {
            fn get_config(&self) -> ::keras_serial::__private::Result<::keras_serial::__private::Config> {
                ::core::unreachable!()
            }
            fn from_config(_: &::keras_serial::__private::Config) -> ::keras_serial::__private::Result<Self> {
                ::core::unreachable!()
            }
        }
    }
}

fn expand(input: &Struct<'_>) -> TokenStream {
    let ident = &input.input.ident;
    let class_name = input.class_name();
    let generics = bounds::bounded(input);
    let has_types = !generics.params.is_empty();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let get_config = get_config(input);
    let from_config = from_config(input);
    let visits = input.fields.iter().filter_map(visit);
    let constructors = expand_constructor::expand(input);
    let base = input.base().map(|base| {
        let (base, base_ty) = (base.ident, base.ty);
        quote! {
            #[automatically_derived]
            impl #impl_generics ::keras_serial::__private::HasBase<#base_ty> for #ident #ty_generics #where_clause {
                fn base(&self) -> &#base_ty {
                    &self.#base
                }
                fn base_mut(&mut self) -> &mut #base_ty {
                    &mut self.#base
                }
            }
        }
    });
    let registrable = (!has_types).then(|| {
        quote! {
            #[automatically_derived]
            impl ::keras_serial::__private::Registrable for #ident {
                fn entry() -> ::keras_serial::__private::Entry {
                    ::keras_serial::__private::Entry::class::<#ident>(
                        #class_name,
                        ::keras_serial::__private::casts!(#ident),
                        ::keras_serial::__private::Place { file: ::core::file!(), line: ::core::line!() },
                    )
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics ::keras_serial::__private::KerasSerializable for #ident #ty_generics #where_clause {
            fn class_name() -> &'static str {
                #class_name
            }
            fn class(&self) -> &'static str {
                #class_name
            }
            #get_config
            #from_config
            fn visit_fields(&self, visitor: &mut dyn ::keras_serial::__private::FieldVisitor) {
                let _ = &visitor;
                #(#visits)*
            }
        }
        #base
        #registrable
        #constructors
    }
}

fn get_config(input: &Struct<'_>) -> TokenStream {
    let base = input.base().map(|base| {
        let ident = base.ident;
        quote!(self.#ident.write_config(<Self as ::keras_serial::__private::KerasSerializable>::class_name(), &mut config)?;)
    });
    let in_config = input.fields.iter().filter(|field| matches!(field.role, Role::Config | Role::BaseOrNull));
    let entries = in_config.map(|field| {
        let (ident, name) = (field.ident, field.name());
        if field.role == Role::BaseOrNull {
            return quote! {
                let () = self.#ident;
                ::keras_serial::__private::field::null_if_missing(&mut config, #name);
            };
        }
        let value = if field.attributes.serde.is_set() {
            quote!(::keras_serial::__private::field::to_serde(&self.#ident, #name)?)
        } else if let Some(with) = field.attributes.with.get() {
            quote!(::keras_serial::__private::ResultExt::at(#with::to_value(&self.#ident), #name)?)
        } else {
            quote!(::keras_serial::__private::ResultExt::at(::keras_serial::__private::ConfigField::to_value(&self.#ident), #name)?)
        };
        let insert = quote!(config.insert(<::std::string::String as ::core::convert::From<&str>>::from(#name), #value););
        match field.attributes.skip_if.get() {
            Some(skip_if) => quote!(if !#skip_if(&self.#ident) { #insert }),
            None => insert,
        }
    });
    let adjust = input.attributes.get_config.get().map(|path| quote!(#path(self, &mut config)?;));
    quote! {
        fn get_config(&self) -> ::keras_serial::__private::Result<::keras_serial::__private::Config> {
            #[allow(unused_mut, reason = "there may be no entries")]
            let mut config = ::keras_serial::__private::Config::new();
            #base
            #(#entries)*
            #adjust
            ::core::result::Result::Ok(config)
        }
    }
}

fn from_config(input: &Struct<'_>) -> TokenStream {
    let this = expand_constructor::construct(input, read);
    let upgrade = input.attributes.from_config.get().map(|path| {
        quote! {
            let mut upgraded = ::core::clone::Clone::clone(config);
            #path(&mut upgraded)?;
            let config = &upgraded;
        }
    });
    let refuse = (!input.attributes.allow_unknown.is_set()).then(|| {
        let names = input.fields.iter().filter(|field| field.role == Role::Config).flat_map(|field| {
            std::iter::once(field.name()).chain(field.attributes.aliases.iter().map(syn::LitStr::value))
        });
        let ignored = input.attributes.ignored.iter().map(syn::LitStr::value);
        let names = names.chain(ignored);
        let of_base = match input.base() {
            Some(base) => {
                let ty = base.ty;
                quote!(<#ty>::CONFIG_KEYS)
            }
            None => quote!(&[]),
        };
        quote!(::keras_serial::__private::field::refuse_unknown(config, #of_base, &[#(#names),*])?;)
    });
    let validate = input.attributes.validate.get().map(|path| quote!(#path(&this)?;));
    quote! {
        fn from_config(config: &::keras_serial::__private::Config) -> ::keras_serial::__private::Result<Self> {
            #upgrade
            #refuse
            let this = #this;
            #validate
            ::core::result::Result::Ok(this)
        }
    }
}

fn read(field: &Field<'_>) -> TokenStream {
    match field.role {
        Role::Base => {
            let ty = field.ty;
            return match field.attributes.default.get() {
                Some(FieldDefault::Expr(default)) => quote!(<#ty>::read_config_over(#default, config)?),
                _ => quote!(<#ty>::read_config(config)?),
            };
        }
        Role::Weight | Role::Sublayer | Role::SeedGenerator | Role::Skipped | Role::BaseOrNull => {
            return quote!(::core::default::Default::default());
        }
        Role::Config => {}
    }
    let (name, ty) = (field.name(), field.ty);
    let aliases = &field.attributes.aliases;
    let convert = if field.attributes.serde.is_set() {
        quote!(::keras_serial::__private::field::from_serde)
    } else if let Some(with) = field.attributes.with.get() {
        quote!(#with::from_value)
    } else {
        quote!(::keras_serial::__private::ConfigField::from_value)
    };
    match field.attributes.default.get() {
        None => quote!(::keras_serial::__private::field::required(config, #name, &[#(#aliases),*], #convert)?),
        Some(default) => {
            let default = match default {
                FieldDefault::Trait => quote!(::core::default::Default::default()),
                FieldDefault::Expr(expr) => quote!(#expr),
            };
            quote!(::keras_serial::__private::field::optional(config, #name, &[#(#aliases),*], #convert, || -> #ty { #default })?)
        }
    }
}

fn visit(field: &Field<'_>) -> Option<TokenStream> {
    let (ident, name) = (field.ident, field.name());
    match field.role {
        Role::Weight | Role::Sublayer | Role::SeedGenerator => {
            // The span is the field's, so that a field of another type is reported there.
            Some(
                quote_spanned!(field.ty.span()=> ::keras_serial::__private::StateField::visit_state(&self.#ident, #name, visitor);),
            )
        }
        Role::Config if !field.attributes.serde.is_set() && !field.attributes.with.is_set() => {
            Some(quote!(::keras_serial::__private::ConfigField::visit(&self.#ident, #name, visitor);))
        }
        _ => None,
    }
}
