//! Paths in nested structures, and matching targets to the structure of predictions.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Nested, Tensor};

/// One step of a path in a nested structure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Index(usize),
    Name(String),
}

impl Key {
    pub(super) fn of<'a, T>(&self, nested: &'a Nested<T>) -> Option<&'a Nested<T>> {
        match self {
            Self::Index(index) => nested.items()?.get(*index),
            Self::Name(name) => nested.get(name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

pub(super) fn at<'a, T>(nested: &'a Nested<T>, path: &[Key]) -> Option<&'a Nested<T>> {
    path.iter().try_fold(nested, |nested, key| key.of(nested))
}

pub(super) fn join(path: &[Key]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join("/")
}

/// Returns the name of a structure's kind for errors.
pub(super) fn container_name<T>(nested: &Nested<T>) -> String {
    match nested {
        Nested::Leaf(_) => "*".to_owned(),
        Nested::None => "None".to_owned(),
        Nested::List(items) => format!("[{}]", items.iter().map(container_name).collect::<Vec<_>>().join(", ")),
        Nested::Tuple(items) => format!("({})", items.iter().map(container_name).collect::<Vec<_>>().join(", ")),
        Nested::Dict(items) => {
            let items: Vec<String> =
                items.iter().map(|(name, item)| format!("{name}: {}", container_name(item))).collect();
            format!("{{{}}}", items.join(", "))
        }
    }
}

/// Returns true if both have the same containers and leaves; `None` matches anything.
pub(super) fn same_structure<A, B>(a: &Nested<A>, b: &Nested<B>) -> bool {
    match (a, b) {
        (Nested::Leaf(_) | Nested::None, Nested::Leaf(_) | Nested::None) => true,
        (Nested::List(a), Nested::List(b)) | (Nested::Tuple(a), Nested::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_structure(a, b))
        }
        (Nested::Dict(a), Nested::Dict(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_structure(a, b)))
        }
        _ => false,
    }
}

/// Returns the leaves of `b` at the positions of the leaves of `a`; both have the same structure.
pub(super) fn flat_with<A, B: Clone>(a: &Nested<A>, b: &Nested<B>) -> Vec<Option<B>> {
    debug_assert!(same_structure(a, b), "the caller has looked");
    b.slots().into_iter().map(|leaf| leaf.cloned()).collect()
}

/// Brings targets (or weights) into the structure of the predictions (`CompileLoss.call`).
///
/// # Errors
/// When their numbers of leaves differ.
pub(super) fn like_predictions(
    what: &str,
    y: &Nested<Tensor>,
    y_pred: &Nested<Tensor>,
    output_names: Option<&[String]>,
    lossless: &[bool],
) -> Result<Nested<Tensor>> {
    if same_structure(y_pred, y) {
        return Ok(y.clone());
    }
    let names = output_names.unwrap_or_default();
    let flat: Vec<Option<Tensor>> = match (y_pred, y) {
        (Nested::List(_) | Nested::Tuple(_), Nested::Dict(by_name))
            if by_name.len() == names.len() && names.iter().all(|name| by_name.contains_key(name)) =>
        {
            names
                .iter()
                .filter_map(|name| by_name.get(name))
                .flat_map(Nested::slots)
                .map(|leaf| leaf.cloned())
                .collect()
        }
        (Nested::Leaf(_), Nested::Dict(by_name)) if names.iter().any(|name| by_name.contains_key(name)) => names
            .iter()
            .filter_map(|name| by_name.get(name))
            .flat_map(Nested::slots)
            .map(|leaf| leaf.cloned())
            .collect(),
        _ => y.slots().into_iter().map(|leaf| leaf.cloned()).collect(),
    };
    let outputs = y_pred.leaves().len();
    if flat.len() == outputs {
        return pack(y_pred, flat);
    }
    // Labels only for the outputs that have a loss.
    if lossless.len() == outputs && lossless.iter().filter(|lossless| !**lossless).count() == flat.len() {
        let mut flat = flat.into_iter();
        let all = lossless.iter().map(|lossless| if *lossless { None } else { flat.next().flatten() }).collect();
        return pack(y_pred, all);
    }
    Err(Error::new(ErrorKind::InvalidArgument, format!("{what} and y_pred have different structures"))
        .expected(format!("y_pred: {}", container_name(y_pred)))
        .received(format!("{what}: {}", container_name(y))))
}

fn pack(like: &Nested<Tensor>, flat: Vec<Option<Tensor>>) -> Result<Nested<Tensor>> {
    let packed = like.pack(flat)?;
    Ok(open(&packed))
}

fn open(nested: &Nested<Option<Tensor>>) -> Nested<Tensor> {
    match nested {
        Nested::Leaf(Some(tensor)) => Nested::Leaf(tensor.clone()),
        Nested::Leaf(None) | Nested::None => Nested::None,
        Nested::List(items) => Nested::List(items.iter().map(open).collect()),
        Nested::Tuple(items) => Nested::Tuple(items.iter().map(open).collect()),
        Nested::Dict(items) => Nested::Dict(items.iter().map(|(name, item)| (name.clone(), open(item))).collect()),
    }
}
