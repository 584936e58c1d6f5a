//! Reads training data: NumPy arrays, safetensors, CSV and Parquet tables.
//!
//! [`ReadArrays`] reads a file of any [`DataForm`] within [`Limits`](crate::files::Limits) into [`Arrays`]:
//! named tensors, for `fit` and its like.

mod arrays;
#[cfg(feature = "csv")]
mod csv;
mod form;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_pages;
mod read_arrays;
#[cfg(feature = "cli")]
mod row_reader;
mod select;
#[cfg(feature = "parquet")]
mod thrift;

pub use arrays::Arrays;
pub use form::DataForm;
pub use read_arrays::ReadArrays;
#[cfg(feature = "cli")]
pub(crate) use row_reader::RowReader;
pub use select::Select;
