//! What the expansion asks of a generic struct's parameters.

use syn::visit::Visit;
use syn::{Generics, Ident, TypePath, parse_quote};

use crate::ast::{Field, Role, Struct};

/// The struct's generics with the bounds that its fields need, each on the parameters in its type.
///
/// As serde does it, a bound stands on the parameter and not on the field's type, so that private
/// types do not show in the bounds of a public one.
pub fn bounded(input: &Struct<'_>) -> Generics {
    let mut generics = input.input.generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(::core::marker::Send));
        param.bounds.push(parse_quote!(::core::marker::Sync));
        param.bounds.push(parse_quote!('static));
        let used = |field: &&Field<'_>| mentions(field, &param.ident);
        let (mut config, mut serde, mut state) = (false, false, false);
        for field in input.fields.iter().filter(used) {
            let attributes = &field.attributes;
            match field.role {
                Role::Config if attributes.serde.is_set() => serde = true,
                Role::Config if attributes.with.is_set() => {}
                Role::Config => config = true,
                Role::Weight | Role::Sublayer | Role::SeedGenerator => state = true,
                Role::Base | Role::BaseOrNull | Role::Skipped => {}
            }
        }
        if config {
            param.bounds.push(parse_quote!(::keras_serial::__private::ConfigField));
        }
        if serde {
            param.bounds.push(parse_quote!(::keras_serial::__private::serde::Serialize));
            param.bounds.push(parse_quote!(::keras_serial::__private::serde::de::DeserializeOwned));
        }
        if state {
            param.bounds.push(parse_quote!(::keras_serial::__private::StateField));
        }
    }
    generics
}

/// Does the field's type name the parameter?
fn mentions(field: &Field<'_>, param: &Ident) -> bool {
    struct Finder<'a>(&'a Ident, bool);
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_type_path(&mut self, path: &'ast TypePath) {
            let first = path.path.segments.first();
            self.1 |= path.qself.is_none() && first.is_some_and(|segment| segment.ident == *self.0);
            syn::visit::visit_type_path(self, path);
        }
    }
    // A marker holds no value.
    if let syn::Type::Path(path) = field.ty
        && path.path.segments.last().is_some_and(|segment| segment.ident == "PhantomData")
    {
        return false;
    }
    let mut finder = Finder(param, false);
    finder.visit_type(field.ty);
    finder.1
}
