//! `.npy`: one NumPy array.

mod header;

use std::path::Path;

use bytes::Bytes;

use self::header::Header;
#[cfg(all(feature = "cli", feature = "engine"))]
pub(crate) use self::header::text as header_text;
#[cfg(all(feature = "cli", feature = "engine"))]
use super::FileTensor;
use super::Limits;
use super::io::{Section, Source, open_named};
use crate::array::{DType, TensorBytes};
use crate::error::{Error, ErrorKind, Result, ResultExt};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The bytes that a string takes besides its characters.
const STRING: usize = size_of::<String>();

/// The type of the elements.
#[derive(Clone, Copy)]
enum Elements {
    Numbers(DType),
    /// `U`: strings of 4-byte characters.
    Unicode,
    /// `S`: byte strings.
    Ascii,
}

/// An array of NumPy: numbers, truth values or texts.
///
/// ```
/// use keras_serial::files::{Limits, NpyArray};
/// let mut file = b"\x93NUMPY\x01\x00\x3d\x00".to_vec();
/// file.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }   \n");
/// file.extend([1.0f32, 2.0].iter().flat_map(|number| number.to_le_bytes()));
/// let NpyArray::Numbers(array) = NpyArray::from_bytes(file, &Limits::default())? else { panic!() };
/// assert_eq!((array.dtype.name(), array.shape.as_slice(), array.data.len()), ("float32", &[2][..], 8));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NpyArray {
    /// Numbers or truth values, in row-major order.
    Numbers(TensorBytes),
    /// Texts, in row-major order.
    Texts {
        /// The extents.
        shape: Vec<usize>,
        /// The elements.
        texts: Vec<String>,
    },
}

impl NpyArray {
    /// Opens and reads a file.
    ///
    /// # Errors
    /// Names the file and one of: cut short, over a limit, pickled objects, or elements that tensors don't support.
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        open_named(path, false).and_then(|file| read(&file, limits).at_with(|| path.display().to_string()))
    }

    /// Reads a file in memory.
    ///
    /// # Errors
    /// As [`NpyArray::open`].
    pub fn from_bytes(bytes: impl Into<Source>, limits: &Limits) -> Result<Self> {
        read(&bytes.into().into_bytes().into(), limits)
    }
}

/// Reads the array of a file; without a copy if the bytes are in memory and laid out as a tensor's.
pub(crate) fn read(file: &Section, limits: &Limits) -> Result<NpyArray> {
    let (header, start) = header(file, limits)?;
    let (elements, size, big_endian) = elements(&header.descr)?;
    let shape = header.shape;
    // Zero extents hide what the others multiply to, so each counts as at least one.
    let most = shape.iter().try_fold(size, |product, extent| product.checked_mul((*extent).max(1)));
    let count = most.and_then(|_| shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent)));
    let count = count.ok_or_else(|| {
        Error::new(ErrorKind::Limit, "the array is larger than any memory").received(format!("shape {shape:?}"))
    })?;
    let held = match elements {
        Elements::Numbers(_) => count.saturating_mul(size),
        Elements::Unicode | Elements::Ascii => count.saturating_mul(size.saturating_add(STRING)),
    };
    Limits::check("bytes of an array", held as u64, limits.max_dataset_bytes.min(limits.max_total_bytes))?;
    let (held, expected) = (file.len().saturating_sub(start), count.saturating_mul(size) as u64);
    let data = file.part(start..file.len()).filter(|_| held == expected).ok_or_else(|| {
        let message = if held < expected { "the array is cut short" } else { "bytes follow the array" };
        Error::new(ErrorKind::Data, message)
            .expected(format!("{expected} bytes of elements"))
            .received(format!("{held} bytes"))
    })?;
    let data = data.aligned().read()?;
    let data = if header.fortran && shape.len() > 1 { row_major(&data, &shape, size) } else { data };
    match elements {
        Elements::Numbers(dtype) => {
            let data = if big_endian { swapped(&data, size) } else { data };
            Ok(NpyArray::Numbers(normalized(TensorBytes { dtype, shape, data })))
        }
        Elements::Unicode => {
            let texts = strings(&data, size, |text| unicode(text, big_endian))?;
            Ok(NpyArray::Texts { shape, texts })
        }
        Elements::Ascii => Ok(NpyArray::Texts { texts: strings(&data, size, ascii)?, shape }),
    }
}

/// Returns the array of a file to be read on demand, if its elements are as tensors have them: numbers, row-major,
/// little-endian. Other arrays are to be read whole.
#[cfg(all(feature = "cli", feature = "engine"))]
pub(crate) fn plain(file: &Section, limits: &Limits) -> Result<Option<FileTensor>> {
    let (header, start) = header(file, limits)?;
    let (Elements::Numbers(dtype), size, false) = elements(&header.descr)? else { return Ok(None) };
    let elements = header.shape.iter().try_fold(size as u64, |bytes, extent| bytes.checked_mul(*extent as u64));
    let data = elements.filter(|bytes| file.len().checked_sub(start) == Some(*bytes) && !header.fortran);
    let data = data.and_then(|_| file.part(start..file.len()));
    Ok(data.map(|data| FileTensor { dtype, shape: header.shape, data }))
}

/// Reads the header; returns it and the offset of the elements.
fn header(file: &Section, limits: &Limits) -> Result<(Header, u64)> {
    const FIRST: u64 = 12;
    let bytes = file.head(FIRST)?;
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| {
        let pickled = bytes.starts_with(b"\x80");
        if pickled { pickle() } else { Error::new(ErrorKind::Data, "not an array of NumPy").expected("a `.npy` file") }
    })?;
    let cut = || Error::new(ErrorKind::Data, "the header is cut short");
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, start) = match version {
        [1, 0] => (u64::from(u16::from_le_bytes(*rest.first_chunk::<2>().ok_or_else(cut)?)), FIRST - 2),
        [2 | 3, 0] => (u64::from(u32::from_le_bytes(*rest.first_chunk::<4>().ok_or_else(cut)?)), FIRST),
        [major, minor] => {
            return Err(Error::new(ErrorKind::Unsupported, "unknown version of the format")
                .expected("1.0, 2.0 or 3.0")
                .received(format!("{major}.{minor}")));
        }
    };
    Limits::check("bytes of a header", length, limits.max_config_bytes)?;
    let end = start.saturating_add(length);
    let text = file.peek(start..end)?.ok_or_else(cut)?;
    Ok((Header::parse(&text)?, end))
}

fn pickle() -> Error {
    Error::new(ErrorKind::CodeRefused, "pickled objects are not read: to load them is to run code of the file")
        .hint("save an array of numbers: `numpy.save(file, x.astype(\"float32\"))`")
}

/// Parses a type such as `<f4`: the element type, its size in bytes, and whether it is big-endian.
fn elements(descr: &str) -> Result<(Elements, usize, bool)> {
    let unknown = |kind, message: &'static str| Error::new(kind, message).received(format!("{descr:?}")).at("header");
    let (order, rest) = descr.split_at_checked(1).unwrap_or_default();
    let (kind, size) = rest.split_at_checked(1).unwrap_or_default();
    if kind == "O" {
        return Err(pickle());
    }
    // Dates have a unit after their size: `<M8[D]`.
    let digits = if matches!(kind, "M" | "m") { size.split('[').next().unwrap_or_default() } else { size };
    let size = digits.parse().ok().filter(|_: &usize| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let size = size.ok_or_else(|| unknown(ErrorKind::Data, "no type of elements"))?;
    let dtype = match (kind, size) {
        ("b", 1) => DType::Bool,
        ("i", 1) => DType::Int8,
        ("i", 2) => DType::Int16,
        ("i", 4) => DType::Int32,
        ("i", 8) => DType::Int64,
        ("u", 1) => DType::UInt8,
        ("u", 2) => DType::UInt16,
        ("u", 4) => DType::UInt32,
        ("u", 8) => DType::UInt64,
        ("f", 2) => DType::Float16,
        ("f", 4) => DType::Float32,
        ("f", 8) => DType::Float64,
        ("U" | "S", 1..) => DType::String,
        _ => {
            let error = unknown(ErrorKind::Unsupported, "elements are of no type of a tensor");
            let error = error.expected("bool, int8 to uint64, float16, float32, float64 or text");
            return Err(error.hint("convert it before saving: `x.astype(\"float32\")`"));
        }
    };
    let big_endian = match order {
        "<" => false,
        ">" => true,
        "|" if size == 1 || kind == "S" => false,
        _ => return Err(unknown(ErrorKind::Data, "no order of bytes")),
    };
    Ok(match kind {
        "U" => {
            let size = size.checked_mul(4).ok_or_else(|| unknown(ErrorKind::Limit, "strings are too long"))?;
            (Elements::Unicode, size, big_endian)
        }
        "S" => (Elements::Ascii, size, false),
        _ => (Elements::Numbers(dtype), size, big_endian),
    })
}

/// Reorders elements from column-major to row-major.
fn row_major(data: &Bytes, shape: &[usize], size: usize) -> Bytes {
    let mut out = Vec::with_capacity(data.len());
    // The axes from the last to the first: extent, stride in bytes, position.
    let mut stride = size;
    let mut axes: Vec<(usize, usize, usize)> = Vec::with_capacity(shape.len());
    for extent in shape {
        axes.push((*extent, stride, 0));
        stride = stride.saturating_mul(*extent);
    }
    axes.reverse();
    let mut from = 0;
    while let Some(element) = data.get(from..from + size).filter(|_| out.len() < data.len()) {
        out.extend_from_slice(element);
        for (extent, stride, position) in &mut axes {
            if *position + 1 < *extent {
                *position += 1;
                from += *stride;
                break;
            }
            from -= *position * *stride;
            *position = 0;
        }
    }
    out.into()
}

fn swapped(data: &[u8], size: usize) -> Bytes {
    let mut data = data.to_vec();
    data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    data.into()
}

/// Makes truth values 0 or 1: in NumPy every value but 0 is true.
pub(crate) fn normalized(mut bytes: TensorBytes) -> TensorBytes {
    if bytes.dtype == DType::Bool && bytes.data.iter().any(|byte| *byte > 1) {
        bytes.data = bytes.data.iter().map(|byte| u8::from(*byte != 0)).collect::<Vec<_>>().into();
    }
    bytes
}

fn strings(data: &[u8], size: usize, text: impl Fn(&[u8]) -> Option<String>) -> Result<Vec<String>> {
    let bad = |number: usize| Error::new(ErrorKind::Data, "not a text").at(format!("element {number}"));
    data.chunks_exact(size).enumerate().map(|(number, chars)| text(chars).ok_or_else(|| bad(number))).collect()
}

/// Decodes 4-byte characters, padded with zeros.
fn unicode(chars: &[u8], big_endian: bool) -> Option<String> {
    let (chars, _) = chars.as_chunks::<4>();
    let code = |four: &[u8; 4]| if big_endian { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
    let end = chars.iter().rposition(|four| code(four) != 0).map_or(0, |last| last + 1);
    chars.iter().take(end).map(|four| char::from_u32(code(four))).collect()
}

/// Decodes UTF-8 bytes, padded with zeros.
fn ascii(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    std::str::from_utf8(bytes.get(..end)?).ok().map(str::to_owned)
}
