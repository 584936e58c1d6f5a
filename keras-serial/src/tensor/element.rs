//! The Rust types that correspond to dtypes.

use burn_backend::{Bytes, bf16, f16};
use burn_flex::FlexTensor;

use super::DType;
use crate::error::{Error, ErrorKind, Result};

/// A Rust type of tensor elements.
pub trait Element: Copy + Send + Sync + 'static {
    /// The dtype of such elements.
    const DTYPE: DType;
    /// Converts elements to the engine's bytes.
    #[doc(hidden)]
    fn into_bytes(elements: Vec<Self>) -> Bytes;
    /// Reads elements from little-endian bytes.
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>>;
    /// Returns the elements if the engine holds them contiguously.
    #[doc(hidden)]
    fn slice(tensor: &FlexTensor) -> Option<&[Self]>;
    /// Returns the elements mutably if they are contiguous and not shared.
    #[doc(hidden)]
    fn slice_mut(tensor: &mut FlexTensor) -> Option<&mut [Self]>;
}

macro_rules! elements {
    ($($type:ty => $dtype:ident),*) => {$(
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;

            fn into_bytes(elements: Vec<Self>) -> Bytes {
                Bytes::from_elems(elements)
            }

            fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>> {
                let (chunks, rest) = bytes.as_chunks::<{ size_of::<$type>() }>();
                if !rest.is_empty() {
                    return Err(Error::new(ErrorKind::DType, "the bytes are no whole number of elements"));
                }
                Ok(chunks.iter().map(|chunk| <$type>::from_le_bytes(*chunk)).collect())
            }

            fn slice(tensor: &FlexTensor) -> Option<&[Self]> {
                tensor.as_slice()
            }

            fn slice_mut(tensor: &mut FlexTensor) -> Option<&mut [Self]> {
                let (start, end) = tensor.layout().contiguous_offsets()?;
                tensor.try_storage_mut()?.get_mut(start..end)
            }
        }
    )*};
}

elements! {
    f32 => Float32, f64 => Float64, f16 => Float16, bf16 => BFloat16,
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64
}

impl Element for bool {
    const DTYPE: DType = DType::Bool;

    fn into_bytes(elements: Vec<Self>) -> Bytes {
        Bytes::from_bytes_vec(elements.into_iter().map(u8::from).collect())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>> {
        Ok(bytes.iter().map(|byte| *byte != 0).collect())
    }

    fn slice(_: &FlexTensor) -> Option<&[Self]> {
        None
    }

    fn slice_mut(_: &mut FlexTensor) -> Option<&mut [Self]> {
        None
    }
}
