//! Named tensors, as read from a data file.

use indexmap::IndexMap;

use super::Select;
use super::select::unknown;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::ops;
use crate::tensor::Tensor;

/// The contents of a data file: named tensors, in the order of the file.
///
/// ```
/// use keras_serial::training::data::Arrays;
/// use keras_serial::tensor::Tensor;
/// let data: Arrays = [
///     ("width".to_owned(), Tensor::from_slice(&[1.0f32, 2.0], [2])?),
///     ("height".to_owned(), Tensor::from_slice(&[3.0f32, 4.0], [2])?),
/// ]
/// .into_iter()
/// .collect();
/// assert_eq!(data.get("height")?.to_vec::<f32>()?, [3.0, 4.0]);
/// assert_eq!(data.matrix(["width", "height"])?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
/// assert!(data.get("heigth").unwrap_err().to_string().contains("did you mean `height`?"));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Arrays {
    tensors: IndexMap<String, Tensor>,
}

impl Arrays {
    /// Returns the tensor with this name.
    ///
    /// # Errors
    /// [`ErrorKind::Data`], with the names that there are, if there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => Ok(tensor),
            None => Err(unknown(name, &self.names().collect::<Vec<_>>())),
        }
    }

    /// Returns the only tensor, as in a `.npy` file.
    ///
    /// # Errors
    /// [`ErrorKind::Data`] when there are none or several.
    pub fn single(&self) -> Result<&Tensor> {
        match self.tensors.values().collect::<Vec<_>>().as_slice() {
            [tensor] => Ok(tensor),
            several => Err(Error::new(ErrorKind::Data, "wrong number of arrays")
                .expected("one")
                .received(several.len().to_string())
                .hint("take one by its name with `get`")),
        }
    }

    /// Joins several columns, each a tensor of rank 1, into one tensor of rows × columns.
    ///
    /// # Errors
    /// [`ErrorKind::Data`] when a column does not exist, or they differ in length or type.
    pub fn matrix(&self, columns: impl Into<Select>) -> Result<Tensor> {
        let names: Vec<&str> = self.names().collect();
        let mut parts: Vec<Tensor> = Vec::new();
        for place in columns.into().places(&names)? {
            let Some((name, tensor)) = self.tensors.get_index(place) else { continue };
            let like = parts.first().unwrap_or(tensor);
            if tensor.rank() != 1 || tensor.shape() != like.shape() || tensor.dtype() != like.dtype() {
                return Err(Error::new(ErrorKind::Data, "column does not fit the others of a matrix")
                    .expected(match parts.first() {
                        Some(like) => like.outline(),
                        None => "a tensor of rank 1".to_owned(),
                    })
                    .received(tensor.outline())
                    .at(format!("column `{name}`")));
            }
            parts.push(tensor.clone());
        }
        if parts.is_empty() {
            return Err(Error::new(ErrorKind::Data, "a matrix needs at least one column"));
        }
        ops::stack(&parts, 1).at("matrix")
    }

    /// Returns the names, in the order of the file.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the names and tensors, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns true if there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }
}

impl FromIterator<(String, Tensor)> for Arrays {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        Self { tensors: tensors.into_iter().collect() }
    }
}

impl IntoIterator for Arrays {
    type Item = (String, Tensor);
    type IntoIter = indexmap::map::IntoIter<String, Tensor>;

    fn into_iter(self) -> Self::IntoIter {
        self.tensors.into_iter()
    }
}
