//! Expands `#[register]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Attribute, Item, LitStr, Path};

use crate::ast::{code, private};
use crate::attributes::{TypeAttributes, path};
use crate::ctxt::Ctxt;
use crate::expand_description;

#[derive(Default)]
struct Arguments {
    package: Option<LitStr>,
    name: Option<LitStr>,
    /// The public module of one of Keras's own objects.
    builtin: Option<LitStr>,
    aliases: Vec<LitStr>,
    krate: Option<Path>,
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
        } else if meta.path.is_ident("crate") {
            if self.krate.replace(path(meta)?).is_some() {
                cx.error(&meta.path, "this argument is given twice");
            }
            return Ok(());
        } else if meta.path.is_ident("builtin") && is_the_library() {
            &mut self.builtin
        } else if meta.path.is_ident("aliases") || (meta.path.is_ident("alias") && is_the_library()) {
            let content;
            if meta.input.peek(syn::Token![=]) {
                let value = meta.value()?;
                syn::bracketed!(content in value);
            } else {
                syn::parenthesized!(content in meta.input);
            }
            self.aliases.extend(content.parse_terminated(|input| input.parse::<LitStr>(), syn::Token![,])?);
            return Ok(());
        } else {
            let message =
                "unknown argument, expected `package = \"…\"`, `name = \"…\"`, `aliases = [\"…\"]` or `crate = \"…\"`";
            return Err(meta.error(message));
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

    /// Expands the method calls that add the arguments to an entry.
    fn apply(&self) -> TokenStream {
        let package = self.package.iter().map(|package| quote!(.in_package(#package)));
        let name = self.name.iter().map(|name| quote!(.named(#name)));
        let aliases = &self.aliases;
        let builtin = self.builtin.iter().map(|module| quote!(.builtin(#module, &[#(#aliases),*])));
        let also = (self.builtin.is_none() && !aliases.is_empty()).then(|| quote!(.also_named(&[#(#aliases),*])));
        quote!(#(#package)* #(#name)* #(#builtin)* #also)
    }
}

/// Returns true if keras-serial itself is compiled: only its objects are Keras's own.
fn is_the_library() -> bool {
    std::env::var("CARGO_PKG_NAME").is_ok_and(|name| name == env!("CARGO_PKG_NAME").trim_end_matches("-derive"))
}

/// Expands the attribute; the item stays unchanged.
pub fn register(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut cx = Ctxt::new();
    let arguments = Arguments::parse(&mut cx, arguments);
    let entry = match syn::parse2::<Item>(item.clone()) {
        Ok(parsed) => entry(&mut cx, &parsed, &arguments),
        Err(error) => {
            cx.syn_error(error);
            None
        }
    };
    match (cx.check(), entry) {
        (Ok(()), Some((private, entry))) => code! {
            #item
            #private::inventory::submit! { #entry }
        },
        (Ok(()), None) => item,
        (Err(errors), _) => quote!(#item #errors),
    }
}

/// Returns true if the item has one of the derives.
fn is_derived(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        // The compiler reports a derive that can't be parsed.
        let _ = attribute.parse_nested_meta(|meta| {
            let last = meta.path.segments.last();
            found |= last.is_some_and(|last| last.ident == "KerasSerializable" || last.ident == "KerasEnum");
            Ok(())
        });
    }
    found
}

/// Expands the path of the private module, and the entry.
fn entry(cx: &mut Ctxt, item: &Item, arguments: &Arguments) -> Option<(TokenStream, TokenStream)> {
    let (ident, generics, attributes, docs) = match item {
        Item::Struct(item) => (&item.ident, &item.generics, item.attrs.as_slice(), item.attrs.as_slice()),
        Item::Enum(item) => (&item.ident, &item.generics, item.attrs.as_slice(), item.attrs.as_slice()),
        Item::Fn(item) => (&item.sig.ident, &item.sig.generics, [].as_slice(), item.attrs.as_slice()),
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
    if let Item::Enum(item) = item
        && is_derived(&item.attrs)
    {
        cx.error(
            ident,
            "an enum of Keras's strings is the value of a field and no object of its own: it needs no `#[register]`",
        );
        return None;
    }
    let of_type = TypeAttributes::for_register(attributes);
    let private = private(arguments.krate.as_ref().or(of_type.krate.get()));
    let name = of_type.class_name.get().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let applied = arguments.apply();
    // The derive has the entry of a type, with its documentation.
    let doc = if is_derived(attributes) { String::new() } else { expand_description::doc(docs) };
    let documented = (!doc.is_empty()).then(|| code!(.documented(#doc)));
    let place = code!(#private::Place { file: ::core::file!(), line: ::core::line!() });
    let entry = if let Item::Fn(_) = item {
        code! {
            #private::Entry::function(
                #name,
                || #private::type_id_of_fn(&#ident),
                || #private::function_handle(#ident, #name),
                #place,
            )#documented #applied
        }
    } else if is_derived(attributes) {
        code!(<#ident as #private::Registrable>::ENTRY #applied)
    } else {
        code! {
            #private::Entry::class::<#ident>(
                #name,
                #private::casts!(#ident),
                #place,
            )#documented #applied
        }
    };
    Some((private, entry))
}
