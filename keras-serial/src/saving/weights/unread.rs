//! Groups of a file that nothing has read.

use crate::array::TensorBytes;
use crate::files::H5Attr;

/// A group of a file that nothing has read, for the next save.
#[derive(Clone, Debug)]
pub(in crate::saving) struct UnreadGroup {
    pub path: String,
    pub attrs: Vec<(String, H5Attr)>,
    pub datasets: Vec<(String, TensorBytes)>,
}

impl UnreadGroup {
    /// Returns the numbers of elements and of bytes.
    pub fn size(&self) -> (usize, usize) {
        self.datasets.iter().fold((0, 0), |(count, bytes), (_, data)| {
            (count + data.shape.iter().product::<usize>(), bytes + data.data.len())
        })
    }
}
