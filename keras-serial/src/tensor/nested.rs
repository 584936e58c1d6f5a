//! Nested structures of tensors: lists, tuples and dicts.

use indexmap::IndexMap;

use super::Tensor;
use crate::error::{Error, ErrorKind, Result};

/// A nested structure with a `T` at each leaf, like the inputs and outputs of Keras's models.
#[derive(Debug, Clone, PartialEq)]
pub enum Nested<T> {
    /// A single value.
    Leaf(T),
    /// Python's `None`: an input that is left out.
    None,
    /// A Python list.
    List(Vec<Nested<T>>),
    /// A Python tuple; differs from a list only in configurations.
    Tuple(Vec<Nested<T>>),
    /// A Python dict.
    Dict(IndexMap<String, Nested<T>>),
}

impl<T> Nested<T> {
    /// Creates a list of leaves.
    pub fn list(leaves: impl IntoIterator<Item = T>) -> Self {
        Self::List(leaves.into_iter().map(Self::Leaf).collect())
    }

    /// Creates a tuple of leaves.
    pub fn tuple(leaves: impl IntoIterator<Item = T>) -> Self {
        Self::Tuple(leaves.into_iter().map(Self::Leaf).collect())
    }

    /// Creates a dict of leaves.
    pub fn dict<K: Into<String>>(leaves: impl IntoIterator<Item = (K, T)>) -> Self {
        Self::Dict(leaves.into_iter().map(|(key, leaf)| (key.into(), Self::Leaf(leaf))).collect())
    }

    /// Returns the leaves in Keras's order: dicts by sorted key.
    pub fn leaves(&self) -> Vec<&T> {
        let mut leaves = Vec::new();
        self.visit(&mut |leaf| leaves.push(leaf));
        leaves
    }

    fn visit<'a>(&'a self, see: &mut impl FnMut(&'a T)) {
        match self {
            Self::Leaf(leaf) => see(leaf),
            Self::None => {}
            Self::List(items) | Self::Tuple(items) => items.iter().for_each(|item| item.visit(see)),
            Self::Dict(items) => sorted(items).for_each(|(_, item)| item.visit(see)),
        }
    }

    /// Returns the paths of the leaves in Keras's order: `0.foo`, empty for a single leaf.
    pub fn paths(&self) -> Vec<String> {
        let join = |key: &str, inner: &Self| {
            let paths = inner.paths().into_iter();
            paths.map(|path| if path.is_empty() { key.to_owned() } else { format!("{key}.{path}") }).collect::<Vec<_>>()
        };
        match self {
            Self::Leaf(_) => vec![String::new()],
            Self::None => Vec::new(),
            Self::List(items) | Self::Tuple(items) => {
                items.iter().enumerate().flat_map(|(i, item)| join(&i.to_string(), item)).collect()
            }
            Self::Dict(items) => sorted(items).flat_map(|(key, item)| join(key, item)).collect(),
        }
    }

    /// Returns the leaves in Keras's order, with `None` in place of [`Nested::None`].
    pub fn slots(&self) -> Vec<Option<&T>> {
        match self {
            Self::Leaf(leaf) => vec![Some(leaf)],
            Self::None => vec![None],
            Self::List(items) | Self::Tuple(items) => items.iter().flat_map(Self::slots).collect(),
            Self::Dict(items) => sorted(items).flat_map(|(_, item)| item.slots()).collect(),
        }
    }

    /// Maps the leaves with a fallible function, in Keras's order.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map<U>(&self, f: &mut impl FnMut(&T) -> Result<U>) -> Result<Nested<U>> {
        Ok(match self {
            Self::Leaf(leaf) => Nested::Leaf(f(leaf)?),
            Self::None => Nested::None,
            Self::List(items) => Nested::List(items.iter().map(|item| item.try_map(f)).collect::<Result<_>>()?),
            Self::Tuple(items) => Nested::Tuple(items.iter().map(|item| item.try_map(f)).collect::<Result<_>>()?),
            Self::Dict(items) => {
                let mut mapped: IndexMap<String, Nested<U>> =
                    items.keys().map(|key| (key.clone(), Nested::None)).collect();
                for (key, item) in sorted(items) {
                    mapped.insert(key.clone(), item.try_map(f)?);
                }
                Nested::Dict(mapped)
            }
        })
    }

    /// Maps the leaves.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> Nested<U> {
        // Can't fail, as the function does not.
        self.try_map(&mut |leaf| Ok(f(leaf))).unwrap_or(Nested::None)
    }

    /// Returns the same structure with these leaves, which are in Keras's order.
    ///
    /// # Errors
    /// If the number of leaves differs.
    pub fn pack<U>(&self, leaves: impl IntoIterator<Item = U>) -> Result<Nested<U>> {
        let mut leaves = leaves.into_iter();
        let wrong = || Error::new(ErrorKind::Graph, "wrong number of values for the structure");
        let packed = self.try_map(&mut |_| leaves.next().ok_or_else(wrong))?;
        if leaves.next().is_some() { Err(wrong()) } else { Ok(packed) }
    }

    /// Returns the only leaf, also of a list of one.
    ///
    /// # Errors
    /// If there are none or several.
    pub fn single(&self) -> Result<&T> {
        match self.leaves().as_slice() {
            [leaf] => Ok(leaf),
            leaves => Err(Error::new(ErrorKind::InvalidArgument, "wrong number of tensors")
                .expected("one tensor")
                .received(format!("{} tensors", leaves.len()))),
        }
    }

    /// Returns the only leaf, also of a list of one.
    ///
    /// # Errors
    /// If there are none or several.
    pub fn into_single(self) -> Result<T>
    where
        T: Clone,
    {
        match self {
            Self::Leaf(leaf) => Ok(leaf),
            other => other.single().cloned(),
        }
    }

    /// Returns the items of a list or tuple.
    pub fn items(&self) -> Option<&[Nested<T>]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns an item of a dict.
    pub fn get(&self, key: &str) -> Option<&Nested<T>> {
        match self {
            Self::Dict(items) => items.get(key),
            _ => None,
        }
    }
}

/// Iterates over a dict's items in the order in which Keras flattens them.
pub(super) fn sorted<T>(items: &IndexMap<String, T>) -> impl Iterator<Item = (&String, &T)> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_by_key(|(key, _)| key.as_str());
    items.into_iter()
}

/// What is taken as a structure of tensors: whatever converts into [`Nested<Tensor>`](Nested).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tensor, and no structure of tensors",
    note = "a tensor, `vec![a, b]` for a list, `Nested::dict([(\"a\", a), (\"b\", b)])` by name; a `Result` is unwrapped by `?`"
)]
pub trait IntoStructure {
    /// Converts to a structure.
    fn into_structure(self) -> Nested<Tensor>;
}

// A trait of its own, and hidden here, so that the message above is the one that is shown.
#[diagnostic::do_not_recommend]
impl<T: Into<Nested<Tensor>>> IntoStructure for T {
    fn into_structure(self) -> Nested<Tensor> {
        self.into()
    }
}

impl<T> From<T> for Nested<T> {
    fn from(leaf: T) -> Self {
        Self::Leaf(leaf)
    }
}

impl<T> From<Vec<T>> for Nested<T> {
    fn from(leaves: Vec<T>) -> Self {
        Self::list(leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dicts_flatten_by_key_and_keep_their_order() {
        let nested = Nested::dict([("b", 1), ("a", 2)]);
        assert_eq!(nested.leaves(), [&2, &1]);
        assert_eq!(Nested::List(vec![nested.clone(), Nested::Leaf(3)]).paths(), ["0.a", "0.b", "1"]);
        let packed = nested.pack([20, 10]).unwrap();
        assert_eq!(packed, Nested::dict([("b", 10), ("a", 20)]));
        assert!(nested.pack([1]).is_err() && nested.pack([1, 2, 3]).is_err());
    }
}
