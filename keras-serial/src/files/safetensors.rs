//! `.safetensors`: weights by their own paths, such as `dense/kernel`.
//!
//! Keras has no such format. The keys are the paths that Keras gives to weights, without the model's own
//! name; the optimizer's state is under `optimizer/vars`. With
//! [`WriteOptions::embed_config`](super::WriteOptions::embed_config) the metadata holds the configuration,
//! and the file is a whole model.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::Metadata;

use super::io::{Section, sign, write_file};
use super::weights::FileTensor;
use super::{H5Attr, Limits, WeightTree, check_tree, names};
use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};

/// The metadata entry that holds the configuration.
const CONFIG: &str = "keras_config";
/// The metadata entry that holds the names of groups, in files that name weights by the paths of layers.
const NAMES: &str = "keras_names";

const DTYPES: [(DType, Dtype, &str); 13] = [
    (DType::Float64, Dtype::F64, "F64"),
    (DType::Float32, Dtype::F32, "F32"),
    (DType::Float16, Dtype::F16, "F16"),
    (DType::BFloat16, Dtype::BF16, "BF16"),
    (DType::Int64, Dtype::I64, "I64"),
    (DType::Int32, Dtype::I32, "I32"),
    (DType::Int16, Dtype::I16, "I16"),
    (DType::Int8, Dtype::I8, "I8"),
    (DType::UInt64, Dtype::U64, "U64"),
    (DType::UInt32, Dtype::U32, "U32"),
    (DType::UInt16, Dtype::U16, "U16"),
    (DType::UInt8, Dtype::U8, "U8"),
    (DType::Bool, Dtype::BOOL, "BOOL"),
];

/// Tensors with their names.
type Entries = Vec<(String, FileTensor)>;

/// Reads the tensors of a file as a tree, and the text of the configuration if there is one.
pub(crate) fn read(file: &Section, limits: &Limits) -> Result<(WeightTree, Option<String>)> {
    let (entries, mut metadata) = entries(file, limits)?;
    let mut tree = WeightTree::default();
    for (name, tensor) in entries {
        tree.insert(&name, tensor)?;
    }
    if let Some(text) = metadata.remove(NAMES) {
        let names = Value::parse(&text).at(NAMES).at("__metadata__")?;
        Limits::check("groups of a file", names.as_dict().map_or(0, Dict::len) as u64, limits.max_groups as u64)?;
        for (path, name) in names.as_dict().into_iter().flatten() {
            if let Some(name) = name.as_str() {
                tree.make_group(path)?.attrs.insert("name".to_owned(), H5Attr::Str(name.to_owned()));
            }
        }
        check_tree(&tree, limits)?;
    }
    Ok((tree, metadata.remove(CONFIG)))
}

/// Returns true if weights are named by the paths of layers, as in `.weights.h5`: all are in groups `vars`. In other
/// files only the states of optimizers are.
pub(crate) fn is_by_paths(tree: &WeightTree) -> bool {
    let paths = tree.paths();
    let in_vars = |path: &String| path.rsplit_once('/').is_some_and(|(group, _)| names(group).last() == Some("vars"));
    let of_optimizer = |path: &String| path.starts_with("optimizer/");
    !paths.is_empty() && paths.iter().all(in_vars) && !paths.iter().all(of_optimizer)
}

/// Lists the tensors of a file without reading them, in the file's order, and the entries of its metadata.
pub(crate) fn entries(file: &Section, limits: &Limits) -> Result<(Entries, HashMap<String, String>)> {
    if file.head(9)?.get(8).is_none_or(|first| *first != b'{') {
        return Err(sign::not("a safetensors file", ErrorKind::Archive, file));
    }
    let header = file.head(8)?.first_chunk::<8>().map(|length| u64::from_le_bytes(*length)).unwrap_or_default();
    Limits::check("bytes of a JSON text", header, limits.max_config_bytes)?;
    let start = header.saturating_add(8);
    let text = file.peek(8..start)?.ok_or_else(|| unsound("the header is cut short"))?;
    let metadata: Metadata =
        serde_json::from_slice(&text).map_err(|error| unsound(&error.to_string()).with_source(error))?;
    let infos = metadata.tensors();
    Limits::check("datasets of a file", infos.len() as u64, limits.max_datasets as u64)?;
    let mut infos: Vec<_> = infos.into_iter().collect();
    infos.sort_by(|a, b| a.1.data_offsets.cmp(&b.1.data_offsets).then_with(|| a.0.cmp(&b.0)));
    let mut entries = Vec::new();
    let mut end = start;
    for (name, info) in infos {
        let dtype = DTYPES.iter().find(|(_, theirs, _)| *theirs == info.dtype).map(|(ours, ..)| *ours);
        let dtype = dtype.ok_or_else(|| {
            let error = Error::new(ErrorKind::DType, "elements are of no type of a tensor");
            error.received(format!("{:?}", info.dtype)).at(name.clone())
        })?;
        let size = info.shape.iter().try_fold(dtype.size(), |size, extent| size.checked_mul(*extent));
        let (from, to) = info.data_offsets;
        let range = start.checked_add(from as u64).zip(start.checked_add(to as u64));
        // As the format requires: each tensor has the size of its shape, and they are contiguous.
        let range = range.filter(|(from, _)| *from == end && to.checked_sub(info.data_offsets.0) == size);
        let (from, to) = range.ok_or_else(|| unsound("offsets of a tensor are wrong").at(name.clone()))?;
        let data = file.part(from..to);
        let data = data.ok_or_else(|| Error::new(ErrorKind::Archive, "tensor is cut short").at(name.clone()))?;
        end = to;
        entries.push((name, FileTensor { dtype, shape: info.shape.clone(), data }));
    }
    if end != file.len() {
        return Err(unsound("bytes follow the last tensor"));
    }
    Ok((entries, metadata.metadata().clone().unwrap_or_default()))
}

fn unsound(what: &str) -> Error {
    Error::new(ErrorKind::Archive, format!("not a sound safetensors file: {what}"))
}

/// Writes weights under their paths in the tree, with the names of its groups.
pub(crate) fn write_tree(tree: &WeightTree, config: Option<String>, path: &Path, fsync: bool) -> Result<()> {
    let mut tensors = Vec::new();
    tree.each(&mut |path, tensor| tensors.push((path, tensor)));
    let tensors = tensors.into_iter().map(|(path, tensor)| {
        let data = tensor.read_at(&path)?;
        Ok((path, data))
    });
    let tensors = tensors.collect::<Result<Vec<_>>>()?;
    let name_of = |path: String| {
        let name = tree.group(&path)?.attrs.get("name").and_then(H5Attr::as_str)?;
        Some((path, Value::from(name)))
    };
    let names: Dict = tree.groups_with_contents().into_iter().filter_map(name_of).collect();
    let mut metadata: Vec<(&str, String)> = config.into_iter().map(|config| (CONFIG, config)).collect();
    if !names.is_empty() {
        metadata.push((NAMES, Value::Dict(names).to_json()));
    }
    write_file(path, fsync, |file| write_with(tensors, metadata, BufWriter::new(file)))
}

/// Writes a file: tensors with large elements first, so that all are aligned, then by name.
pub(crate) fn write(tensors: Vec<(String, TensorBytes)>, config: Option<String>, output: impl Write) -> Result<()> {
    // What has other names could not be read again.
    let mut tree = WeightTree::default();
    tensors.iter().try_for_each(|(name, tensor)| tree.insert(name, tensor.clone()))?;
    write_with(tensors, config.into_iter().map(|config| (CONFIG, config)).collect(), output)
}

fn write_with(
    mut tensors: Vec<(String, TensorBytes)>,
    texts: Vec<(&str, String)>,
    mut output: impl Write,
) -> Result<()> {
    tensors.sort_by(|(a, x), (b, y)| y.dtype.size().cmp(&x.dtype.size()).then_with(|| a.cmp(b)));
    let entries =
        tensors.iter().map(|(name, tensor)| Entry { name: name.clone(), dtype: tensor.dtype, shape: &tensor.shape });
    output.write_all(&header(&entries.collect::<Vec<_>>(), texts)?)?;
    for (_, tensor) in &tensors {
        output.write_all(&tensor.data)?;
    }
    output.flush()?;
    Ok(())
}

/// A tensor of a file to be written.
pub(crate) struct Entry<'a> {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [usize],
}

/// Returns the beginning of a file with these tensors, whose elements follow in this order, and these texts as metadata.
///
/// # Errors
/// For texts as elements.
pub(crate) fn header(tensors: &[Entry<'_>], texts: Vec<(&str, String)>) -> Result<Vec<u8>> {
    let mut header = Dict::new();
    let mut metadata = Dict::from([("format".to_owned(), Value::from("keras"))]);
    metadata.extend(texts.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))));
    header.insert("__metadata__".to_owned(), Value::Dict(metadata));
    let mut end = 0;
    for Entry { name, dtype, shape } in tensors {
        let theirs = DTYPES.iter().find(|(ours, ..)| ours == dtype).map(|(.., name)| *name);
        let theirs =
            theirs.ok_or_else(|| Error::new(ErrorKind::DType, "texts are not written as weights").at(name.clone()))?;
        let start = end;
        end += shape.iter().fold(dtype.size(), |bytes, extent| bytes.saturating_mul(*extent));
        let entry = Dict::from([
            ("dtype".to_owned(), Value::from(theirs)),
            ("shape".to_owned(), Value::List(shape.iter().map(|extent| Value::from(*extent)).collect())),
            ("data_offsets".to_owned(), Value::List(vec![Value::from(start), Value::from(end)])),
        ]);
        header.insert(name.clone(), Value::Dict(entry));
    }
    let mut text = Value::Dict(header).to_json();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    Ok([&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat())
}
