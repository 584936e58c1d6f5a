//! Dtypes, by Keras's names.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, did_you_mean};

macro_rules! dtypes {
    ($($variant:ident $name:literal $size:literal $doc:literal;)*) => {
        /// The dtype of a tensor's elements; [`fmt::Display`] and [`FromStr`] use Keras's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DType {
            $(#[doc = $doc] $variant,)*
        }

        impl DType {
            /// All dtypes.
            pub const ALL: &'static [DType] = &[$(DType::$variant),*];

            /// Returns Keras's name: `float32`.
            pub const fn name(self) -> &'static str {
                match self { $(DType::$variant => $name),* }
            }

            /// Returns the bytes of one element; 0 for strings, which have no fixed size.
            pub const fn size(self) -> usize {
                match self { $(DType::$variant => $size),* }
            }
        }
    };
}

dtypes! {
    Float32 "float32" 4 "IEEE single precision, Keras's default.";
    Float64 "float64" 8 "IEEE double precision.";
    Float16 "float16" 2 "IEEE half precision.";
    BFloat16 "bfloat16" 2 "Brain floating point: single precision's exponent, 8 bits of mantissa.";
    Int8 "int8" 1 "Signed 8 bit.";
    Int16 "int16" 2 "Signed 16 bit.";
    Int32 "int32" 4 "Signed 32 bit.";
    Int64 "int64" 8 "Signed 64 bit.";
    UInt8 "uint8" 1 "Unsigned 8 bit.";
    UInt16 "uint16" 2 "Unsigned 16 bit.";
    UInt32 "uint32" 4 "Unsigned 32 bit.";
    UInt64 "uint64" 8 "Unsigned 64 bit.";
    Bool "bool" 1 "Truth values.";
    String "string" 0 "Unicode text, for look-up and text layers.";
}

impl DType {
    /// Returns true for floating-point dtypes.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::Float16 | DType::BFloat16 | DType::Float32 | DType::Float64)
    }

    /// Returns true for signed and unsigned integer dtypes.
    pub const fn is_int(self) -> bool {
        !self.is_float() && !matches!(self, DType::Bool | DType::String)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = || Self::ALL.iter().map(|dtype| dtype.name());
        Self::ALL.iter().copied().find(|dtype| dtype.name() == name).ok_or_else(|| {
            let error = Error::new(ErrorKind::DType, "unknown dtype")
                .expected(known().collect::<Vec<_>>().join(", "))
                .received(format!("{name:?}"));
            match did_you_mean(name, known()) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}
