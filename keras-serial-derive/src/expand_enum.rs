//! Expands `#[derive(KerasEnum)]`: the strings that Keras uses for an enum.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, LitStr};

use crate::ast::{code, private};
use crate::attributes::{TypeAttributes, VariantAttributes};
use crate::ctxt::Ctxt;
use crate::expand_fallback;

/// Expands the derive; on errors, stand-ins avoid follow-up errors of the compiler.
pub fn derive(input: &DeriveInput) -> TokenStream {
    let mut cx = Ctxt::new();
    let expanded = match &input.data {
        Data::Enum(data) => expand(&mut cx, input, data),
        _ => {
            cx.error(&input.ident, "only an enum has strings: a struct is derived by `KerasSerializable`");
            TokenStream::new()
        }
    };
    match cx.check() {
        Ok(()) => expanded,
        Err(errors) => {
            let fallback = expand_fallback::of_enum(input);
            quote!(#errors #fallback)
        }
    }
}

/// The variants, each with its string and the strings that are parsed as it.
struct Variants<'a> {
    idents: Vec<&'a Ident>,
    names: Vec<String>,
    patterns: Vec<TokenStream>,
}

impl<'a> Variants<'a> {
    fn parse(cx: &mut Ctxt, data: &'a DataEnum, style: Style) -> Self {
        let mut seen = HashSet::new();
        let mut this = Self { idents: Vec::new(), names: Vec::new(), patterns: Vec::new() };
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                cx.error(
                    variant,
                    "a variant with data is no string: use a struct per case, or `#[keras(serde)]` where the enum is a field",
                );
            }
            let own = VariantAttributes::parse(cx, &variant.attrs);
            let name = own.rename.get().map_or_else(|| style.apply(&variant.ident.unraw().to_string()), LitStr::value);
            let aliases: Vec<String> = own.aliases.iter().map(LitStr::value).collect();
            let places = std::iter::once(
                own.rename.get().map_or_else(|| variant.ident.to_token_stream(), LitStr::to_token_stream),
            );
            let places = places.chain(own.aliases.iter().map(LitStr::to_token_stream));
            for (name, at) in std::iter::once(&name).chain(&aliases).zip(places) {
                if !seen.insert(name.clone()) {
                    cx.error(at, format!("two variants are called `{name}`"));
                }
            }
            this.idents.push(&variant.ident);
            this.patterns.push(code!(#name #(| #aliases)*));
            this.names.push(name);
        }
        this
    }
}

fn expand(cx: &mut Ctxt, input: &DeriveInput, data: &DataEnum) -> TokenStream {
    let attributes = TypeAttributes::of_enum(cx, &input.attrs);
    let private = private(attributes.krate.get());
    let style = Style::of(cx, attributes.rename_all.get());
    if data.variants.is_empty() {
        cx.error(&input.ident, "an enum without variants has no strings");
    }
    if !input.generics.params.is_empty() {
        cx.error(&input.generics, "an enum of Keras's strings can't be generic");
    }
    let Variants { idents, names, patterns } = Variants::parse(cx, data, style);
    let ident = &input.ident;
    let display = attributes.display.is_set().then(|| {
        code! {
            #[automatically_derived]
            impl ::core::fmt::Display for #ident {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.write_str(self.as_str())
                }
            }
        }
    });
    let from_str = attributes.from_str.is_set().then(|| {
        code! {
            #[automatically_derived]
            impl ::core::str::FromStr for #ident {
                type Err = #private::Error;
                fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                    <Self as #private::ConfigField>::from_value(&<#private::Value as ::core::convert::From<&str>>::from(text))
                }
            }
        }
    });
    code! {
        #[automatically_derived]
        impl #ident {
            /// Returns the string that Keras uses for the variant.
            pub const fn as_str(&self) -> &'static str {
                match self { #(Self::#idents => #names),* }
            }
        }
        #display
        #from_str
        #[automatically_derived]
        impl #private::ConfigField for #ident {
            fn field_type() -> #private::FieldType {
                #private::field::choices(&[#(#names),*])
            }
            fn to_value(&self) -> #private::Result<#private::Value> {
                ::core::result::Result::Ok(<#private::Value as ::core::convert::From<&str>>::from(self.as_str()))
            }
            fn from_value(value: &#private::Value) -> #private::Result<Self> {
                match #private::field::choice(value, &[#(#names),*])? {
                    #(#patterns => ::core::result::Result::Ok(Self::#idents),)*
                    text => ::core::result::Result::Err(#private::field::no_choice(text, &[#(#names),*])),
                }
            }
        }
        #[automatically_derived]
        impl #private::PlainField for #ident {}
    }
}

/// The spelling of variants.
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
