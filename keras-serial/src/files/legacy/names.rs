//! Lists of names and tensors in legacy `.h5` files.

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::{H5Attr, StoredTensor, WeightTree};
use crate::utils::join;

/// The group of a whole-model file that holds the weights.
pub(crate) const WEIGHTS: &str = "model_weights";
/// The group of weights that belong to the model itself.
pub(crate) const TOP: &str = "top_level_model_weights";
/// The group of the optimizer's state.
pub(crate) const OPTIMIZER: &str = "optimizer_weights";
/// The attribute that holds the names of an optimizer's variables while they are read.
pub(crate) const NAMES: &str = "weight_names";

/// Above this many bytes, Keras splits a list of names over several attributes.
const ATTRIBUTE_LIMIT: usize = 64_512;

/// Reads the names in an attribute, which may be split over several.
pub(crate) fn name_list(group: &WeightTree, name: &str) -> Result<Vec<String>> {
    let list = |attr: &H5Attr, name: &str| match attr {
        H5Attr::StrList(names) => Ok(names.clone()),
        other => Err(Error::new(ErrorKind::Hdf5, format!("wrong type for the attribute `{name}`"))
            .expected("a list of texts")
            .received(format!("{other:?}"))),
    };
    if let Some(attr) = group.attrs.get(name) {
        return list(attr, name);
    }
    let mut names = Vec::new();
    for part in 0.. {
        let name = format!("{name}{part}");
        let Some(attr) = group.attrs.get(&name) else { break };
        names.extend(list(attr, &name)?);
    }
    Ok(names)
}

/// Returns the tensors of a layer's group, in order, with their paths.
pub(crate) fn tensors<'a>(group: &'a WeightTree, path: &str) -> Result<Vec<(String, &'a StoredTensor)>> {
    let names = name_list(group, "weight_names").at_with(|| path.to_owned())?;
    let find = |name: String| {
        let place = join(path, &name);
        match group.tensor(&name) {
            Some(tensor) => Ok((place, tensor)),
            None => Err(Error::new(ErrorKind::Hdf5, "the file has no such weight, though it names it").at(place)),
        }
    };
    names.into_iter().map(find).collect()
}

/// Writes a list of names as one attribute, or as several if it is too long for HDF5.
pub(crate) fn put_names(group: &mut WeightTree, name: &str, names: Vec<String>) -> Result<()> {
    // NumPy stores every string of an array with the length of the longest.
    let longest = names.iter().map(String::len).max().unwrap_or_default().max(1);
    if longest > ATTRIBUTE_LIMIT {
        return Err(Error::new(ErrorKind::Weights, "a name is too long for HDF5").received(format!("{longest} bytes")));
    }
    if names.len() * longest <= ATTRIBUTE_LIMIT {
        group.attrs.insert(name.to_owned(), H5Attr::StrList(names));
        return Ok(());
    }
    for (part, names) in names.chunks(ATTRIBUTE_LIMIT / longest).enumerate() {
        group.attrs.insert(format!("{name}{part}"), H5Attr::StrList(names.to_vec()));
    }
    Ok(())
}
