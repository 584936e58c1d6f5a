//! The expansion of `#[derive(KerasSerializable)]` on an enum: Keras's strings.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Fields, LitStr};

use crate::attributes::{TypeAttributes, VariantAttributes};
use crate::ctxt::Ctxt;

/// Expands the derive on an enum without data.
pub fn expand(cx: &mut Ctxt, input: &DeriveInput, data: &DataEnum) -> TokenStream {
    let attributes = TypeAttributes::parse(cx, &input.attrs);
    attributes.refuse_on_enum(cx, &input.ident);
    let style = Style::of(cx, attributes.rename_all.get());
    if data.variants.is_empty() {
        cx.error(&input.ident, "an enum without variants has no strings");
    }
    if !input.generics.params.is_empty() {
        cx.error(&input.generics, "an enum of Keras's strings can't be generic");
    }
    let mut seen = HashSet::new();
    let mut idents = Vec::new();
    let mut names = Vec::new();
    let mut patterns = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            cx.error(variant, "a variant with data is no string: use a struct per case, or `#[config(serde)]` where the enum is a field");
        }
        let own = VariantAttributes::parse(cx, &variant.attrs);
        let name = own.rename.get().map_or_else(|| style.apply(&variant.ident.to_string()), LitStr::value);
        let aliases: Vec<String> = own.aliases.iter().map(LitStr::value).collect();
        for name in std::iter::once(&name).chain(&aliases) {
            if !seen.insert(name.clone()) {
                cx.error(variant, format!("two variants are called `{name}`"));
            }
        }
        idents.push(&variant.ident);
        patterns.push(quote!(#name #(| #aliases)*));
        names.push(name);
    }
    let ident = &input.ident;
    quote! {
        #[automatically_derived]
        impl #ident {
            /// Keras's string.
            pub const fn as_str(&self) -> &'static str {
                match self { #(Self::#idents => #names),* }
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        #[automatically_derived]
        impl ::core::str::FromStr for #ident {
            type Err = ::keras_serial::__private::Error;
            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                match text {
                    #(#patterns => ::core::result::Result::Ok(Self::#idents),)*
                    _ => ::core::result::Result::Err(::keras_serial::__private::field::no_choice(text, &[#(#names),*])),
                }
            }
        }
        #[automatically_derived]
        impl ::keras_serial::__private::ConfigField for #ident {
            fn to_value(&self) -> ::keras_serial::__private::Result<::keras_serial::__private::Value> {
                ::core::result::Result::Ok(<::keras_serial::__private::Value as ::core::convert::From<&str>>::from(self.as_str()))
            }
            fn from_value(value: &::keras_serial::__private::Value) -> ::keras_serial::__private::Result<Self> {
                ::keras_serial::__private::field::choice(value, &[#(#names),*])
            }
        }
    }
}

/// How variants are spelled.
#[derive(Clone, Copy)]
enum Style {
    Lower,
    Snake,
    Kebab,
    ScreamingSnake,
    Pascal,
}

impl Style {
    fn of(cx: &mut Ctxt, given: Option<&LitStr>) -> Self {
        let Some(given) = given else { return Self::Snake };
        match given.value().as_str() {
            "lowercase" => Self::Lower,
            "snake_case" => Self::Snake,
            "kebab-case" => Self::Kebab,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "PascalCase" => Self::Pascal,
            _ => {
                cx.error(given, "unknown style, expected one of `lowercase`, `snake_case`, `kebab-case`, `SCREAMING_SNAKE_CASE`, `PascalCase`");
                Self::Snake
            }
        }
    }

    fn apply(self, variant: &str) -> String {
        let words = |separator: char| {
            let mut out = String::new();
            for (i, character) in variant.char_indices() {
                if character.is_uppercase() && i > 0 {
                    out.push(separator);
                }
                out.extend(character.to_lowercase());
            }
            out
        };
        match self {
            Self::Lower => variant.to_lowercase(),
            Self::Snake => words('_'),
            Self::Kebab => words('-'),
            Self::ScreamingSnake => words('_').to_uppercase(),
            Self::Pascal => variant.to_owned(),
        }
    }
}
