//! `.weights.json`: an index, and weights in several HDF5 files beside it.

use std::collections::HashMap;
use std::path::Path;

use super::atomic::{PREFIX, Staged};
use super::stored::{WeightTree, join};
use super::written::stage_hdf5;
use super::{H5Reader, Limits, Source};
use crate::config::{field, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, JsonLimits, Value};

/// Reads the weights that an index names.
pub(super) fn read(path: &Path, index: &Value, limits: &Limits) -> Result<WeightTree> {
    let dict = index.as_dict().ok_or_else(|| wrong_type("a dict", index))?;
    let map = dict.get("weight_map").ok_or_else(|| field::missing(dict, "weight_map"))?;
    let map = map.as_dict().ok_or_else(|| wrong_type("a dict", map).at("weight_map"))?;
    Limits::check("HDF5 groups", map.len() as u64, limits.max_groups as u64).at("weight_map")?;
    let mut shards: HashMap<&str, WeightTree> = HashMap::new();
    let mut tree = WeightTree::default();
    for (group_path, files) in map {
        let place = || format!("weight_map/{group_path}");
        for file in file_names(files).at_with(place)? {
            if !shards.contains_key(file) {
                let shard = shard(path, file, limits).at_with(place)?;
                shards.insert(file, shard);
            }
            let shard = shards.get(file).and_then(|shard| shard.group(group_path));
            let shard = shard.ok_or_else(|| {
                Error::new(ErrorKind::Archive, "the shard has no such group").received(file.to_owned()).at(place())
            })?;
            let group = tree.make_group(group_path)?;
            group.attrs.extend(shard.attrs.clone());
            for (name, tensor) in &shard.tensors {
                if group.tensors.insert(name.clone(), tensor.clone()).is_some() {
                    return Err(Error::new(ErrorKind::Archive, "two shards hold one weight").at(join(group_path, name)));
                }
            }
        }
    }
    Ok(tree)
}

/// One name, or a list of them.
fn file_names(value: &Value) -> Result<Vec<&str>> {
    let text = |value: &Value| -> Result<()> {
        value.as_str().map(drop).ok_or_else(|| wrong_type("the name of a file, or a list of such", value))
    };
    match value {
        Value::List(items) => items.iter().map(|item| text(item).map(|()| item.as_str().unwrap_or_default())).collect(),
        one => text(one).map(|()| vec![one.as_str().unwrap_or_default()]),
    }
}

/// A shard lies beside its index: nothing else is opened.
fn shard(index: &Path, name: &str, limits: &Limits) -> Result<WeightTree> {
    if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\\', ':', '\0']) {
        return Err(Error::new(ErrorKind::Archive, "the name of a shard leads out of the index's directory")
            .expected("the name of a file beside the index")
            .received(format!("{name:?}")));
    }
    let bytes = Source::open(index.with_file_name(name))?.into_bytes();
    Ok(H5Reader::open(bytes, limits).at_with(|| name.to_owned())?.root().into())
}

/// Fills shards of at most `max_shard_bytes` as Keras does, and writes them and then the index.
///
/// The shards of an index that is replaced stay as they are until the new index stands in its place:
/// the new ones have other names (`m-1_00000.weights.h5`) then, so that no moment is without a whole
/// set. Keras opens `m_00000.weights.h5` whatever the index says, so that name stays, as a second one
/// of the first shard.
pub(super) fn write(tree: &WeightTree, order: &[String], path: &Path, max_shard_bytes: f64, fsync: bool) -> Result<()> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace(".weights", "")).unwrap_or_default();
    let old = replaced(path, &stem);
    let names = Names { generation: if old.is_empty() { 0 } else { free_generation(path, &stem) }, stem };
    let name = |index: usize| names.of(index);
    let mut writer = Writer { shards: vec![WeightTree::default()], size: 0.0, total: 0.0, map: Dict::new() };
    for group_path in order {
        let Some(group) = tree.group(group_path) else { continue };
        writer.group(group_path, group, max_shard_bytes, &name)?;
    }
    let Writer { shards, total, map, .. } = writer;
    // All files are written and read back before the first takes its place.
    let staged =
        shards.iter().enumerate().map(|(index, shard)| stage_hdf5(shard, &path.with_file_name(name(index)), fsync));
    let mut staged = staged.collect::<Result<Vec<_>>>()?;
    let metadata = Dict::from([("total_size".to_owned(), Value::from(total))]);
    let index = Value::Dict(Dict::from([
        ("metadata".to_owned(), Value::Dict(metadata)),
        ("weight_map".to_owned(), Value::Dict(map)),
    ]));
    let text = index.to_json_pretty(4);
    staged.push(Staged::write(path, fsync, |file| Ok(std::io::Write::write_all(file, text.as_bytes())?))?.0);
    staged.into_iter().try_for_each(Staged::commit)?;
    if names.generation > 0 {
        names.clear(path, &old);
    }
    Ok(())
}

/// What the shards of one index are called.
struct Names {
    stem: String,
    /// How many other sets have had names: 0 for Keras's own.
    generation: usize,
}

impl Names {
    fn of(&self, index: usize) -> String {
        match self.generation {
            0 => format!("{}_{index:05}.weights.h5", self.stem),
            generation => format!("{}-{generation}_{index:05}.weights.h5", self.stem),
        }
    }

    /// Removes the shards of the index that was replaced. What can't be removed stays: the new set is
    /// whole without that.
    fn clear(&self, path: &Path, old: &[String]) {
        let first = format!("{}_00000.weights.h5", self.stem);
        // A link of another name, and then a rename: the name is never missing.
        let link = path.with_file_name(format!("{PREFIX}{}.tmp", self.of(0)));
        let linked = std::fs::hard_link(path.with_file_name(self.of(0)), &link)
            .and_then(|()| std::fs::rename(&link, path.with_file_name(&first)));
        if linked.is_err() {
            let _ = std::fs::remove_file(&link);
        }
        for name in old.iter().filter(|name| **name != first) {
            let _ = std::fs::remove_file(path.with_file_name(name));
        }
    }
}

/// The shards of the index that stands at the path, if it is one: names that this writer gives.
fn replaced(path: &Path, stem: &str) -> Vec<String> {
    let index = std::fs::read(path).ok().and_then(|bytes| Value::parse_bytes(&bytes, &JsonLimits::default()).ok());
    let map = index.as_ref().and_then(|index| index.get("weight_map")?.as_dict());
    let names = map.into_iter().flat_map(|map| map.values()).filter_map(|files| file_names(files).ok()).flatten();
    let mut names: Vec<String> = names.filter(|name| is_ours(name, stem)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Is this `stem_00000.weights.h5` or `stem-1_00000.weights.h5`? No other file is ever removed.
fn is_ours(name: &str, stem: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let middle = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".weights.h5"));
    middle.and_then(|middle| middle.split_once('_')).is_some_and(|(generation, index)| {
        digits(index) && (generation.is_empty() || generation.strip_prefix('-').is_some_and(digits))
    })
}

fn free_generation(path: &Path, stem: &str) -> usize {
    let taken = |generation| {
        let first = Names { stem: stem.to_owned(), generation }.of(0);
        path.with_file_name(first).exists()
    };
    (1..).find(|generation| !taken(*generation)).unwrap_or(1)
}

struct Writer {
    shards: Vec<WeightTree>,
    /// Bytes in the shard that is filled now.
    size: f64,
    total: f64,
    map: Dict,
}

impl Writer {
    fn group(&mut self, path: &str, group: &WeightTree, most: f64, name: &dyn Fn(usize) -> String) -> Result<()> {
        // Keras makes the group, with its layer's name, before it knows whether its weights fit in.
        if !group.attrs.is_empty() {
            self.current()?.make_group(path)?.attrs.clone_from(&group.attrs);
        }
        let entry = format!("/{path}");
        for (key, tensor) in &group.tensors {
            let size = tensor.num_bytes() as f64;
            self.total += size;
            if size > most {
                let (size, most) = (readable(size), readable(most));
                let text = format!("The size of {key} is {size} which exceeds the maximum shard size {most}");
                return Err(Error::new(ErrorKind::InvalidArgument, text)
                    .hint("increase `max_shard_size` to accommodate the size")
                    .at(path.to_owned()));
            }
            self.size += size;
            if self.size > most {
                self.shards.push(WeightTree::default());
                self.size = size;
            }
            let shard = name(self.shards.len() - 1);
            self.current()?.insert(&join(path, key), tensor.clone())?;
            // One name at first; a list as soon as there is a second weight.
            match self.map.get_mut(&entry) {
                None => {
                    self.map.insert(entry.clone(), Value::from(shard));
                }
                Some(Value::List(names)) if names.last().and_then(Value::as_str) == Some(&shard) => {}
                Some(Value::List(names)) => names.push(Value::from(shard)),
                Some(one) => {
                    let first = std::mem::take(one);
                    let mut names = vec![first];
                    if names.first().and_then(Value::as_str) != Some(&shard) {
                        names.push(Value::from(shard));
                    }
                    *one = Value::List(names);
                }
            }
        }
        Ok(())
    }

    fn current(&mut self) -> Result<&mut WeightTree> {
        self.shards.last_mut().ok_or_else(|| Error::new(ErrorKind::Archive, "no shard"))
    }
}

/// Bytes as Keras says them: `1.50 MB`.
pub(super) fn readable(bytes: f64) -> String {
    let mut size = bytes;
    for unit in ["Byte", "KB", "MB", "GB", "TB"] {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} PB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saving::{H5Attr, StoredTensor};
    use crate::tensor::{DType, TensorBytes};

    fn one(name: &str, bytes: usize) -> (String, StoredTensor) {
        let data = TensorBytes { dtype: DType::UInt8, shape: vec![bytes], data: vec![7u8; bytes].into() };
        (name.to_owned(), data.into())
    }

    fn tree() -> WeightTree {
        let mut tree = WeightTree::default();
        for layer in ["layers/a/vars", "layers/b/vars"] {
            let group = tree.make_group(layer).unwrap();
            group.attrs.insert("name".into(), H5Attr::Str(layer.replace('/', "_")));
            group.tensors.extend([one("0", 100), one("1", 50)]);
        }
        tree
    }

    #[test]
    fn weights_are_split_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.weights.json");
        let order = ["layers/a/vars".to_owned(), "layers/b/vars".to_owned()];
        write(&tree(), &order, &path, 160.0, true).unwrap();
        let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            index.to_json(),
            "{\"metadata\": {\"total_size\": 300.0}, \"weight_map\": {\"/layers/a/vars\": [\"m_00000.weights.h5\"], \
             \"/layers/b/vars\": [\"m_00001.weights.h5\"]}}"
        );
        let again = read(&path, &index, &Limits::default()).unwrap();
        assert_eq!(again.paths().len(), 4);
        assert_eq!(again.tensor("layers/b/vars/1").unwrap().read().unwrap().data, vec![7u8; 50]);
        // A layer may lie in several shards; a weight larger than a shard can't.
        write(&tree(), &order, &path, 120.0, true).unwrap();
        let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read(&path, &index, &Limits::default()).unwrap().paths().len(), 4);
        let error = write(&tree(), &order, &path, 99.0, true).unwrap_err();
        assert!(error.to_string().contains("exceeds the maximum shard size 99.00 Byte"), "{error}");
    }

    #[test]
    fn a_set_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.weights.json");
        let order = ["layers/a/vars".to_owned(), "layers/b/vars".to_owned()];
        std::fs::write(directory.path().join("m_1.weights.h5.txt"), "not ours").unwrap();
        let files = || {
            let entries = std::fs::read_dir(directory.path()).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let mut expected = vec!["m.weights.json", "m_00000.weights.h5", "m_00001.weights.h5", "m_1.weights.h5.txt"];
        write(&tree(), &order, &path, 160.0, true).unwrap();
        assert_eq!(files(), expected);
        // A failure on the way leaves the old set.
        write(&tree(), &order, &path, 99.0, true).unwrap_err();
        assert_eq!(files(), expected);
        for generation in 1..4 {
            write(&tree(), &order, &path, 160.0, true).unwrap();
            let shards = [0, 1].map(|index| format!("m-{}_{index:05}.weights.h5", 2 - generation % 2));
            expected = vec![&shards[0], &shards[1], "m.weights.json", "m_00000.weights.h5", "m_1.weights.h5.txt"];
            assert_eq!(files(), expected);
            let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let again = read(&path, &index, &Limits::default()).unwrap();
            assert_eq!(again.tensor("layers/b/vars/1").unwrap().read().unwrap().data, vec![7u8; 50]);
        }
    }

    #[test]
    fn shards_outside_are_not_opened() {
        let path = Path::new("/nowhere/m.weights.json");
        for name in ["../x.h5", "/etc/passwd", "a\\b", "C:x", ""] {
            let files = Dict::from([("/layers/a/vars".to_owned(), Value::from(name))]);
            let index = Value::Dict(Dict::from([("weight_map".to_owned(), Value::Dict(files))]));
            let error = read(path, &index, &Limits::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
            assert!(error.path().contains("weight_map"), "{error}");
        }
    }
}
