//! `Tensor`: values, strings, or a symbol.

use std::any::Any;
use std::sync::{Arc, Mutex};

use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_backend::{AllocationProperty, Bytes, TensorMetadata};

use super::engine::{self, Engine, Raw};
use super::rows::Rows;
use super::symbolic::History;
use super::{DType, Element, Shape, TensorBytes};
use crate::error::{Error, ErrorKind, Result};
use crate::utils::Locked;

/// A tensor of numbers, booleans or strings, or a symbol.
///
/// A symbol has a shape (whose extents can be unknown) and a dtype but no values. Calling a layer or an
/// operation on it records the call, and models consist of recorded calls. Clones share the values.
///
/// ```
/// use keras_serial::tensor::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// assert_eq!(x.shape().to_string(), "(2, 2)");
/// assert_eq!(x.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    dtype: DType,
    repr: Repr,
    mask: MaskCell,
    pub(super) rows: Option<Arc<Rows>>,
}

/// The mask of a tensor (Keras's `_keras_mask`), shared by its clones: in Keras it is an attribute of the
/// tensor object, so that a layer can remove it from its input for all holders.
#[derive(Clone, Default)]
struct MaskCell(Arc<Mutex<Option<Arc<Tensor>>>>);

impl MaskCell {
    fn new(mask: Option<Tensor>) -> Self {
        Self(Arc::new(Mutex::new(mask.map(Arc::new))))
    }
}

#[derive(Clone)]
enum Repr {
    Value(Raw),
    Text(Arc<[String]>),
    Symbol(Option<History>),
    /// A value that a program will compute; what it comes from is the program's.
    Traced(Arc<dyn Any + Send + Sync>),
}

impl Tensor {
    /// Constructs a tensor from its elements in row-major order.
    ///
    /// # Errors
    /// If the number of elements does not fit the shape.
    pub fn from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Result<Self> {
        Self::from_vec(elements.to_vec(), shape)
    }

    /// Constructs a tensor like [`Tensor::from_slice`], without a copy.
    ///
    /// # Errors
    /// If the number of elements does not fit the shape.
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into().known()?;
        check_count(elements.len(), &shape)?;
        Self::from_burn_bytes(T::into_bytes(elements), &shape, T::DTYPE)
    }

    /// Constructs a scalar.
    pub fn scalar<T: Element>(value: T) -> Result<Self> {
        Self::from_vec(vec![value], Shape::scalar())
    }

    /// Constructs a tensor of strings.
    ///
    /// # Errors
    /// If the number of strings does not fit the shape.
    pub fn from_strings<S: Into<String>>(
        strings: impl IntoIterator<Item = S>,
        shape: impl Into<Shape>,
    ) -> Result<Self> {
        let text: Arc<[String]> = strings.into_iter().map(Into::into).collect();
        let shape = shape.into();
        check_count(text.len(), &shape.known()?)?;
        Ok(Self { shape, dtype: DType::String, repr: Repr::Text(text), mask: MaskCell::default(), rows: None })
    }

    /// Constructs a tensor from plain bytes; shares them without a copy if they are aligned for their dtype.
    ///
    /// # Errors
    /// If the number of bytes does not fit the shape, or the dtype is string.
    pub fn from_bytes(tensor: &TensorBytes) -> Result<Self> {
        let size = tensor.dtype.size().max(1);
        // The engine reads the bytes as elements, which must be aligned.
        let bytes = if (tensor.data.as_ptr() as usize).is_multiple_of(size) {
            Bytes::from_shared(tensor.data.clone(), AllocationProperty::File)
        } else {
            Bytes::from_bytes_vec(tensor.data.to_vec())
        };
        Self::from_burn_bytes(bytes, &tensor.shape, tensor.dtype)
    }

    fn from_burn_bytes(bytes: Bytes, shape: &[usize], dtype: DType) -> Result<Self> {
        let data = engine::data(bytes, shape, dtype)?;
        let device = engine::device();
        let raw = match dtype {
            DType::Bool => Engine::bool_from_data(data, &device),
            dtype if dtype.is_float() => Engine::float_from_data(data, &device),
            _ => Engine::int_from_data(data, &device),
        };
        Ok(Self { shape: shape.into(), dtype, repr: Repr::Value(raw), mask: MaskCell::default(), rows: None })
    }

    /// Creates a symbol of this shape and dtype.
    pub fn symbol(shape: impl Into<Shape>, dtype: DType) -> Self {
        Self { shape: shape.into(), dtype, repr: Repr::Symbol(None), mask: MaskCell::default(), rows: None }
    }

    /// Creates the tensor of a value that a program will compute.
    pub(crate) fn traced(shape: Shape, dtype: DType, source: Arc<dyn Any + Send + Sync>) -> Self {
        Self { shape, dtype, repr: Repr::Traced(source), mask: MaskCell::default(), rows: None }
    }

    /// Returns what a traced tensor comes from.
    pub(crate) fn as_traced(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        match &self.repr {
            Repr::Traced(source) => Some(source),
            _ => None,
        }
    }

    /// Returns true if the tensor is traced: a program will compute its values.
    pub(crate) fn is_traced(&self) -> bool {
        matches!(self.repr, Repr::Traced(_))
    }

    /// Returns the symbol of a recorded output, which shares the mask of this description.
    pub(crate) fn recorded(&self, history: History) -> Self {
        Self { repr: Repr::Symbol(Some(history)), ..self.clone() }
    }

    pub(crate) fn from_raw(raw: Raw, dtype: DType) -> Self {
        let shape = Shape::from(raw.shape().as_slice());
        Self { shape, dtype, repr: Repr::Value(raw), mask: MaskCell::default(), rows: None }
    }

    /// Returns the shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Returns the number of axes.
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// Returns the dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Returns true if the tensor is a symbol, without values.
    pub fn is_symbolic(&self) -> bool {
        matches!(self.repr, Repr::Symbol(_))
    }

    /// Returns the call that produced this symbol.
    pub fn history(&self) -> Option<&History> {
        match &self.repr {
            Repr::Symbol(history) => history.as_ref(),
            _ => None,
        }
    }

    /// Returns the mask: which steps of a sequence are not padding (`_keras_mask`).
    pub fn mask(&self) -> Option<Tensor> {
        self.mask.0.locked().as_deref().cloned()
    }

    /// Replaces the mask of this tensor and of all its clones, in place (`set_keras_mask`).
    ///
    /// Clones are the same tensor, like two names of an object in Python; the result of an operation is a
    /// different one.
    ///
    /// ```
    /// use keras_serial::tensor::Tensor;
    /// let mask = Tensor::from_slice(&[true, false], [1, 2])?;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?.with_mask(Some(mask));
    /// let (same, other) = (x.clone(), x.clone().with_mask(x.mask()));
    /// x.set_mask(None);
    /// assert!(same.mask().is_none() && other.mask().is_some());
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn set_mask(&self, mask: Option<Tensor>) {
        *self.mask.0.locked() = mask.map(Arc::new);
    }

    /// Returns another tensor of the same values, with this mask.
    #[must_use]
    pub fn with_mask(mut self, mask: Option<Tensor>) -> Self {
        self.mask = MaskCell::new(mask);
        self
    }

    /// Returns another tensor of the same values, without a mask: the result of an operation that changes
    /// nothing.
    #[must_use]
    pub(crate) fn unmasked(&self) -> Self {
        self.clone().with_mask(None)
    }

    /// Returns true if both are clones of the same tensor.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mask.0, &other.mask.0)
    }

    /// Returns the strings.
    ///
    /// # Errors
    /// If the elements are not strings.
    pub fn strings(&self) -> Result<&[String]> {
        match &self.repr {
            Repr::Text(text) => Ok(text),
            Repr::Traced(_) if self.dtype == DType::String => Err(self.looked_at()),
            _ => Err(self.wrong("a tensor of strings")),
        }
    }

    /// Returns the engine's tensor.
    ///
    /// # Errors
    /// For a symbol or strings.
    pub(crate) fn raw(&self) -> Result<Raw> {
        match &self.repr {
            Repr::Value(raw) => Ok(raw.clone()),
            Repr::Traced(_) => Err(self.looked_at()),
            _ => Err(self.wrong("a tensor with numbers")),
        }
    }

    /// Returns the error for a look at the values of a traced tensor.
    fn looked_at(&self) -> Error {
        let what = "the computation looks at values, which are not known while a program is traced";
        Error::new(ErrorKind::Unsupported, what).received(format!("{self:?}"))
    }

    fn wrong(&self, expected: &'static str) -> Error {
        if self.is_symbolic() {
            return Error::new(ErrorKind::InvalidArgument, "a symbol has no values")
                .expected(expected)
                .received(self.outline())
                .hint(
                    "a layer's `call` and the functions that it calls run on symbols too, whenever a model is built or \
                     loaded: compute with operators and `ops`, which take both; where the values themselves are \
                     needed, return `Tensor::symbol(shape, dtype)` of the output if `is_symbolic()`",
                );
        }
        Error::new(ErrorKind::DType, "wrong dtype").expected(expected).received(self.outline())
    }

    /// Returns the elements in row-major order as plain bytes; shares them without a copy if they are
    /// contiguous.
    ///
    /// # Errors
    /// For a symbol or strings.
    pub fn to_bytes(&self) -> Result<TensorBytes> {
        let raw = super::grad::detached(self.raw()?);
        let (shape, dtype) = (self.shape.known()?, self.dtype);
        if let Some(data) = engine::shared_bytes(&raw) {
            return Ok(TensorBytes { dtype, shape, data });
        }
        let data = match dtype {
            DType::Bool => burn_backend::read_sync(Engine::bool_into_data(raw)),
            dtype if dtype.is_float() => burn_backend::read_sync(Engine::float_into_data(raw)),
            _ => burn_backend::read_sync(Engine::int_into_data(raw)),
        };
        let data =
            data.map_err(|error| Error::new(ErrorKind::Engine, format!("reading a tensor failed: {error:?}")))?;
        let data = bytes::Bytes::from_owner(Owned(data.into_bytes()));
        Ok(TensorBytes { dtype, shape, data })
    }

    /// Returns the elements in row-major order.
    ///
    /// # Errors
    /// If they are not of type `T`, or for a symbol or strings.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if self.dtype != T::DTYPE && !self.is_symbolic() {
            return Err(Error::new(ErrorKind::DType, "wrong element type")
                .expected(self.dtype.name())
                .received(T::DTYPE.name())
                .hint("`ops::cast_to` converts a tensor to another dtype"));
        }
        T::from_bytes(&self.to_bytes()?.data)
    }

    /// Passes the elements in row-major order to `look`, without a copy if the engine holds them
    /// contiguously.
    ///
    /// # Errors
    /// If they are not of type `T`, or for a symbol or strings.
    pub(crate) fn with_elements<T: Element, Out>(&self, look: impl FnOnce(&[T]) -> Out) -> Result<Out> {
        match self.elements() {
            Some(elements) => Ok(look(elements)),
            None => Ok(look(&self.to_vec()?)),
        }
    }

    /// Returns the elements where they lie, if they are of type `T`, in row-major order, and on the CPU.
    pub(crate) fn elements<T: Element>(&self) -> Option<&[T]> {
        match &self.repr {
            Repr::Value(raw) if self.dtype == T::DTYPE => engine::flex(raw).and_then(T::slice),
            _ => None,
        }
    }

    /// Returns the tensor with its elements in row-major order in memory, if it is of `float32` and tracks no
    /// gradients; others as they are.
    pub(crate) fn contiguous(&self) -> Result<Self> {
        if self.dtype != DType::Float32 || self.is_tracked() || self.elements::<f32>().is_some() {
            return Ok(self.clone());
        }
        Self::from_vec(self.to_vec::<f32>()?, &self.shape)
    }

    /// Returns the elements in row-major order, mutably; copies them first if they are shared.
    ///
    /// # Errors
    /// If they are not of type `T`, or not on the CPU.
    pub(crate) fn elements_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        if self.own_elements::<T>().is_none() {
            *self = Self::from_vec(self.to_vec::<T>()?, self.shape.clone())?.with_mask(self.mask());
        }
        let expected = T::DTYPE.name();
        self.own_elements()
            .ok_or_else(|| Error::new(ErrorKind::Engine, "the elements are out of reach").expected(expected))
    }

    fn own_elements<T: Element>(&mut self) -> Option<&mut [T]> {
        match &mut self.repr {
            Repr::Value(raw) if self.dtype == T::DTYPE => T::slice_mut(engine::flex_mut(raw)?),
            _ => None,
        }
    }

    /// Returns the only element.
    ///
    /// # Errors
    /// If there are none or several, or they are not of type `T`.
    pub fn item<T: Element>(&self) -> Result<T> {
        match self.to_vec::<T>()?.as_slice() {
            [item] => Ok(*item),
            items => Err(Error::new(ErrorKind::Shape, "wrong number of elements")
                .expected("one")
                .received(items.len().to_string())),
        }
    }
}

/// Keeps the engine's buffer alive for shared bytes.
struct Owned(Bytes);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn check_count(count: usize, shape: &[usize]) -> Result<()> {
    if Shape::from(shape).num_elements() == Some(count) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Shape, "the number of elements is not the shape's")
            .expected(format!("{} elements for the shape {}", shape.iter().product::<usize>(), Shape::from(shape)))
            .received(format!("{count} elements")))
    }
}
