//! The expansion of `#[config(new)]` and `#[config(setters)]`: how Rust code makes an object.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, PathArguments, Type};

use crate::ast::{Field, Role, Struct};
use crate::attributes::FieldDefault;

/// `new` and the builder methods, as far as they are asked for.
pub fn expand(input: &Struct<'_>) -> TokenStream {
    let new = input.attributes.new.is_set().then(|| new(input));
    let setters = input.attributes.setters.is_set().then(|| {
        let entries = input.fields.iter().filter(|field| field.role != Role::Base);
        let defaulted = entries.filter(|field| field.attributes.default.is_set());
        defaulted
            .filter(|field| !field.attributes.no_setter.is_set())
            .map(|field| setter(input, field))
            .collect::<TokenStream>()
    });
    if new.is_none() && setters.is_none() {
        return TokenStream::new();
    }
    let ident = &input.input.ident;
    let (impl_generics, ty_generics, where_clause) = input.input.generics.split_for_impl();
    let default = (new.is_some() && !input.fields.iter().any(is_required)).then(|| {
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::default::Default for #ident #ty_generics #where_clause {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote! {
        #default
        impl #impl_generics #ident #ty_generics #where_clause {
            #new
            #setters
        }
    }
}

/// A value of the type: each field as `value` says, and then the sublayers that are made from them.
pub fn construct(input: &Struct<'_>, value: impl Fn(&Field<'_>) -> TokenStream) -> TokenStream {
    let locals: Vec<Ident> = input.fields.iter().map(local).collect();
    let (made, given): (Vec<_>, Vec<_>) =
        input.fields.iter().zip(&locals).partition(|(field, _)| field.attributes.init.is_some());
    let given = given.into_iter().map(|(field, local)| {
        let (ty, value) = (field.ty, value(field));
        quote!(let #local: #ty = #value;)
    });
    let made = made.into_iter().filter_map(|(field, name)| {
        let (ty, value) = (field.ty, init(input, field, |field| local(field).into_token_stream())?);
        Some(quote!(let #name: #ty = #value;))
    });
    let idents = input.fields.iter().map(|field| field.ident);
    quote! {
        {
            #(#given)*
            #(#made)*
            Self { #(#idents: #locals),* }
        }
    }
}

/// The expression of `#[sublayer(init = …)]`, which sees the other fields by their names.
fn init(input: &Struct<'_>, field: &Field<'_>, of: impl Fn(&Field<'_>) -> TokenStream) -> Option<TokenStream> {
    let expr = field.attributes.init.as_ref()?;
    let seen = input.fields.iter().filter(|field| field.role == Role::Config).map(|field| {
        let (ident, place) = (field.ident, of(field));
        let by_reference = (!is_primitive(field.ty)).then(|| quote!(&));
        quote! {
            #[allow(unused_variables, reason = "not every sublayer needs every field")]
            let #ident = #by_reference #place;
        }
    });
    Some(quote!({ #(#seen)* #expr }))
}

/// The variable that holds a field's value before there is a `Self`.
fn local(field: &Field<'_>) -> Ident {
    format_ident!("field_{}", field.ident.to_string().trim_start_matches("r#"))
}

fn new(input: &Struct<'_>) -> TokenStream {
    let vis = &input.input.vis;
    let mut required: Vec<&Field<'_>> = input.fields.iter().filter(|field| is_required(field)).collect();
    let order = input.attributes.new.get().map_or(&[][..], Vec::as_slice);
    required.sort_by_key(|field| order.iter().position(|name| name == field.ident));
    let parameters = required.iter().map(|field| {
        let (ident, ty) = (field.ident, argument(field.ty));
        quote!(#ident: #ty)
    });
    let this = construct(input, |field| match field.attributes.default.get() {
        _ if is_required(field) => converted(field, field.ty),
        Some(FieldDefault::Expr(expr)) => quote!(#expr),
        _ => quote!(::core::default::Default::default()),
    });
    let names: Vec<String> = required.iter().map(|field| format!("`{}`", field.name())).collect();
    let doc = match names.as_slice() {
        [] => "With the defaults of all arguments.".to_owned(),
        names => format!("With this {}, and the defaults of all other arguments.", names.join(", ")),
    };
    quote! {
        #[doc = #doc]
        #vis fn new(#(#parameters),*) -> Self {
            #this
        }
    }
}

fn setter(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (vis, ident) = (&input.input.vis, field.ident);
    let doc = format!("Sets `{}`.", field.name());
    let optional = inside_option(field.ty);
    let ty = argument(optional.unwrap_or(field.ty));
    let value = converted(field, optional.unwrap_or(field.ty));
    let value = if optional.is_some() { quote!(::core::option::Option::Some(#value)) } else { value };
    let again = input.fields.iter().filter_map(|sublayer| {
        let name = sublayer.ident;
        let value = init(input, sublayer, |field| {
            let ident = field.ident;
            quote!(self.#ident)
        })?;
        Some(quote!(self.#name = #value;))
    });
    // The span is the field's, so that a method of the same name is reported there.
    quote_spanned! {ident.span()=>
        #[doc = #doc]
        #[must_use]
        #vis fn #ident(mut self, #ident: #ty) -> Self {
            self.#ident = #value;
            #(#again)*
            self
        }
    }
}

fn is_required(field: &Field<'_>) -> bool {
    field.role == Role::Config && !field.attributes.default.is_set()
}

/// The type of an argument: numbers as they are, since literals of `impl Into<usize>` have no type.
fn argument(ty: &Type) -> TokenStream {
    if is_primitive(ty) { quote!(#ty) } else { quote!(impl ::core::convert::Into<#ty>) }
}

fn converted(field: &Field<'_>, ty: &Type) -> TokenStream {
    let ident = field.ident;
    if is_primitive(ty) { quote!(#ident) } else { quote_spanned!(ty.span()=> ::core::convert::Into::into(#ident)) }
}

fn is_primitive(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 15] =
        ["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];
    matches!(ungrouped(ty), Type::Path(path) if path.path.get_ident().is_some_and(|ident| PRIMITIVES.iter().any(|name| ident == name)))
}

/// A type that came through a macro's `$ty:ty` stands in an invisible group.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        ty => ty,
    }
}

/// `T` of `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ungrouped(ty) else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}
