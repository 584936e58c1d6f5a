//! The expansion of `#[register]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Item, LitStr};

use crate::attributes::class_name;
use crate::ctxt::Ctxt;

#[derive(Default)]
struct Arguments {
    package: Option<LitStr>,
    name: Option<LitStr>,
    /// One of Keras's own objects: its public module.
    builtin: Option<LitStr>,
    aliases: Vec<LitStr>,
}

impl Arguments {
    fn parse(cx: &mut Ctxt, tokens: TokenStream) -> Self {
        let mut this = Self::default();
        let parser = syn::meta::parser(|meta| this.argument(cx, &meta));
        if let Err(error) = parser.parse2(tokens) {
            cx.syn_error(error);
        }
        this
    }

    fn argument(&mut self, cx: &mut Ctxt, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let slot = if meta.path.is_ident("package") {
            &mut self.package
        } else if meta.path.is_ident("name") {
            &mut self.name
        } else if meta.path.is_ident("builtin") {
            &mut self.builtin
        } else if meta.path.is_ident("alias") {
            let content;
            syn::parenthesized!(content in meta.input);
            self.aliases.extend(content.parse_terminated(|input| input.parse::<LitStr>(), syn::Token![,])?);
            return Ok(());
        } else {
            return Err(meta.error("unknown argument, expected `package = \"…\"` or `name = \"…\"`"));
        };
        let value: LitStr = meta.value()?.parse()?;
        if slot.is_some() {
            cx.error(&meta.path, "this argument is given twice");
        }
        let text = value.value();
        if text.is_empty() {
            cx.error(&value, "the name can't be empty");
        } else if text.contains(['>', '/']) {
            cx.error(&value, "a name can't hold `>` or `/`: they separate package, name and path");
        }
        *slot = Some(value);
        Ok(())
    }

    /// What the arguments add to an entry.
    fn apply(&self) -> TokenStream {
        let package = self.package.iter().map(|package| quote!(.in_package(#package)));
        let name = self.name.iter().map(|name| quote!(.named(#name)));
        let aliases = &self.aliases;
        let builtin = self.builtin.iter().map(|module| quote!(.builtin(#module, &[#(#aliases),*])));
        quote!(#(#package)* #(#name)* #(#builtin)*)
    }
}

/// Expands the attribute; the item stays as it is.
pub fn register(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut cx = Ctxt::default();
    let arguments = Arguments::parse(&mut cx, arguments);
    let entry = match syn::parse2::<Item>(item.clone()) {
        Ok(parsed) => entry(&mut cx, &parsed, &arguments),
        Err(error) => {
            cx.syn_error(error);
            None
        }
    };
    if !cx.is_ok() {
        let errors = cx.into_tokens();
        return quote!(#item #errors);
    }
    quote! {
        #item
        ::keras_serial::__private::inventory::submit! { #entry }
    }
}

fn entry(cx: &mut Ctxt, item: &Item, arguments: &Arguments) -> Option<TokenStream> {
    let (ident, generics, attributes) = match item {
        Item::Struct(item) => (&item.ident, &item.generics, item.attrs.as_slice()),
        Item::Enum(item) => (&item.ident, &item.generics, item.attrs.as_slice()),
        Item::Fn(item) => (&item.sig.ident, &item.sig.generics, [].as_slice()),
        other => {
            cx.error(other, "only structs, enums and functions can be registered");
            return None;
        }
    };
    if !generics.params.is_empty() {
        cx.error(
            generics,
            match item {
                Item::Fn(_) => "a generic function has no single entry: register functions that call it".to_owned(),
                _ => format!("a generic type has no single entry: register each instance, `keras_serial::register_type!({ident}<f32>, package = \"…\")`"),
            },
        );
        return None;
    }
    if let Item::Fn(function) = item {
        if let Some(receiver) = function.sig.receiver() {
            cx.error(receiver, "a method can't be registered, only a free function");
            return None;
        }
        if let Some(word) = &function.sig.asyncness {
            cx.error(word, "an async function can't be registered");
            return None;
        }
    }
    let own = || ident.to_string().trim_start_matches("r#").to_owned();
    let name = class_name(attributes).map_or_else(own, |name| name.value());
    let applied = arguments.apply();
    let place = quote!(::keras_serial::__private::Place { file: ::core::file!(), line: ::core::line!() });
    Some(if let Item::Fn(_) = item {
        quote! {
            ::keras_serial::__private::Entry::function(
                #name,
                || ::keras_serial::__private::type_id_of_fn(&#ident),
                || ::keras_serial::__private::function_handle(#ident, #name),
                #place,
            )#applied
        }
    } else {
        quote! {
            ::keras_serial::__private::Entry::class::<#ident>(
                #name,
                ::keras_serial::__private::casts!(#ident),
                #place,
            )#applied
        }
    })
}
