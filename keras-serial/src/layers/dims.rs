//! Arguments that are one number for all axes, or one for each.

use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A number for each of `N` axes. Serialized as a list; deserialized also from a single number. Zeros are an
/// error unless `ZEROS` is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims<const N: usize, const ZEROS: bool = false>(pub [usize; N]);

impl<const N: usize, const ZEROS: bool> From<usize> for Dims<N, ZEROS> {
    fn from(all: usize) -> Self {
        Self([all; N])
    }
}

impl<const N: usize, const ZEROS: bool> From<[usize; N]> for Dims<N, ZEROS> {
    fn from(each: [usize; N]) -> Self {
        Self(each)
    }
}

impl<const N: usize, const ZEROS: bool> ConfigField for Dims<N, ZEROS> {
    fn to_value(&self) -> Result<Value> {
        Ok(Value::from(self.0.to_vec()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let dims = match value {
            Value::List(_) => Self(<[usize; N]>::from_value(value)?),
            Value::Int(_) | Value::Float(_) => Self::from(usize::from_value(value)?),
            _ => return Err(wrong_type("an integer or a list of integers", value)),
        };
        if !ZEROS && dims.0.contains(&0) {
            return Err(Error::new(ErrorKind::Config, "invalid value")
                .expected("positive integers")
                .received(value.short()));
        }
        Ok(dims)
    }
}

/// The padding or cropping before and after each of `N` axes: one number for all, one for each axis, or a
/// pair for each. Serialized as pairs; as a single pair for one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edges<const N: usize>(pub [(usize, usize); N]);

impl<const N: usize> From<usize> for Edges<N> {
    fn from(all: usize) -> Self {
        Self([(all, all); N])
    }
}

impl<const N: usize> From<[usize; N]> for Edges<N> {
    fn from(each: [usize; N]) -> Self {
        Self(each.map(|edge| (edge, edge)))
    }
}

impl<const N: usize> From<[(usize, usize); N]> for Edges<N> {
    fn from(pairs: [(usize, usize); N]) -> Self {
        Self(pairs)
    }
}

impl From<(usize, usize)> for Edges<1> {
    fn from(pair: (usize, usize)) -> Self {
        Self([pair])
    }
}

impl<const N: usize> ConfigField for Edges<N> {
    fn to_value(&self) -> Result<Value> {
        let pair = |(before, after): (usize, usize)| Value::from(vec![before, after]);
        Ok(match self.0.as_slice() {
            [one] => pair(*one),
            pairs => Value::List(pairs.iter().copied().map(pair).collect()),
        })
    }

    fn from_value(value: &Value) -> Result<Self> {
        let pair = |value: &Value| match value {
            Value::List(_) => <(usize, usize)>::from_value(value),
            value => usize::from_value(value).map(|both| (both, both)),
        };
        match value {
            Value::List(_) if N == 1 => Ok(Self([pair(value)?; N])),
            Value::List(items) => {
                let pairs = items.iter().map(pair).collect::<Result<Vec<_>>>()?;
                <[(usize, usize); N]>::try_from(pairs).map(Self).map_err(|pairs| {
                    Error::new(ErrorKind::Config, format!("the list should have {N} elements"))
                        .expected(format!("{N} numbers, or {N} pairs of numbers"))
                        .received(format!("{} elements", pairs.len()))
                })
            }
            Value::Int(_) | Value::Float(_) => Ok(Self([pair(value)?; N])),
            _ => Err(wrong_type("an integer, or a list of integers or pairs", value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::value;

    #[test]
    fn edges_read_every_form_of_keras() {
        let two = |value| Edges::<2>::from_value(&value);
        assert_eq!(two(value!(1)).unwrap(), 1.into());
        assert_eq!(two(value!([1, 2])).unwrap(), [1, 2].into());
        let pairs = two(value!([[1, 2], [3, 4]])).unwrap();
        assert_eq!(pairs, [(1, 2), (3, 4)].into());
        assert_eq!(pairs.to_value().unwrap(), value!([[1, 2], [3, 4]]));
        assert!(two(value!([1])).is_err() && two(value!(-1)).is_err() && two(value!("1")).is_err());
        assert_eq!(Edges::<1>::from_value(&value!([1, 2])).unwrap(), (1, 2).into());
        assert_eq!(Edges::<1>::from(2).to_value().unwrap(), value!([2, 2]));
        assert!(Dims::<2>::from_value(&value!([0, 1])).is_err());
        assert_eq!(Dims::<2, true>::from_value(&value!([0, 1])).unwrap(), [0, 1].into());
    }
}
