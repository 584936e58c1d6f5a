//! `.weights.json`: an index, and weights in several HDF5 files (shards) beside it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use super::tree::WeightTree;
use super::written::stage_hdf5;
use crate::config::{field, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::{Look, Section, Staged, open_named};
use crate::files::json_text::json_of;
use crate::files::text::readable;
use crate::files::{H5Reader, Limits, wrong_suffix};
use crate::json::{Dict, JsonLimits, Value};
use crate::utils::join;

/// How often an index is read again because another process replaced it.
const ATTEMPTS: usize = 20;

/// Reads the weights of an open index.
///
/// A save over it removes the shards that it names; the new index is read in that case.
pub(crate) fn open(path: &Path, mut index: Section, limits: &Limits, look: Look) -> Result<WeightTree> {
    for _ in 1..ATTEMPTS {
        let text = index.read()?;
        let error = match json_of(&index, limits).and_then(|index| read(path, &index, limits, look)) {
            Ok(tree) => return Ok(tree),
            Err(error) => error,
        };
        index = Section::open(path, false)?;
        if index.read()? == text {
            return Err(error);
        }
    }
    read(path, &json_of(&index, limits)?, limits, look)
}

/// Reads the weights that an index names.
fn read(path: &Path, index: &Value, limits: &Limits, look: Look) -> Result<WeightTree> {
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
                let shard = shard(path, file, limits, look).at_with(place)?;
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

/// Returns one file name, or a list of them.
fn file_names(value: &Value) -> Result<Vec<&str>> {
    let text = |value: &Value| -> Result<()> {
        value.as_str().map(drop).ok_or_else(|| wrong_type("the name of a file, or a list of such", value))
    };
    match value {
        Value::List(items) => items.iter().map(|item| text(item).map(|()| item.as_str().unwrap_or_default())).collect(),
        one => text(one).map(|()| vec![one.as_str().unwrap_or_default()]),
    }
}

/// Opens a shard, which must be beside its index: nothing else is opened.
fn shard(index: &Path, name: &str, limits: &Limits, look: Look) -> Result<WeightTree> {
    if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\\', ':', '\0']) {
        return Err(Error::new(ErrorKind::Archive, "the name of a shard leads out of the index's directory")
            .expected("the name of a file beside the index")
            .received(format!("{name:?}")));
    }
    let file = open_named(&index.with_file_name(name), look == Look::Mapped)?;
    let mut tree: WeightTree = H5Reader::of_section(file, limits).at_with(|| name.to_owned())?.root().into();
    if matches!(look, Look::Kept | Look::Mapped) {
        // Read at once, because there may be more shards than files that a process may have open.
        tree.read_all().at_with(|| name.to_owned())?;
    }
    Ok(tree)
}

/// Splits weights into shards of at most `max_shard_bytes` as Keras does, and writes them and then the
/// index.
///
/// Replacing the index switches from the old set of shards to the new one: shards have names that no
/// other file has, and those of the old index are removed afterwards, unless another index beside it
/// names them. A first save uses Keras's names (`m_00000.weights.h5`); if they are taken, names contain
/// a number unique to this save (`m-1f0c…_00000.weights.h5`). Keras opens `m_00000.weights.h5` whatever
/// the index says, so that there always is one, even if empty.
pub(crate) fn write(
    tree: &WeightTree,
    order: &[String],
    path: &Path,
    max_shard_bytes: f64,
    limits: &Limits,
    fsync: bool,
) -> Result<()> {
    let mut writer = Writer { shards: vec![WeightTree::default()], size: 0.0, total: 0.0, map: Vec::new() };
    for group_path in order {
        let Some(group) = tree.group(group_path) else { continue };
        writer.group(group_path, group, max_shard_bytes)?;
    }
    // All files are written and read back before the first gets its final name.
    let names = Names::new(path);
    let staged = writer.shards.iter().enumerate();
    let staged = staged.map(|(index, shard)| stage_hdf5(shard, &path.with_file_name(names.own(index)), limits, fsync));
    let shards: Vec<Staged> = staged.collect::<Result<_>>()?;
    let mut placed = Placed::default();
    for (index, shard) in shards.into_iter().enumerate() {
        placed.claim(&names, path, index, shard)?;
    }
    let anchor = names.keras(0);
    let anchor = path.with_file_name(&anchor);
    if !anchor.exists() {
        let empty = stage_hdf5(&WeightTree::default(), &anchor, limits, fsync)?;
        // If another process was faster, there is one now.
        let _ = empty.commit_new(&anchor)?;
    }
    let text = writer.index(&placed.names).to_json_pretty(4);
    let index = Staged::write(path, fsync, |file| Ok(std::io::Write::write_all(file, text.as_bytes())?))?.0;
    let old = index.commit_and_take()?;
    let kept = std::mem::take(&mut placed.names);
    if let Some(old) = old {
        names.clear(path, &old, &kept, fsync)?;
    }
    Ok(())
}

impl WeightTree {
    /// Writes the tree as HDF5 files of at most `max_shard_size` GiB beside the index `….weights.json`
    /// at `path`, as Keras's `ShardedH5IOStore` does.
    ///
    /// # Errors
    /// As [`WeightTree::save`]; also when one tensor is larger than a file may be.
    pub fn save_sharded(&self, path: impl AsRef<Path>, max_shard_size: f64) -> Result<()> {
        let path = path.as_ref();
        if !path.to_string_lossy().ends_with(".weights.json") {
            return Err(wrong_suffix(path, ".weights.json", ""));
        }
        let mut groups = Vec::new();
        self.each(&mut |path, _| {
            let group = path.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
            if groups.last() != Some(&group) {
                groups.push(group);
            }
        });
        write(self, &groups, path, max_shard_size * f64::from(1 << 30), &Limits::default(), true)
    }
}

/// The file names of one save's shards.
struct Names {
    stem: String,
    /// A number unique to this save.
    token: String,
}

impl Names {
    fn new(path: &Path) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace(".weights", "")).unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let token = RandomState::new().hash_one((std::process::id(), now));
        Self { stem, token: format!("{token:016x}") }
    }

    /// Returns the name that Keras gives.
    fn keras(&self, index: usize) -> String {
        format!("{}_{index:05}.weights.h5", self.stem)
    }

    fn own(&self, index: usize) -> String {
        format!("{}-{}_{index:05}.weights.h5", self.stem, self.token)
    }

    /// Returns true if a file name has one of the two forms, from any save. No other file is ever
    /// removed.
    fn is_shard(&self, name: &str) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let middle = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_suffix(".weights.h5"));
        middle.and_then(|middle| middle.rsplit_once('_')).is_some_and(|(token, index)| {
            let own = |token: &str| token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits(index) && (token.is_empty() || token.strip_prefix('-').is_some_and(own))
        })
    }

    /// Removes the shards of a replaced index, except those that the new index or another one beside it
    /// names. Shards that can't be removed stay: the new set is complete without that.
    fn clear(&self, path: &Path, old: &[u8], new: &[String], fsync: bool) -> Result<()> {
        let others = other_indices(path);
        let anchor = self.keras(0);
        for name in shards_of(old).into_iter().filter(|name| self.is_shard(name) && !new.contains(name)) {
            if others.iter().any(|other| holds(other, &name)) {
                continue;
            }
            let shard = path.with_file_name(&name);
            if name == anchor {
                // Replaced in one step, so that the name always exists.
                stage_hdf5(&WeightTree::default(), &shard, &Limits::default(), fsync)?.commit()?;
            } else {
                let _ = std::fs::remove_file(shard);
            }
        }
        Ok(())
    }
}

/// Returns the file names in the text of an index; none if it is not an index.
fn shards_of(index: &[u8]) -> Vec<String> {
    let index = Value::parse_bytes(index, &JsonLimits::default()).ok();
    let map = index.as_ref().and_then(|index| index.get("weight_map")?.as_dict());
    let names = map.into_iter().flat_map(|map| map.values()).filter_map(|files| file_names(files).ok()).flatten();
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the texts of the other indices in the folder, which may name the same shards: copies, for
/// example.
fn other_indices(path: &Path) -> Vec<Vec<u8>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = path.canonicalize().ok();
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let indices = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
    let others = indices.filter(|file| file.is_file() && file.canonicalize().ok() != own);
    others.filter_map(|file| std::fs::read(file).ok()).collect()
}

fn holds(text: &[u8], name: &str) -> bool {
    text.windows(name.len().max(1)).any(|part| part == name.as_bytes())
}

/// Shards that have their final names; removed on drop unless the save succeeds.
#[derive(Default)]
struct Placed {
    names: Vec<String>,
    files: Vec<PathBuf>,
    /// Whether the first shard got Keras's name.
    as_keras: bool,
}

impl Placed {
    /// Gives a shard its final name, one that no file has.
    fn claim(&mut self, names: &Names, path: &Path, index: usize, mut shard: Staged) -> Result<()> {
        let mut candidates = vec![names.own(index)];
        if index == 0 || self.as_keras {
            candidates.push(names.keras(index));
        }
        while let Some(name) = candidates.pop() {
            let file = path.with_file_name(&name);
            match shard.commit_new(&file)? {
                None => {
                    self.as_keras |= name == names.keras(0);
                    self.files.push(file);
                    self.names.push(name);
                    return Ok(());
                }
                Some(back) => shard = back,
            }
        }
        Err(Error::new(ErrorKind::Io, "the name of a shard is taken").at(names.own(index)))
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        // Files still listed here belong to a save that failed.
        for (_, file) in self.names.iter().zip(&self.files) {
            let _ = std::fs::remove_file(file);
        }
    }
}

struct Writer {
    shards: Vec<WeightTree>,
    /// The bytes in the current shard.
    size: f64,
    total: f64,
    /// The groups, the number of weights in each, and the shards that hold them.
    map: Vec<(String, usize, Vec<usize>)>,
}

impl Writer {
    fn group(&mut self, path: &str, group: &WeightTree, most: f64) -> Result<()> {
        // Keras creates the group, with its layer's name, before it knows whether the weights fit.
        if !group.attrs.is_empty() {
            self.current()?.make_group(path)?.attrs.clone_from(&group.attrs);
        }
        let mut held = Vec::new();
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
            self.current()?.insert(&join(path, key), tensor.clone())?;
            let shard = self.shards.len() - 1;
            if held.last() != Some(&shard) {
                held.push(shard);
            }
        }
        if !held.is_empty() {
            self.map.push((format!("/{path}"), group.tensors.len(), held));
        }
        Ok(())
    }

    /// Builds the index of the shards, by their names.
    fn index(&self, names: &[String]) -> Value {
        let name = |shard: &usize| Value::from(names.get(*shard).cloned().unwrap_or_default());
        let files = |(group, weights, shards): &(String, usize, Vec<usize>)| {
            // A single weight has a name; from the second on it is a list.
            let list = || Value::List(shards.iter().map(name).collect());
            let files = shards.first().filter(|_| *weights == 1).map_or_else(list, name);
            (group.clone(), files)
        };
        let metadata = Dict::from([("total_size".to_owned(), Value::from(self.total))]);
        Value::Dict(Dict::from([
            ("metadata".to_owned(), Value::Dict(metadata)),
            ("weight_map".to_owned(), Value::Dict(self.map.iter().map(files).collect())),
        ]))
    }

    fn current(&mut self) -> Result<&mut WeightTree> {
        self.shards.last_mut().ok_or_else(|| Error::new(ErrorKind::Archive, "no shard"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{DType, TensorBytes};
    use crate::files::{H5Attr, StoredTensor};

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
        write(&tree(), &order, &path, 160.0, &Limits::default(), true).unwrap();
        let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            index.to_json(),
            "{\"metadata\": {\"total_size\": 300.0}, \"weight_map\": {\"/layers/a/vars\": [\"m_00000.weights.h5\"], \
             \"/layers/b/vars\": [\"m_00001.weights.h5\"]}}"
        );
        let again = read(&path, &index, &Limits::default(), Look::Kept).unwrap();
        assert_eq!(again.paths().len(), 4);
        assert_eq!(again.tensor("layers/b/vars/1").unwrap().read().unwrap().data, vec![7u8; 50]);
        // A layer may be in several shards; a weight larger than a shard is an error.
        write(&tree(), &order, &path, 120.0, &Limits::default(), true).unwrap();
        let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read(&path, &index, &Limits::default(), Look::Kept).unwrap().paths().len(), 4);
        let error = write(&tree(), &order, &path, 99.0, &Limits::default(), true).unwrap_err();
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
        write(&tree(), &order, &path, 160.0, &Limits::default(), true).unwrap();
        assert_eq!(files(), expected);
        // A failed save leaves the old set.
        write(&tree(), &order, &path, 99.0, &Limits::default(), true).unwrap_err();
        assert_eq!(files(), expected);
        let mut before = Vec::new();
        for _ in 0..3 {
            write(&tree(), &order, &path, 160.0, &Limits::default(), true).unwrap();
            let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let shards = shards_of(index.to_json().as_bytes());
            assert!(shards.iter().all(|name| name.starts_with("m-") && !before.contains(name)), "{shards:?}");
            expected = shards.iter().map(String::as_str).collect();
            expected.extend(["m.weights.json", "m_00000.weights.h5", "m_1.weights.h5.txt"]);
            assert_eq!(files(), expected);
            let again = read(&path, &index, &Limits::default(), Look::Kept).unwrap();
            assert_eq!(again.tensor("layers/b/vars/1").unwrap().read().unwrap().data, vec![7u8; 50]);
            before = shards;
        }
    }

    #[test]
    fn shards_that_another_index_names_are_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let [path, copy] = ["m.weights.json", "copy.weights.json"].map(|name| directory.path().join(name));
        let order = ["layers/a/vars".to_owned(), "layers/b/vars".to_owned()];
        write(&tree(), &order, &path, 160.0, &Limits::default(), false).unwrap();
        std::fs::copy(&path, &copy).unwrap();
        write(&tree(), &order, &path, 160.0, &Limits::default(), false).unwrap();
        for path in [path, copy] {
            let file = Section::open(&path, false).unwrap();
            assert_eq!(open(&path, file, &Limits::default(), Look::Kept).unwrap().paths().len(), 4);
        }
    }

    #[test]
    fn names_of_other_indices_are_not_taken_for_shards() {
        let names = Names::new(Path::new("m.weights.json"));
        let ours = [names.keras(3), names.own(12)];
        assert!(ours.iter().all(|name| names.is_shard(name)));
        for name in
            ["m-1_00000.weights.h5", "m_x_00000.weights.h5", "m.weights.h5", "mm_00000.weights.h5", "m_.weights.h5"]
        {
            assert!(!names.is_shard(name), "{name}");
        }
    }

    #[test]
    fn shards_outside_are_not_opened() {
        let path = Path::new("/nowhere/m.weights.json");
        for name in ["../x.h5", "/etc/passwd", "a\\b", "C:x", ""] {
            let files = Dict::from([("/layers/a/vars".to_owned(), Value::from(name))]);
            let index = Value::Dict(Dict::from([("weight_map".to_owned(), Value::Dict(files))]));
            let error = read(path, &index, &Limits::default(), Look::Kept).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
            assert!(error.path().contains("weight_map"), "{error}");
        }
    }
}
