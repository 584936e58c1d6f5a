//! What `fit` and its like accept as data.

use ndarray::{ArrayBase, Data as ArrayData, Dimension};

use super::{Batch, Dataset};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Element, Nested, Tensor};

/// Values that convert to a structure of tensors: tensors, lists of them, `ndarray` arrays.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tensor, and no structure of tensors",
    note = "a tensor or a reference to one, `vec![a, b]` for a list, `Nested::dict([(\"a\", a), (\"b\", b)])` by name, a reference to an `ndarray` array",
    note = "`Tensor::from_slice` and `Tensor::from_vec` make tensors of numbers"
)]
pub trait IntoTensors {
    /// Converts to tensors.
    ///
    /// # Errors
    /// When a tensor can't hold an array's elements.
    fn into_tensors(self) -> Result<Nested<Tensor>>;
}

impl IntoTensors for Tensor {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(Nested::Leaf(self))
    }
}

impl IntoTensors for &Tensor {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(Nested::Leaf(self.clone()))
    }
}

impl IntoTensors for Nested<Tensor> {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(self)
    }
}

impl IntoTensors for &Nested<Tensor> {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(self.clone())
    }
}

impl IntoTensors for Vec<Tensor> {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(Nested::list(self))
    }
}

impl<const N: usize> IntoTensors for [Tensor; N] {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(Nested::list(self))
    }
}

impl<const N: usize> IntoTensors for [&Tensor; N] {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Ok(Nested::list(self.into_iter().cloned()))
    }
}

impl<T: Element, S: ArrayData<Elem = T>, D: Dimension> IntoTensors for &ArrayBase<S, D> {
    fn into_tensors(self) -> Result<Nested<Tensor>> {
        Tensor::from_array(self).map(Nested::Leaf)
    }
}

/// The data of a run.
#[expect(clippy::large_enum_variant, reason = "one value a call, moved once")]
pub enum Data<'a> {
    /// Whole arrays.
    Arrays(Batch),
    /// Batches from a dataset.
    Dataset(Box<dyn Dataset + 'a>),
}

/// Data that `fit` and its like accept: `x`, `(x, y)` or `(x, y, sample_weight)` as arrays, or a
/// [`Dataset`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no data of a run",
    note = "data are inputs and targets in a tuple, `(&x, &y)`, with the weights of samples `(&x, &y, &weights)`, inputs alone `&x`, or a `Dataset`; `vec![a, b]` is a list of several inputs; `Tensor::from_slice` and `Tensor::from_vec` make tensors of numbers"
)]
pub trait IntoData<'a> {
    /// Converts to data of a run.
    ///
    /// # Errors
    /// When arrays are empty, or have different numbers of samples.
    fn into_data(self) -> Result<Data<'a>>;
}

#[diagnostic::do_not_recommend]
impl<'a, D: Dataset + 'a> IntoData<'a> for D {
    fn into_data(self) -> Result<Data<'a>> {
        Ok(Data::Dataset(Box::new(self)))
    }
}

impl<'a> IntoData<'a> for Data<'a> {
    fn into_data(self) -> Result<Data<'a>> {
        Ok(self)
    }
}

impl<'a> IntoData<'a> for Batch {
    fn into_data(self) -> Result<Data<'a>> {
        arrays(self.x, self.y, self.sample_weight)
    }
}

macro_rules! inputs_alone {
    ($([$($generics:tt)*] $type:ty),*) => {$(
        impl<'a, $($generics)*> IntoData<'a> for $type {
            fn into_data(self) -> Result<Data<'a>> {
                arrays(self.into_tensors()?, None, None)
            }
        }
    )*};
}

inputs_alone!([] Tensor, [] &Tensor, [] Nested<Tensor>, [] &Nested<Tensor>, [] Vec<Tensor>);

impl<'a, X: IntoTensors> IntoData<'a> for (X,) {
    fn into_data(self) -> Result<Data<'a>> {
        arrays(self.0.into_tensors().at("x")?, None, None)
    }
}

impl<'a, X: IntoTensors, Y: IntoTensors> IntoData<'a> for (X, Y) {
    fn into_data(self) -> Result<Data<'a>> {
        arrays(self.0.into_tensors().at("x")?, Some(self.1.into_tensors().at("y")?), None)
    }
}

impl<'a, X: IntoTensors, Y: IntoTensors, W: IntoTensors> IntoData<'a> for (X, Y, W) {
    fn into_data(self) -> Result<Data<'a>> {
        let weight = self.2.into_tensors().at("sample_weight")?;
        arrays(self.0.into_tensors().at("x")?, Some(self.1.into_tensors().at("y")?), Some(weight))
    }
}

/// Converts arrays as Keras does: floating-point ones to single precision.
fn arrays<'a>(x: Nested<Tensor>, y: Option<Nested<Tensor>>, sample_weight: Option<Nested<Tensor>>) -> Result<Data<'a>> {
    let single = |tensors: Nested<Tensor>, name: &'static str| {
        tensors
            .try_map(&mut |tensor| {
                if tensor.is_symbolic() {
                    return Err(Error::new(ErrorKind::InvalidArgument, "data must have values").received("a symbol"));
                }
                if tensor.dtype().is_float() { cast(tensor, DType::Float32) } else { Ok(tensor.clone()) }
            })
            .at(name)
    };
    let batch = Batch {
        x: single(x, "x")?,
        y: y.map(|y| single(y, "y")).transpose()?,
        sample_weight: sample_weight.map(|weight| single(weight, "sample_weight")).transpose()?,
    };
    samples(&batch)?;
    Ok(Data::Arrays(batch))
}

/// Returns all tensors of a batch, each with the name of its part.
pub(super) fn parts(batch: &Batch) -> impl Iterator<Item = (&'static str, &Tensor)> {
    let x = batch.x.leaves().into_iter().map(|tensor| ("x", tensor));
    let y = batch.y.iter().flat_map(Nested::leaves).map(|tensor| ("y", tensor));
    let weights = batch.sample_weight.iter().flat_map(Nested::leaves).map(|tensor| ("sample_weight", tensor));
    x.chain(y).chain(weights)
}

/// Returns the number of samples, which must be the same in all tensors and not zero.
///
/// # Errors
/// When the numbers differ or are zero.
pub(crate) fn samples(batch: &Batch) -> Result<usize> {
    let mut found: Option<usize> = None;
    for (part, tensor) in parts(batch) {
        let Some(Some(samples)) = tensor.shape().dims().first().copied() else {
            return Err(Error::new(ErrorKind::Shape, "the arrays of data must be at least rank 1")
                .received(format!("shape {}", tensor.shape()))
                .at(part));
        };
        if *found.get_or_insert(samples) != samples {
            let sizes: Vec<String> = parts(batch)
                .map(|(part, t)| {
                    format!("'{part}': {}", t.shape().dims().first().copied().flatten().unwrap_or_default())
                })
                .collect();
            return Err(Error::new(ErrorKind::Shape, "Data cardinality is ambiguous")
                .expected("the same number of samples in all arrays")
                .received(sizes.join(", ")));
        }
    }
    match found {
        Some(samples) if samples > 0 => Ok(samples),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "the data hold no samples").expected("at least one sample")),
    }
}

impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Data::Arrays(batch) => batch.fmt(f),
            Data::Dataset(_) => f.write_str("Dataset"),
        }
    }
}
