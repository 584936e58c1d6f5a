//! Conversion between dtypes and HDF5 datatypes.

use hdf5_pure::{Datatype, DatatypeByteOrder, EnumTypeBuilder, FixedPointLayout, FloatingPointLayout};

use crate::array::DType;

const FLOAT16: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 16,
    exponent_location: 10,
    exponent_size: 5,
    mantissa_location: 0,
    mantissa_size: 10,
    exponent_bias: 15,
};

const BFLOAT16: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 16,
    exponent_location: 7,
    exponent_size: 8,
    mantissa_location: 0,
    mantissa_size: 7,
    exponent_bias: 127,
};

/// Converts an HDF5 datatype; `None` for types that Keras's weights never have.
///
/// HDF5 has no bfloat16: Keras writes two opaque bytes and an attribute `dtype`, which is given as
/// `hint`.
pub(super) fn from_hdf5(datatype: &Datatype, hint: Option<&str>) -> Option<(DType, DatatypeByteOrder)> {
    let little = DatatypeByteOrder::LittleEndian;
    let dtype = match datatype {
        Datatype::FixedPoint { size, byte_order, layout } => {
            let whole = layout.bit_offset == 0 && u32::from(layout.bit_precision) == size.checked_mul(8)?;
            return whole.then(|| integer(*size, layout.signed)).flatten().map(|dtype| (dtype, *byte_order));
        }
        Datatype::FloatingPoint { size, byte_order, layout } => {
            let dtype = match (size, *layout) {
                (2, FLOAT16) => DType::Float16,
                (2, BFLOAT16) => DType::BFloat16,
                (4, FloatingPointLayout::IEEE754_BINARY32) => DType::Float32,
                (8, FloatingPointLayout::IEEE754_BINARY64) => DType::Float64,
                _ => return None,
            };
            return Some((dtype, *byte_order));
        }
        // Legacy files lack the attribute; bfloat16 is the only NumPy type of two opaque bytes.
        Datatype::Opaque { size: 2, .. } if hint.is_none_or(|hint| hint == "bfloat16") => DType::BFloat16,
        Datatype::Enumeration { size: 1, members, .. } => {
            let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            (names == ["FALSE", "TRUE"]).then_some(DType::Bool)?
        }
        Datatype::String { .. } | Datatype::VariableLength { is_string: true, .. } => DType::String,
        _ => return None,
    };
    Some((dtype, little))
}

/// Returns the datatype that h5py writes; `None` for strings.
pub(super) fn to_hdf5(dtype: DType) -> Option<Datatype> {
    let float = |layout: FloatingPointLayout| {
        let size = u32::from(layout.bit_precision / 8);
        Some(Datatype::FloatingPoint { size, byte_order: DatatypeByteOrder::LittleEndian, layout })
    };
    match dtype {
        DType::Float16 => float(FLOAT16),
        DType::Float32 => float(FloatingPointLayout::IEEE754_BINARY32),
        DType::Float64 => float(FloatingPointLayout::IEEE754_BINARY64),
        DType::BFloat16 => Some(Datatype::Opaque { size: 2, tag: Vec::new() }),
        DType::Bool => EnumTypeBuilder::with_base(fixed(1, true)).value("FALSE", 0).value("TRUE", 1).build().ok(),
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => Some(fixed(dtype.size(), true)),
        DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => Some(fixed(dtype.size(), false)),
        DType::String => None,
    }
}

fn fixed(size: usize, signed: bool) -> Datatype {
    Datatype::FixedPoint {
        size: size as u32,
        byte_order: DatatypeByteOrder::LittleEndian,
        layout: FixedPointLayout { signed, bit_offset: 0, bit_precision: 8 * size as u16 },
    }
}

fn integer(size: u32, signed: bool) -> Option<DType> {
    Some(match (size, signed) {
        (1, true) => DType::Int8,
        (2, true) => DType::Int16,
        (4, true) => DType::Int32,
        (8, true) => DType::Int64,
        (1, false) => DType::UInt8,
        (2, false) => DType::UInt16,
        (4, false) => DType::UInt32,
        (8, false) => DType::UInt64,
        _ => return None,
    })
}
