//! Expands `new`, `setters` and `default`: how Rust code creates an object.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, ExprUnary, GenericArgument, Ident, Lit, PathArguments, Type, UnOp};

use crate::ast::{Field, Role, Struct, at_span, code, ungrouped};
use crate::attributes::FieldDefault;
use crate::bounds;
use crate::expand_description::spelled;
use crate::mentions::mentions;

/// Expands `new` and the builder methods that the attributes ask for.
pub fn expand(input: &Struct<'_>) -> TokenStream {
    let body = |field: &Field<'_>| match field.attributes.default.get() {
        _ if is_required(field) => converted(input, field, field.ty),
        Some(FieldDefault::Expr(_)) => default(input, field),
        _ => start(input, field),
    };
    methods(input, &construct(input, body), |field| set(input, field))
}

/// Expands the same methods without bodies, for a struct with errors.
pub fn stand_ins(input: &Struct<'_>) -> TokenStream {
    methods(input, &code!(::core::unreachable!()), |field| {
        let ident = field.hygienic();
        code!(let _ = (#ident, &mut self); ::core::unreachable!())
    })
}

fn methods(input: &Struct<'_>, new_body: &TokenStream, set: impl Fn(&Field<'_>) -> TokenStream) -> TokenStream {
    let new = input.attributes.new.is_set().then(|| new(input, new_body));
    let setters = input.attributes.setters.is_set().then(|| {
        let entries = input.fields.iter().filter(|field| field.role != Role::Base);
        let defaulted = entries.filter(|field| field.attributes.default.is_set());
        defaulted
            .filter(|field| !field.attributes.no_setter.is_set())
            .map(|field| setter(input, field, &set(field)))
            .collect::<TokenStream>()
    });
    if new.is_none() && setters.is_none() {
        return TokenStream::new();
    }
    let ident = &input.input.ident;
    let generics = if new.is_some() { bounds::of_constructors(input) } else { input.input.generics.clone() };
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let default = (new.is_some() && input.attributes.default.is_set()).then(|| {
        code! {
            #[automatically_derived]
            impl #impl_generics ::core::default::Default for #ident #ty_generics #where_clause {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    code! {
        #default
        #[automatically_derived]
        impl #impl_generics #ident #ty_generics #where_clause {
            #new
            #setters
        }
    }
}

/// Expands a value of the type: each field by `value`, then the sublayers with `init`.
pub fn construct(input: &Struct<'_>, value: impl Fn(&Field<'_>) -> TokenStream) -> TokenStream {
    let locals: Vec<Ident> = input.fields.iter().map(local).collect();
    let (made, given): (Vec<_>, Vec<_>) =
        input.fields.iter().zip(&locals).partition(|(field, _)| field.attributes.init.is_some());
    let given = given.into_iter().map(|(field, local)| {
        let (ty, value) = (field.ty, value(field));
        code!(let #local: #ty = #value;)
    });
    let made = made.into_iter().filter_map(|(field, name)| {
        let (ty, value) = (field.ty, init(input, field, |field| local(field).into_token_stream())?);
        Some(code!(let #name: #ty = #value;))
    });
    let idents = input.fields.iter().map(|field| field.ident);
    code! {
        {
            #(#given)*
            #(#made)*
            Self { #(#idents: #locals),* }
        }
    }
}

/// Expands an `init` expression, which can use the other fields by name.
fn init(input: &Struct<'_>, field: &Field<'_>, of: impl Fn(&Field<'_>) -> TokenStream) -> Option<TokenStream> {
    let expr = field.attributes.init.as_ref()?;
    let seen = input.entries().map(|field| {
        let (ident, place) = (field.ident, of(field));
        let by_reference = (!is_primitive(field.ty)).then(|| code!(&));
        // Not every sublayer uses every field.
        code! {
            let #ident = #by_reference #place;
            let _ = &#ident;
        }
    });
    Some(code!({ #(#seen)* #expr }))
}

/// Returns the variable that holds a field's value before `Self` exists.
fn local(field: &Field<'_>) -> Ident {
    format_ident!("field_{}", syn::ext::IdentExt::unraw(field.ident), span = Span::mixed_site())
}

fn new(input: &Struct<'_>, body: &TokenStream) -> TokenStream {
    let vis = &input.input.vis;
    let mut required: Vec<&Field<'_>> = input.fields.iter().filter(|field| is_required(field)).collect();
    let order = input.attributes.new.get().map_or(&[][..], Vec::as_slice);
    required.sort_by_key(|field| order.iter().position(|name| name == field.ident));
    let parameters = required.iter().map(|field| {
        let (ident, ty) = (field.hygienic(), argument(input, field.ty));
        code!(#ident: #ty)
    });
    let names: Vec<String> = required.iter().map(|field| format!("`{}`", field.name())).collect();
    let doc = match names.as_slice() {
        [] => "With the defaults of all arguments.".to_owned(),
        names => format!("With this {}, and the defaults of all other arguments.", names.join(", ")),
    };
    let forms = required.iter().filter_map(|field| Some(format!("\n- `{}`: {}", field.name(), accepted(field.ty)?)));
    let forms: String = forms.collect();
    let doc = if forms.is_empty() { doc } else { format!("{doc}\n{forms}") };
    code! {
        #[doc = #doc]
        #vis fn new(#(#parameters),*) -> Self {
            #body
        }
    }
}

fn setter(input: &Struct<'_>, field: &Field<'_>, body: &TokenStream) -> TokenStream {
    // With the field's span, at which a conflicting method is reported.
    let (vis, ident) = (&input.input.vis, field.hygienic());
    let inner = inside_option(field.ty).unwrap_or(field.ty);
    let ty = argument(input, inner);
    let doc = match accepted(inner) {
        Some(accepted) => format!("Sets `{}`: {accepted}.", field.name()),
        None => format!("Sets `{}`.", field.name()),
    };
    code! {
        #[doc = #doc]
        #[must_use]
        #vis fn #ident(mut self, #ident: #ty) -> Self {
            #body
        }
    }
}

/// Expands the body of a setter: sets the field, and creates again the sublayers that depend on it.
fn set(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (private, ident) = (&input.private, field.ident);
    let optional = inside_option(field.ty);
    let value = converted(input, field, optional.unwrap_or(field.ty));
    let value = if optional.is_some() { code!(::core::option::Option::Some(#value)) } else { value };
    let again = input.fields.iter().filter_map(|sublayer| {
        let (name, ty) = (sublayer.ident, sublayer.ty);
        sublayer.attributes.init.as_ref().filter(|init| mentions(init, ident))?;
        let value = init(input, sublayer, |field| {
            let ident = field.ident;
            code!(self.#ident)
        })?;
        Some(code!(self.#name = #private::reconstruct(&self.#name, || -> #ty { #value });))
    });
    code! {
        self.#ident = #value;
        #(#again)*
        self
    }
}

fn is_required(field: &Field<'_>) -> bool {
    field.role == Role::Config && !field.attributes.default.is_set()
}

/// Returns an argument's type: numbers unchanged, because literals for `impl Into<usize>` have no type.
fn argument(input: &Struct<'_>, ty: &Type) -> TokenStream {
    let private = &input.private;
    if is_primitive(ty) { code!(#ty) } else { code!(impl #private::Argument<#ty>) }
}

/// Where a field's default comes from.
pub enum DefaultSource<'a> {
    /// A literal that fits the field's type.
    Literal(&'a Expr),
    /// Another expression.
    Expr(&'a Expr),
    /// The field's type.
    Type,
}

impl<'a> DefaultSource<'a> {
    /// Returns where the default of a field comes from.
    pub fn of(field: &'a Field<'_>) -> Self {
        match field.attributes.default.get() {
            Some(FieldDefault::Expr(expr)) if is_literal_of(expr, field.ty) => Self::Literal(expr),
            Some(FieldDefault::Expr(expr)) => Self::Expr(expr),
            _ => Self::Type,
        }
    }
}

/// Expands a field's default: in the same form everywhere, so that the compiler reports one of another type once.
pub fn default(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    match DefaultSource::of(field) {
        DefaultSource::Literal(literal) => literal.to_token_stream(),
        DefaultSource::Expr(expr) => {
            let make = closure(field, expr);
            code!({
                let default = #make;
                default()
            })
        }
        DefaultSource::Type => start(input, field),
    }
}

/// Expands the function that returns an expression, of the field's type.
pub fn closure(field: &Field<'_>, expr: &Expr) -> TokenStream {
    let ty = field.ty;
    code!(|| -> #ty { #expr })
}

/// Expands the value with which a field starts that is no argument.
pub fn start(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let path = start_path(input, field);
    quote_spanned!(field.ty_span()=> #path())
}

/// Expands the path of the function that returns the value with which a field starts that is no argument.
pub fn start_path(input: &Struct<'_>, field: &Field<'_>) -> TokenStream {
    let (ty, span) = (field.ty, field.ty_span());
    let private = at_span(&input.private, span);
    match field.role {
        Role::Config => quote_spanned!(span=> <#ty as ::core::default::Default>::default),
        _ => quote_spanned!(span=> <#ty as #private::Start>::start),
    }
}

/// Says in the documentation what an argument of a type that is not primitive accepts.
fn accepted(ty: &Type) -> Option<String> {
    (!is_primitive(ty))
        .then(|| format!("a `{}`, or whatever converts to one (its `From` implementations)", spelled(ty)))
}

fn converted(input: &Struct<'_>, field: &Field<'_>, ty: &Type) -> TokenStream {
    let ident = field.hygienic();
    let private = at_span(&input.private, field.ty_span());
    if is_primitive(ty) {
        code!(#ident)
    } else {
        quote_spanned!(field.ty_span()=> #private::Argument::into_argument(#ident))
    }
}

/// Returns true for types that hold no objects, so that there is nothing in them to check or to visit.
pub fn holds_no_objects(ty: &Type) -> bool {
    match ungrouped(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().all(holds_no_objects),
        Type::Array(array) => holds_no_objects(&array.elem),
        ty => inside("Vec", ty).or_else(|| inside_option(ty)).map_or_else(|| is_plain(ty), holds_no_objects),
    }
}

/// Returns true for types of which every value is valid, in options too.
pub fn is_plain(ty: &Type) -> bool {
    let ty = inside_option(ty).unwrap_or(ty);
    is_primitive(ty) || matches!(ungrouped(ty), Type::Path(path) if path.path.is_ident("String"))
}

const FLOATS: [&str; 2] = ["f32", "f64"];
const SIGNED: [&str; 5] = ["i8", "i16", "i32", "i64", "isize"];
const UNSIGNED: [&str; 6] = ["u8", "u16", "u32", "u64", "u128", "usize"];

fn is_primitive(ty: &Type) -> bool {
    [&["bool", "char"], &FLOATS[..], &SIGNED, &UNSIGNED].iter().any(|names| is_one_of(ty, names))
}

fn is_one_of(ty: &Type, names: &[&str]) -> bool {
    matches!(ungrouped(ty), Type::Path(path) if path.path.get_ident().is_some_and(|ident| names.iter().any(|name| ident == name)))
}

/// Returns true for a literal without suffix of this primitive type.
fn is_literal_of(expr: &Expr, ty: &Type) -> bool {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(_) => is_one_of(ty, &["bool"]),
            Lit::Int(number) => number.suffix().is_empty() && (is_one_of(ty, &SIGNED) || is_one_of(ty, &UNSIGNED)),
            Lit::Float(number) => number.suffix().is_empty() && is_one_of(ty, &FLOATS),
            _ => false,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
            (is_one_of(ty, &SIGNED) || is_one_of(ty, &FLOATS)) && is_literal_of(expr, ty)
        }
        _ => false,
    }
}

/// Returns `T` of `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    inside("Option", ty)
}

/// Returns the first type in the brackets of a type of this name.
fn inside<'a>(name: &str, ty: &'a Type) -> Option<&'a Type> {
    let Type::Path(path) = ungrouped(ty) else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}
