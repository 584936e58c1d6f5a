//! Finds which names an expression mentions, and which types a type contains.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{GenericArgument, Generics, Ident, PathArguments, Type, TypePath};

use crate::ast::ungrouped;

/// Returns true if the expression mentions the name, including in `format!("{name}")`.
pub fn mentions(expr: &impl ToTokens, name: &Ident) -> bool {
    fn any(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident.unraw() == name,
            TokenTree::Group(group) => any(group.stream(), name),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                text.split('{').skip(1).any(|rest| rest.trim_start_matches("r#").starts_with(name))
            }
            TokenTree::Punct(_) => false,
        })
    }
    any(expr.to_token_stream(), &name.unraw().to_string())
}

/// Returns the type and all types that its values can contain, as far as its tokens show them.
///
/// Markers and weak references contain nothing; functions and trait objects show nothing.
pub fn parts(ty: &Type) -> Vec<&Type> {
    let ty = ungrouped(ty);
    let mut found = vec![ty];
    match ty {
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.ident != "PhantomData" && last.ident != "Weak");
            if let Some(PathArguments::AngleBracketed(arguments)) = last.map(|last| &last.arguments) {
                for argument in &arguments.args {
                    if let GenericArgument::Type(inner) = argument {
                        found.extend(parts(inner));
                    }
                }
            }
        }
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|inner| found.extend(parts(inner))),
        Type::Array(array) => found.extend(parts(&array.elem)),
        _ => {}
    }
    found
}

/// The generic parameters, and their associated types, that values of a type contain.
#[derive(Default)]
pub struct Used {
    pub params: Vec<Ident>,
    pub associated: Vec<TypePath>,
}

/// Returns the generic parameters that a type uses.
pub fn used(ty: &Type, generics: &Generics) -> Used {
    struct Finder<'a> {
        generics: &'a Generics,
        used: Used,
    }
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_type_path(&mut self, path: &'ast TypePath) {
            let (Some(first), Some(last)) = (path.path.segments.first(), path.path.segments.last()) else { return };
            // A marker contains no value.
            if last.ident == "PhantomData" {
                return;
            }
            if let Some(qself) = &path.qself {
                if !is_free(&qself.ty, self.generics) {
                    self.used.associated.push(path.clone());
                }
                return;
            }
            if path.path.leading_colon.is_none() && self.generics.type_params().any(|param| param.ident == first.ident)
            {
                if path.path.segments.len() == 1 {
                    self.used.params.push(first.ident.clone());
                } else {
                    self.used.associated.push(path.clone());
                }
            }
            syn::visit::visit_type_path(self, path);
        }
    }
    let mut finder = Finder { generics, used: Used::default() };
    finder.visit_type(ty);
    finder.used
}

/// Returns true if the type depends on none of the generic parameters.
pub fn is_free(ty: &Type, generics: &Generics) -> bool {
    struct Finder<'a>(&'a Generics, bool);
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            let is_param = |param: &syn::GenericParam| match param {
                syn::GenericParam::Type(param) => param.ident == *ident,
                syn::GenericParam::Const(param) => param.ident == *ident,
                syn::GenericParam::Lifetime(_) => false,
            };
            self.1 &= ident != "Self" && !self.0.params.iter().any(is_param);
        }
        fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
            self.1 &= lifetime.ident == "static";
        }
    }
    let mut finder = Finder(generics, true);
    finder.visit_type(ty);
    finder.1
}
