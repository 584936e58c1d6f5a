//! Slicing as in Python: `x.slice(s![.., 0])` for `x[:, 0]`.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use super::graph_ops::get_item;
use super::shape::{self, Span};
use super::take::take_axis;
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{DType, Item, Nested, Shape, Tensor};

impl Tensor {
    /// Returns a part of the tensor, like Python's `x[…]`: the index is an integer, a range, or several of
    /// them in [`s!`](crate::s).
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3])?;
    /// assert_eq!(x.slice(-1)?.to_vec::<i32>()?, [3, 4, 5]); // x[-1]
    /// assert_eq!(x.slice(s![.., 0])?.to_vec::<i32>()?, [0, 3]); // x[:, 0]
    /// assert_eq!(x.slice(s![.., ..;-1])?.to_vec::<i32>()?, [2, 1, 0, 5, 4, 3]); // x[:, ::-1]
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there are more indices than axes, or one is out of range.
    pub fn slice(&self, index: impl Into<Nested<Item>>) -> Result<Tensor> {
        let index = match index.into() {
            // Keras takes a single range only in a tuple.
            leaf @ (Nested::Leaf(Item::Slice(..)) | Nested::None) => Nested::Tuple(vec![leaf]),
            index => index,
        };
        get_item(self, index)
    }
}

/// A new axis of extent 1 as an index in [`s!`](crate::s): Python's `None` or `np.newaxis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAxis;

impl From<NewAxis> for Nested<Item> {
    fn from(_: NewAxis) -> Self {
        Self::None
    }
}

impl From<&Tensor> for Nested<Item> {
    fn from(indices: &Tensor) -> Self {
        Self::Leaf(Item::Tensor(indices.clone()))
    }
}

/// A range of positions along an axis; negative ones count from its end.
pub trait AxisRange {
    /// Converts to Python's `slice(start, stop, step)`.
    fn with_step(self, step: Option<i64>) -> Item;
}

/// Converts a position; what is beyond any axis stays so.
fn position(position: impl TryInto<i64>) -> i64 {
    position.try_into().unwrap_or(i64::MAX)
}

/// Returns the position after the last one of an inclusive range; after -1 comes the end.
fn after(last: i64) -> Option<i64> {
    last.checked_add(1).filter(|stop| *stop != 0)
}

macro_rules! ranges {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Nested<Item> {
            fn from(index: $integer) -> Self {
                Self::Leaf(Item::Value(Value::from(position(index))))
            }
        }
        ranges! { $integer:
            Range<$integer> = |range| (Some(position(range.start)), Some(position(range.end)));
            RangeFrom<$integer> = |range| (Some(position(range.start)), None);
            RangeTo<$integer> = |range| (None, Some(position(range.end)));
            RangeInclusive<$integer> = |range| (Some(position(*range.start())), after(position(*range.end())));
            RangeToInclusive<$integer> = |range| (None, after(position(range.end)));
        }
    )*};
    ($integer:ty: $($range:ty = $bounds:expr;)*) => {$(
        impl AxisRange for $range {
            fn with_step(self, step: Option<i64>) -> Item {
                let bounds: fn($range) -> (Option<i64>, Option<i64>) = $bounds;
                let (start, stop) = bounds(self);
                Item::Slice(start, stop, step)
            }
        }

        impl From<$range> for Nested<Item> {
            fn from(range: $range) -> Self {
                Self::Leaf(range.with_step(None))
            }
        }
    )*};
}

ranges!(i32, i64, isize, usize);

impl AxisRange for RangeFull {
    fn with_step(self, step: Option<i64>) -> Item {
        Item::Slice(None, None, step)
    }
}

impl From<RangeFull> for Nested<Item> {
    fn from(range: RangeFull) -> Self {
        Self::Leaf(range.with_step(None))
    }
}

/// Builds the index of [`Tensor::slice`](crate::tensor::Tensor::slice) and
/// [`ops::get_item`](crate::ops::get_item) from integers, ranges, `range;step`, `...` (all axes between),
/// [`NewAxis`](crate::ops::NewAxis), and tensors of integers or booleans. Ranges are Python's: they count
/// from the end where negative, and end at the tensor's end.
///
/// | here | Python |
/// |---|---|
/// | `s![0]`, `s![.., -1]` | `x[0]`, `x[:, -1]` |
/// | `s![1..3, 2..]` | `x[1:3, 2:]` |
/// | `s![..-1, 1..;2]` | `x[:-1, 1::2]` |
/// | `s![..., 0]` | `x[..., 0]` |
/// | `s![.., NewAxis]` | `x[:, None]` |
/// | `s![&indices]` | `x[indices]` |
#[macro_export]
macro_rules! s {
    (@ [$($done:expr,)*]) => {{
        #[allow(clippy::reversed_empty_ranges, reason = "`1..-1` counts from both ends")]
        let index = $crate::tensor::Nested::<$crate::tensor::Item>::Tuple(::std::vec![$($done),*]);
        index
    }};
    (@ [$($done:expr,)*] ... $(, $($rest:tt)*)?) => {
        $crate::s!(@ [$($done,)* $crate::tensor::Nested::Leaf($crate::tensor::Item::Ellipsis),] $($($rest)*)?)
    };
    (@ [$($done:expr,)*] $range:expr ; $step:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [
            $($done,)*
            $crate::tensor::Nested::Leaf($crate::ops::AxisRange::with_step($range, Some($step))),
        ] $($($rest)*)?)
    };
    (@ [$($done:expr,)*] $index:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [
            $($done,)*
            $crate::tensor::Nested::<$crate::tensor::Item>::from($index),
        ] $($($rest)*)?)
    };
    ($($index:tt)*) => { $crate::s!(@ [] $($index)*) };
}

/// Indexes like Python's `x[key]`.
pub(super) fn index(x: &Tensor, key: &Nested<Item>) -> Result<Tensor> {
    let keys: Vec<&Nested<Item>> = match key {
        Nested::List(keys) | Nested::Tuple(keys) => keys.iter().collect(),
        key => vec![key],
    };
    let consumed = |key: &Nested<Item>| match key {
        Nested::None | Nested::Leaf(Item::Ellipsis) => 0,
        Nested::Leaf(Item::Tensor(mask) | Item::Array(mask)) if mask.dtype() == DType::Bool => mask.rank(),
        _ => 1,
    };
    let wrong = |error: Error| error.received(format!("the index {key:?} for shape {}", x.shape()));
    if keys.iter().map(|key| consumed(key)).sum::<usize>() > x.rank() {
        return Err(wrong(Error::new(ErrorKind::Shape, "too many indices")));
    }
    if keys.iter().filter(|key| matches!(key, Nested::Leaf(Item::Ellipsis))).count() > 1 {
        return Err(wrong(Error::new(ErrorKind::InvalidArgument, "a slice can have only one ellipsis")));
    }
    let mut x = x.clone();
    let mut axis = 0;
    for (position, key) in keys.iter().enumerate() {
        match key {
            Nested::None => {
                x = shape::expand_at(&x, axis)?;
                axis += 1;
            }
            Nested::Leaf(Item::Ellipsis) => {
                let rest: usize = keys.iter().skip(position).map(|key| consumed(key)).sum();
                axis = x.rank().saturating_sub(rest) as isize;
            }
            Nested::Leaf(Item::Slice(start, stop, step)) => {
                let bound = |bound: &Option<i64>| bound.map(|bound| bound as isize);
                let span = Span { start: bound(start), stop: bound(stop), step: bound(step).unwrap_or(1) };
                x = shape::slice_axis(&x, axis, span)?;
                axis += 1;
            }
            Nested::Leaf(Item::Value(position)) => x = shape::index_axis(&x, axis, isize::from_value(position)?)?,
            Nested::Leaf(Item::Tensor(mask) | Item::Array(mask)) if mask.dtype() == DType::Bool => {
                x = select_true(&x, mask, axis)?;
                axis += 1;
            }
            Nested::Leaf(Item::Tensor(indices) | Item::Array(indices)) => {
                x = take_axis(&x, indices, axis)?;
                axis += indices.rank() as isize;
            }
            other => {
                return Err(Error::new(ErrorKind::InvalidArgument, "wrong index")
                    .expected("an integer, a slice, `...`, a new axis, or a tensor of integers or booleans")
                    .received(format!("{other:?}")));
            }
        }
    }
    Ok(x)
}

/// Selects the slices where a mask over the axes from this one on is true.
fn select_true(x: &Tensor, mask: &Tensor, axis: isize) -> Result<Tensor> {
    let start = x.shape().axis(axis)?;
    let (before, rest) = x.shape().dims().split_at(start);
    let (masked, after) = rest.split_at_checked(mask.rank()).unwrap_or((rest, &[]));
    if mask.rank() == 0 || !mask.shape().is_compatible(&masked.to_vec().into()) {
        return Err(Error::new(ErrorKind::Shape, "the mask does not fit")
            .expected(format!("a mask of shape {}", Shape::from(masked.to_vec())))
            .received(format!("shape {}", mask.shape())));
    }
    let joined = |extent| before.iter().copied().chain([extent]).chain(after.iter().copied()).collect::<Shape>();
    program::infer_or_compute(&[x, mask], Tensor::symbol(joined(None), x.dtype()), || {
        let flags = mask.to_vec::<bool>()?;
        let places: Vec<i64> = (0i64..).zip(&flags).filter(|(_, flag)| **flag).map(|(place, _)| place).collect();
        let count = places.len();
        let x = shape::reshape_to(x, &joined(Some(flags.len())))?;
        take_axis(&x, &Tensor::from_vec(places, [count])?, start as isize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor {
        Tensor::from_vec((0..24).collect::<Vec<i32>>(), [2, 3, 4]).unwrap()
    }

    fn part(index: impl Into<Nested<Item>>) -> (String, Vec<i32>) {
        let part = x().slice(index).unwrap();
        (part.shape().to_string(), part.to_vec().unwrap())
    }

    #[test]
    fn slices_are_those_of_numpy() {
        // np.arange(24).reshape(2, 3, 4)[…]
        assert_eq!(part(s![.., 0, 1..;2]), ("(2, 2)".into(), vec![1, 3, 13, 15]));
        assert_eq!(part(s![0, ..., -1]), ("(3,)".into(), vec![3, 7, 11]));
        assert_eq!(part(s![-1, ..-2, 3..0;-1]), ("(1, 3)".into(), vec![15, 14, 13]));
        assert_eq!(part(s![1, NewAxis, 0..=1, 2..=-1]).1, [14, 15, 18, 19]);
        assert_eq!(part(s![..., NewAxis]).0, "(2, 3, 4, 1)");
        assert_eq!(part(1..).0, "(1, 3, 4)");
        assert_eq!(part(s![..., 5..]).0, "(2, 3, 0)");
        assert_eq!(part(s![0, &Tensor::from_slice(&[2, 0], [2]).unwrap(), 0]), ("(2,)".into(), vec![8, 0]));
    }

    #[test]
    fn booleans_select_where_they_are_true() {
        let which = Tensor::from_slice(&[true, false, true], [3]).unwrap();
        assert_eq!(part(s![1, &which, 0]), ("(2,)".into(), vec![12, 20]));
        let x = Tensor::from_slice(&[1, 2, 3, 4], [2, 2]).unwrap();
        assert_eq!(x.slice(&x.greater(1).unwrap()).unwrap().to_vec::<i32>().unwrap(), [2, 3, 4]);
        assert!(x.slice(&which).is_err());
    }

    #[test]
    fn wrong_indices_are_errors() {
        for (index, part) in
            [(s![2], "index out of range"), (s![0, 0, 0, 0], "too many indices"), (s![..., ...], "one ellipsis")]
        {
            let error = x().slice(index).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = x().slice(s![..;0]).unwrap_err().to_string();
        assert!(error.contains("can't be 0"), "{error}");
    }

    #[test]
    fn slices_of_symbols_are_recorded() {
        let x = Tensor::symbol([None, Some(3)], crate::tensor::DType::Float32);
        assert_eq!(x.slice(s![.., 1..]).unwrap().shape().to_string(), "(None, 2)");
        assert_eq!(x.slice(s![..5, 0]).unwrap().shape().to_string(), "(None,)");
        let node = x.slice(1..).unwrap().history().unwrap().node.clone();
        assert!(matches!(node.args.positional.get(1), Some(Nested::Tuple(_))));
    }
}
