//! The data of one feature, in batches, from which its preprocessing layer learns.

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::ops::shape::{Span, concat, expand_at, reshape_to, slice_axis};
use crate::tensor::{Nested, Shape, Tensor};

/// How many samples that come one by one make a batch, as in Keras: what is learned can depend on it.
const BATCH: usize = 32;

/// Batches of a feature, of at least two axes, from a dict of tensors or from a list of dicts.
///
/// A dict is a series of samples, one for each entry of the first axis; each dict of a list is a batch, or
/// one sample if its tensors have no axes.
pub(super) fn batches(data: &Nested<Tensor>, name: &str) -> Result<Vec<Tensor>> {
    let batches = match data {
        Nested::Dict(_) => of_samples(tensor(data, name)?),
        Nested::List(items) | Nested::Tuple(items) if !items.is_empty() => {
            let elements = items.iter().enumerate().map(|(i, item)| tensor(item, name).at_with(|| format!("[{i}]")));
            let elements = elements.collect::<Result<Vec<_>>>()?;
            match elements.first().map(|first| first.rank()) {
                Some(0) => elements.chunks(BATCH).map(join).collect(),
                _ => Ok(elements.into_iter().cloned().collect()),
            }
        }
        other => Err(Error::new(
            ErrorKind::InvalidArgument,
            "`adapt()` can only be called on a dict of tensors, or on a list of dicts, which are its batches",
        )
        .received(format!("{other:?}"))),
    };
    batches?.into_iter().map(|batch| if batch.rank() == 1 { expand_at(&batch, -1) } else { Ok(batch) }).collect()
}

/// The tensor of a feature in a dict.
fn tensor<'a>(data: &'a Nested<Tensor>, name: &str) -> Result<&'a Tensor> {
    match data {
        Nested::Dict(items) => super::leaf(items.get(name), name, items.keys()),
        other => Err(Error::new(ErrorKind::InvalidArgument, "a batch is a dict of tensors, one for each feature")
            .received(format!("{other:?}"))),
    }
}

/// The samples of a tensor: scalars in batches, others one by one.
fn of_samples(x: &Tensor) -> Result<Vec<Tensor>> {
    let dims = x.shape().known()?;
    let Some((count, rest)) = dims.split_first() else {
        return Err(Error::new(ErrorKind::Shape, "a dict of data holds samples along the first axis")
            .expected("tensors of one axis or more")
            .received("a scalar"));
    };
    let step = if rest.is_empty() { BATCH } else { 1 };
    let starts = (0..*count).step_by(step);
    starts
        .map(|start| {
            let batch = slice_axis(x, 0, Span::range(start, (start + step).min(*count)))?;
            if rest.is_empty() { Ok(batch) } else { reshape_to(&batch, &Shape::from(rest.to_vec())) }
        })
        .collect()
}

/// One tensor of scalars.
fn join(scalars: &[&Tensor]) -> Result<Tensor> {
    let scalars = scalars.iter().map(|scalar| reshape_to(scalar, &Shape::from([1])));
    concat(&scalars.collect::<Result<Vec<_>>>()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(data: &Nested<Tensor>) -> Vec<String> {
        batches(data, "x").unwrap().iter().map(|batch| batch.shape().to_string()).collect()
    }

    #[test]
    fn samples_come_in_batches_of_32() {
        let numbers = Tensor::from_vec((0..40).collect::<Vec<i32>>(), [40]).unwrap();
        assert_eq!(shapes(&Nested::dict([("x", numbers)])), ["(32, 1)", "(8, 1)"]);
        let text = Tensor::from_strings(["a", "b", "c", "d"], [2, 2]).unwrap();
        let data = Nested::dict([("x", text)]);
        assert_eq!(shapes(&data), ["(2, 1)", "(2, 1)"]);
        assert_eq!(batches(&data, "x").unwrap()[1].strings().unwrap(), ["c", "d"]);
        let scalars =
            ["a", "b"].map(|text| Nested::dict([("x", Tensor::from_strings([text], Shape::scalar()).unwrap())]));
        assert_eq!(shapes(&Nested::List(scalars.to_vec())), ["(2, 1)"]);
        let batch = |n: usize| Nested::dict([("x", Tensor::from_vec(vec![0.0f32; n], [n]).unwrap())]);
        assert_eq!(shapes(&Nested::List(vec![batch(4), batch(3)])), ["(4, 1)", "(3, 1)"]);
    }

    #[test]
    fn other_data_are_refused() {
        let scalar = Tensor::scalar(1.0f32).unwrap();
        assert!(batches(&Nested::Leaf(scalar.clone()), "x").unwrap_err().to_string().contains("on a dict of tensors"));
        assert!(batches(&Nested::dict([("x", scalar.clone())]), "x").unwrap_err().to_string().contains("a scalar"));
        let error = batches(&Nested::dict([("y", scalar)]), "x").unwrap_err().to_string();
        assert!(error.contains("feature `x`") && error.contains("Received: the keys y"), "{error}");
    }
}
