//! The bounds that the expansion puts on a generic struct's parameters.

use proc_macro2::TokenStream;
use syn::{Generics, Type, parse_quote};

use crate::ast::{Field, Role, Struct, code};
use crate::attributes::FieldDefault;
use crate::mentions::{Used, used};

/// Types that implement `Default` whatever their parameters.
const ALWAYS_DEFAULT: [&str; 12] = [
    "Option",
    "Vec",
    "OnceLock",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "IndexMap",
    "IndexSet",
    "VecDeque",
    "PhantomData",
    "Weak",
];

/// Returns the struct's generics with the bounds that its fields need, each on the parameters in the
/// field's type.
///
/// As in serde, a bound is on the parameter, or on an associated type of it, and not on the field's
/// type, so that private types do not appear in the bounds of a public one.
pub fn bounded(input: &Struct<'_>) -> Generics {
    let mut generics = input.input.generics.clone();
    if let Some(bound) = input.attributes.bound.get() {
        generics.make_where_clause().predicates.extend(bound.clone());
        return generics;
    }
    let private = &input.private;
    let shared = code!(::core::marker::Send + ::core::marker::Sync);
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(::core::marker::Send));
        param.bounds.push(parse_quote!(::core::marker::Sync));
        param.bounds.push(parse_quote!('static));
    }
    for field in &input.fields {
        let attributes = &field.attributes;
        if let Some(bound) = attributes.bound.get() {
            generics.make_where_clause().predicates.extend(bound.clone());
            continue;
        }
        let used = used(field.ty, &input.input.generics);
        let associated = Used { params: Vec::new(), associated: used.associated.clone() };
        require(&mut generics, &associated, &shared);
        match field.role {
            Role::Config if attributes.serde.is_set() => {
                let serde = code!(#private::serde::Serialize + #private::serde::de::DeserializeOwned);
                require(&mut generics, &used, &serde);
            }
            Role::Config if attributes.with.is_set() => {}
            Role::Config => require(&mut generics, &used, &code!(#private::ConfigField)),
            Role::Weight | Role::Sublayer | Role::SeedGenerator => {
                require(&mut generics, &used, &code!(#private::StateField));
            }
            Role::Base | Role::BaseOrNull | Role::Skipped => {}
        }
        if takes_default(field) {
            require_default(&mut generics, input, field.ty);
        }
    }
    generics
}

/// Returns the struct's generics with the bounds of `new`: `Default` for the fields that are not
/// arguments.
pub fn of_constructors(input: &Struct<'_>) -> Generics {
    let mut generics = input.input.generics.clone();
    if let Some(bound) = input.attributes.bound.get() {
        generics.make_where_clause().predicates.extend(bound.clone());
        return generics;
    }
    for field in &input.fields {
        match field.attributes.bound.get() {
            Some(bound) => generics.make_where_clause().predicates.extend(bound.clone()),
            None if takes_default(field) => require_default(&mut generics, input, field.ty),
            None => {}
        }
    }
    generics
}

/// Returns true if the field starts as `Default::default()`.
fn takes_default(field: &Field<'_>) -> bool {
    match field.role {
        Role::Config => matches!(field.attributes.default.get(), Some(FieldDefault::Trait)),
        Role::Weight | Role::Sublayer | Role::SeedGenerator | Role::Skipped => field.attributes.init.is_none(),
        Role::Base | Role::BaseOrNull => false,
    }
}

fn require_default(generics: &mut Generics, input: &Struct<'_>, ty: &Type) {
    let always = matches!(ty, Type::Path(path) if path.qself.is_none()
        && path.path.segments.last().is_some_and(|last| ALWAYS_DEFAULT.iter().any(|name| last.ident == name)));
    if !always {
        require(generics, &used(ty, &input.input.generics), &code!(::core::default::Default));
    }
}

fn require(generics: &mut Generics, used: &Used, bounds: &TokenStream) {
    if used.params.is_empty() && used.associated.is_empty() {
        return;
    }
    let predicates = &mut generics.make_where_clause().predicates;
    for param in &used.params {
        predicates.push(parse_quote!(#param: #bounds));
    }
    for associated in &used.associated {
        predicates.push(parse_quote!(#associated: #bounds));
    }
}
