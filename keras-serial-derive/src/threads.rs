//! Finds types of fields that can't be shared between threads.
//!
//! The compiler would report them too, once for each trait of the object and not at the field.

use syn::{GenericArgument, PathArguments, Type, TypeParamBound, TypePath};

use crate::ast::{Struct, ungrouped};
use crate::ctxt::Ctxt;
use crate::expand_description::spelled;

/// Types that can be shared between threads only if what they contain can.
const CONTAINERS: [&str; 10] =
    ["Option", "Vec", "VecDeque", "Box", "Arc", "OnceLock", "RwLock", "IndexMap", "HashMap", "BTreeMap"];

/// Reports fields of types that certainly can't be shared between threads.
pub fn check(cx: &mut Ctxt, input: &Struct<'_>) {
    for field in &input.fields {
        if let Some((ty, advice)) = unshared(field.ty) {
            let name = spelled(ty);
            let message = format!("`{name}` can't be shared between threads, as all objects of a model are: {advice}");
            cx.error(ty, message);
        }
    }
}

/// Returns the first type within this one that can't be shared, and what to use instead.
fn unshared(ty: &Type) -> Option<(&Type, &'static str)> {
    let ty = ungrouped(ty);
    match ty {
        Type::Path(path) => {
            let advice = match (name(path).as_str(), arguments(path).count()) {
                ("Rc", 1) => "use `Arc`",
                ("RefCell", 1) => "use `Mutex` or `RwLock`",
                ("Cell", 1) => "use an atomic type, `Mutex` or `RwLock`",
                (name, _) if CONTAINERS.contains(&name) => return arguments(path).find_map(unshared),
                _ => return None,
            };
            Some((ty, advice))
        }
        Type::Ptr(_) => Some((ty, "keep what it points to in `Arc` or `Box`")),
        Type::TraitObject(object) => {
            let traits: Vec<String> = object.bounds.iter().filter_map(name_of_bound).collect();
            let is_function = traits.iter().any(|name| matches!(name.as_str(), "Fn" | "FnMut" | "FnOnce"));
            let is_shared = ["Send", "Sync"].iter().all(|name| traits.iter().any(|given| given == name));
            (is_function && !is_shared).then_some((ty, "add `+ Send + Sync`"))
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(unshared),
        Type::Array(array) => unshared(&array.elem),
        _ => None,
    }
}

fn name(path: &TypePath) -> String {
    path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
}

fn name_of_bound(bound: &TypeParamBound) -> Option<String> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    bound.path.segments.last().map(|last| last.ident.to_string())
}

/// Returns the types among a path's generic arguments.
fn arguments(path: &TypePath) -> impl Iterator<Item = &Type> {
    let arguments = path.path.segments.last().and_then(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    });
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_are_never_shared_are_found() {
        let is_found = |ty: &str| unshared(&syn::parse_str(ty).unwrap()).is_some();
        for ty in [
            "Rc<str>",
            "std::cell::RefCell<u8>",
            "Option<Vec<(u8, Cell<u8>)>>",
            "*const u8",
            "[*mut u8; 2]",
            "Box<dyn Fn(f64) -> f64>",
            "Arc<dyn FnMut() + Send>",
        ] {
            assert!(is_found(ty), "{ty}");
        }
        // A cell of a recurrent layer, wrappers that can share what is in them, other traits.
        for ty in ["Cell", "Mutex<RefCell<u8>>", "SendWrapper<Rc<u8>>", "Box<dyn Fn() + Send + Sync>", "Box<dyn Mine>"]
        {
            assert!(!is_found(ty), "{ty}");
        }
    }
}
