//! The error of a kernel whose geometry or slices do not fit.

use std::fmt;

/// Why a kernel refuses to be made or run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A slice has another length than the geometry demands.
    Length {
        /// Which slice.
        what: &'static str,
        /// The length that the geometry demands.
        expected: usize,
        /// The length that the slice has.
        received: usize,
    },
    /// Numbers that describe no possible computation.
    Geometry {
        /// The rule that is broken.
        rule: &'static str,
    },
}

/// The result of making or running a kernel.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { what, expected, received } => {
                write!(f, "{what} has {received} elements, expected {expected}")
            }
            Self::Geometry { rule } => write!(f, "impossible geometry: {rule}"),
        }
    }
}

impl std::error::Error for Error {}

/// Checks that a slice has the length that the geometry demands.
pub(crate) fn check_length(what: &'static str, expected: usize, slice: &[f32]) -> Result<()> {
    match slice.len() {
        received if received == expected => Ok(()),
        received => Err(Error::Length { what, expected, received }),
    }
}

/// Checks a rule of a geometry.
pub(crate) fn check(holds: bool, rule: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Geometry { rule }) }
}

/// The product of extents, or an error where it overflows.
pub(crate) fn count(extents: &[usize]) -> Result<usize> {
    let product = extents.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
    // Offsets are computed in bytes, and signed, too.
    product
        .filter(|count| *count <= isize::MAX as usize / 16)
        .ok_or(Error::Geometry { rule: "the number of elements fits the address space" })
}
