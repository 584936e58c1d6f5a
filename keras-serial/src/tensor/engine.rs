//! The interface to the engine: burn's types.

use burn_backend::{BoolDType, BoolStore, Bytes, DType as BurnDType, FloatDType, IntDType, TensorData};
use burn_dispatch::{BackendTensor, Dispatch, DispatchDevice, DispatchTensor, DispatchTensorKind};
use burn_flex::FlexTensor;

use super::DType;
use crate::error::{Error, ErrorKind, Result};

/// The backend, which picks the device at run time.
pub(crate) type Engine = Dispatch;
/// A tensor of the backend: float, integer or boolean.
pub(crate) type Raw = DispatchTensor;

/// Returns the device on which new tensors are created.
pub(crate) fn device() -> DispatchDevice {
    DispatchDevice::Flex(burn_flex::FlexDevice)
}

pub(crate) fn float(dtype: DType) -> Result<FloatDType> {
    Ok(match dtype {
        DType::Float64 => FloatDType::F64,
        DType::Float32 => FloatDType::F32,
        DType::Float16 => FloatDType::F16,
        DType::BFloat16 => FloatDType::BF16,
        other => return Err(not(other, "a floating-point dtype")),
    })
}

pub(crate) fn int(dtype: DType) -> Result<IntDType> {
    Ok(match dtype {
        DType::Int64 => IntDType::I64,
        DType::Int32 => IntDType::I32,
        DType::Int16 => IntDType::I16,
        DType::Int8 => IntDType::I8,
        DType::UInt64 => IntDType::U64,
        DType::UInt32 => IntDType::U32,
        DType::UInt16 => IntDType::U16,
        DType::UInt8 => IntDType::U8,
        other => return Err(not(other, "an integer dtype")),
    })
}

/// The storage of booleans.
pub(crate) const BOOL: BoolDType = BoolDType::Native;

pub(crate) fn burn_dtype(dtype: DType) -> Result<BurnDType> {
    Ok(match dtype {
        DType::Bool => BurnDType::Bool(BoolStore::Native),
        DType::String => return Err(not(dtype, "a dtype of numbers or truth values")),
        dtype if dtype.is_float() => float(dtype)?.into(),
        dtype => int(dtype)?.into(),
    })
}

fn not(dtype: DType, expected: &'static str) -> Error {
    Error::new(ErrorKind::DType, "wrong dtype").expected(expected).received(dtype.name())
}

/// Wraps little-endian bytes as the engine's data; the bytes must be aligned for the dtype.
pub(crate) fn data(bytes: Bytes, shape: &[usize], dtype: DType) -> Result<TensorData> {
    TensorData::try_from_bytes(bytes, shape.to_vec(), burn_dtype(dtype)?).map_err(|error| {
        Error::new(ErrorKind::Engine, "the bytes do not fit the shape").with_source(format!("{error:?}"))
    })
}

/// Returns the same as [`flex`], mutably.
pub(crate) fn flex_mut(raw: &mut Raw) -> Option<&mut FlexTensor> {
    match &mut raw.kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor) | BackendTensor::Int(tensor)) => Some(tensor),
        _ => None,
    }
}

/// Returns the CPU tensor if this is one that tracks no gradients.
pub(crate) fn flex(raw: &Raw) -> Option<&FlexTensor> {
    match &raw.kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor) | BackendTensor::Int(tensor)) => Some(tensor),
        _ => None,
    }
}

/// Returns the bytes of a CPU tensor without a copy, if they are contiguous and fill the buffer. An operation
/// that would change them in place copies them first.
pub(crate) fn shared_bytes(raw: &Raw) -> Option<bytes::Bytes> {
    struct Shared(FlexTensor);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            self.0.bytes()
        }
    }
    let DispatchTensorKind::Flex(
        BackendTensor::Float(tensor) | BackendTensor::Int(tensor) | BackendTensor::Bool(tensor),
    ) = &raw.kind
    else {
        return None;
    };
    let layout = tensor.layout();
    let size = tensor.dtype().size().checked_mul(layout.num_elements());
    let whole = layout.is_contiguous() && layout.start_offset() == 0 && size == Some(tensor.bytes().len());
    whole.then(|| bytes::Bytes::from_owner(Shared(tensor.clone())))
}
