//! Weights of renamed layers and of a renamed optimizer, in files that name weights by them.

use std::collections::{HashMap, HashSet};

use crate::files::{Layout, WeightTree};
use crate::json::{Change, Patch};

/// The place of the optimizer's name, which legacy files have in the paths of its weights.
const OPTIMIZER: &str = "compile_config/optimizer/config/name";

/// A renamed layer or optimizer.
struct Renamed<'a> {
    /// The names of the models around it, from the outermost one inside the file's.
    around: Vec<String>,
    from: &'a str,
    to: &'a str,
}

/// Returns the paths of weights that have another one in the second file, because a layer or the optimizer is renamed
/// there.
pub(super) fn renamed_paths(
    patch: &Patch,
    layout: Layout,
    first: &WeightTree,
    second: &WeightTree,
) -> HashMap<String, String> {
    let renamed = patch.changes().iter().filter_map(|change| match change {
        Change::Renamed { path, from, to } => Some(Renamed { around: path.item_names(), from, to }),
        Change::Changed { path, from, to } if path.to_string() == OPTIMIZER => {
            Some(Renamed { around: Vec::new(), from: from.as_str()?, to: to.as_str()? })
        }
        _ => None,
    });
    let mut renamed: Vec<Renamed<'_>> = renamed.collect();
    // In whole models, weights stand under the names of classes.
    if renamed.is_empty() || layout == Layout::Paths {
        return HashMap::new();
    }
    renamed.sort_by_key(|one| std::cmp::Reverse((one.around.len(), one.from.len())));
    let mut left: HashSet<String> = second.paths().into_iter().filter(|path| first.tensor(path).is_none()).collect();
    let mut found = HashMap::new();
    for path in first.paths().into_iter().filter(|path| second.tensor(path).is_none()) {
        let names = by_layers(&path, &renamed).into_iter();
        let mut names = names.flat_map(|name| std::iter::once(name.clone()).chain(by_joined(&name, &renamed)));
        if let Some(new) = names.find(|new| left.contains(new)) {
            left.remove(&new);
            found.insert(path, new);
        }
    }
    found
}

/// Renames the layers among the names of a path: all of them, or only the first one. In legacy files, the names of a
/// layer's weights have the layer's name too, which can be the old one.
fn by_layers(path: &str, renamed: &[Renamed<'_>]) -> [String; 2] {
    let names: Vec<&str> = path.split('/').collect();
    [usize::MAX, 1].map(|most| {
        let mut left = most;
        let mut rename = |(at, name): (usize, &&str)| {
            let before = names.get(..at).unwrap_or_default();
            let is_it = |one: &&Renamed<'_>| one.from == *name && is_in_order(&one.around, before);
            match renamed.iter().find(is_it).filter(|_| left > 0) {
                Some(one) => {
                    left -= 1;
                    one.to.to_owned()
                }
                None => (*name).to_owned(),
            }
        };
        names.iter().enumerate().map(&mut rename).collect::<Vec<String>>().join("/")
    })
}

fn is_in_order(inner: &[String], names: &[&str]) -> bool {
    let mut names = names.iter();
    inner.iter().all(|wanted| names.any(|name| name == wanted))
}

/// Returns how the path of an optimizer's weight can be called, whose last name is joined from those of layers:
/// `dense_kernel_momentum`. First with one renamed layer each, then with all of them.
fn by_joined(path: &str, renamed: &[Renamed<'_>]) -> Vec<String> {
    let (parent, last) = path.rsplit_once('/').map_or(("", path), |(parent, last)| (parent, last));
    let whole = |last: String| if parent.is_empty() { last } else { format!("{parent}/{last}") };
    let mut found: Vec<String> = renamed.iter().filter_map(|one| in_joined(last, one)).map(whole).collect();
    if found.len() > 1 {
        let all = renamed.iter().fold(last.to_owned(), |last, one| in_joined(&last, one).unwrap_or(last));
        found.push(whole(all));
    }
    found
}

/// Renames a layer in a joined name; `None` if it is not in there.
fn in_joined(name: &str, Renamed { from, to, .. }: &Renamed<'_>) -> Option<String> {
    let is_whole = |(at, _): &(usize, &str)| {
        let (before, after) = (name.get(..*at), name.get(at + from.len()..));
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
            && after.is_some_and(|after| after.is_empty() || after.starts_with('_'))
    };
    let (at, _) = name.match_indices(from).find(is_whole)?;
    Some(format!("{}{to}{}", name.get(..at)?, name.get(at + from.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{DType, TensorBytes};
    use crate::json::value;

    fn tree(paths: &[&str]) -> WeightTree {
        let mut tree = WeightTree::default();
        for path in paths {
            let bytes = TensorBytes { dtype: DType::UInt8, shape: vec![1], data: vec![1].into() };
            tree.insert(path, bytes).unwrap();
        }
        tree
    }

    #[test]
    fn weights_of_renamed_layers_are_found_under_their_new_names() {
        let patch = value!([
            { "op": "rename", "path": "config/layers", "from": "dense", "to": "head" },
            { "op": "rename", "path": "config/layers[encoder]/config/layers", "from": "inner", "to": "core" },
            { "op": "rename", "path": "config/layers[decoder]/config/layers", "from": "inner", "to": "rest" },
            { "op": "change", "path": "compile_config/optimizer/config/name", "from": "adam", "to": "adam_1" },
        ]);
        let patch = Patch::from_value(&patch).unwrap();
        let pairs = [
            ("dense/kernel", "head/kernel"),
            ("weights/dense/dense/bias:0", "weights/head/head/bias:0"),
            ("weights/dense/dense/kernel:0", "weights/head/dense/kernel:0"),
            ("encoder/inner/kernel", "encoder/core/kernel"),
            ("decoder/inner/kernel", "decoder/rest/kernel"),
            ("optimizer/adam/dense_kernel_momentum", "optimizer/adam_1/head_kernel_momentum"),
            ("optimizer/adam/iteration", "optimizer/adam_1/iteration"),
            ("optimizer/adam/decoder_inner_kernel_momentum", "optimizer/adam_1/decoder_rest_kernel_momentum"),
            ("both/dense/x", "both/dense/x"),
        ];
        let only = ["dense/other", "dense_1/kernel"];
        let first: Vec<&str> = pairs.iter().map(|(from, _)| *from).chain(only).collect();
        let second: Vec<&str> = pairs.iter().map(|(_, to)| *to).chain(["third/kernel"]).collect();
        let found = renamed_paths(&patch, Layout::Own, &tree(&first), &tree(&second));
        let moved = pairs.iter().filter(|(from, to)| from != to);
        let expected: HashMap<String, String> = moved.map(|(from, to)| ((*from).into(), (*to).into())).collect();
        assert_eq!(found, expected);
        assert!(renamed_paths(&patch, Layout::Paths, &tree(&first), &tree(&second)).is_empty());
    }
}
