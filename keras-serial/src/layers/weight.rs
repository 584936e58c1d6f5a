//! Weights as fields of layers, and their creation.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, RwLock, RwLockWriteGuard};

use super::{BuildShapes, LayerBase, LayerRef};
use crate::config::{FieldVisitor, StateField, StateKind, unmarked};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::initializers::{GlorotUniform, Initializer, Zeros};
use crate::ops::create::filled;
use crate::random::Fork;
use crate::regularizers::Regularizer;
use crate::tensor::{DType, Deferred, Nested, Shape, Tensor};
use crate::utils::{RwLocked, scope_path};
use crate::variable::{Autocast, Variable, VariableOptions};

/// A weight of a layer: empty until the layer is built.
///
/// ```ignore
/// #[keras(weight)]
/// kernel: Weight,
/// ```
#[derive(Default)]
pub struct Weight {
    name: OnceLock<String>,
    variable: RwLock<Option<Variable>>,
    /// Whether the layer's `build` has run without creating the weight.
    left_out: AtomicBool,
}

impl Weight {
    pub(super) fn set_name(&self, name: &str) {
        self.name.get_or_init(|| name.to_owned());
    }

    /// Returns the name of the field.
    pub fn name(&self) -> &str {
        self.name.get().map_or("weight", String::as_str)
    }

    /// Returns the variable, if the weight was created.
    pub fn variable(&self) -> Option<Variable> {
        self.variable.read_locked().clone()
    }

    fn cell(&self) -> RwLockWriteGuard<'_, Option<Variable>> {
        self.variable.write_locked()
    }

    /// Returns the value.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuilt`] before the weight is created.
    pub fn value(&self) -> Result<Tensor> {
        self.get()?.value()
    }

    /// Returns the stored value: without gradient tracking and in its own dtype.
    pub(crate) fn plain(&self) -> Result<Tensor> {
        Ok(self.get()?.read())
    }

    /// Gathers rows at integer indices (`keras.ops.take(weight, indices, axis=0)`). See [`Variable::rows`]
    /// for their gradients.
    ///
    /// # Errors
    /// Before the weight is created, and if an index is out of range.
    pub fn rows(&self, indices: &Tensor) -> Result<Tensor> {
        self.get()?.rows(indices)
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// Before the weight is created, and if the shape differs.
    pub fn assign(&self, value: &Tensor) -> Result<()> {
        self.get()?.assign(value)
    }

    fn get(&self) -> Result<Variable> {
        self.variable().ok_or_else(|| {
            let name = self.name();
            if self.left_out.load(Ordering::Relaxed) {
                return Error::new(ErrorKind::NotBuilt, format!("`build` has run and made no weight `{name}`")).hint(
                    format!("make it in `build`: `self.{name}.create(cx, shape, …)`; `variable()` is `None` where it may be left out"),
                );
            }
            let which = if self.name.get().is_some() { format!("the weight `{name}`") } else { "the weight".to_owned() };
            Error::new(ErrorKind::NotBuilt, format!("{which} is not made yet"))
                .hint("call the layer, or build it with an input shape, first")
        })
    }

    /// Creates the weight; `None` means Glorot's initializer, and no regularizer.
    ///
    /// # Errors
    /// If it exists already, the shape is not known, or the initializer fails.
    pub fn create(
        &self,
        cx: &mut BuildContext<'_>,
        shape: impl Into<Shape>,
        initializer: Option<&Initializer>,
        regularizer: Option<&Regularizer>,
    ) -> Result<()> {
        self.make(cx, shape).initializer(initializer).regularizer(regularizer).create()
    }

    /// Creates the weight with more options; finish with [`WeightMaker::create`].
    pub fn make<'a, 'c>(&'a self, cx: &'a mut BuildContext<'c>, shape: impl Into<Shape>) -> WeightMaker<'a, 'c> {
        WeightMaker {
            weight: self,
            cx,
            shape: shape.into(),
            initializer: None,
            regularizer: None,
            constraint: None,
            trainable: true,
            saved: true,
            autocast: true,
            dtype: None,
        }
    }

    /// Shares a weight of an inner layer, which then also belongs to the outer layer.
    ///
    /// # Errors
    /// If there is a weight already.
    pub fn share(&self, cx: &mut BuildContext<'_>, variable: &Variable) -> Result<()> {
        self.set(cx.base, variable.clone())
    }

    /// Records that the layer's `build` has run.
    pub(super) fn after_build(&self) {
        self.left_out.store(self.variable().is_none(), Ordering::Relaxed);
    }

    /// Clears the weight if it is one of these variables, and forgets that the layer was built.
    pub(super) fn clear(&self, variables: &HashSet<u64>) {
        self.left_out.store(false, Ordering::Relaxed);
        let mut cell = self.cell();
        if cell.as_ref().is_some_and(|variable| variables.contains(&variable.id())) {
            *cell = None;
        }
    }

    fn set(&self, base: &LayerBase, variable: Variable) -> Result<()> {
        let (mut cell, mut known) = (self.cell(), base.variables());
        // A variable that the layer does not know is left over from a failed build and is replaced.
        if cell.as_ref().is_some_and(|own| known.iter().any(|known| known.id() == own.id())) {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("the weight `{}` is made twice", self.name()))
                .hint(
                    "call `create` once for each field; `BuildContext::take` removes a weight that is to be replaced",
                ));
        }
        known.push(variable.clone());
        *cell = Some(variable);
        Ok(())
    }
}

unmarked!(Weight, MarkedWeight);

impl StateField for Weight {
    const KIND: StateKind = StateKind::Weight;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}

impl fmt::Debug for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable() {
            Some(variable) => variable.fmt(f),
            None => f.write_str("<unbuilt weight>"),
        }
    }
}

/// Options for creating a weight (`Layer.add_weight`).
#[must_use = "the weight is made by `create`"]
pub struct WeightMaker<'a, 'c> {
    weight: &'a Weight,
    cx: &'a mut BuildContext<'c>,
    shape: Shape,
    initializer: Option<&'a Initializer>,
    regularizer: Option<&'a Regularizer>,
    constraint: Option<&'a Constraint>,
    trainable: bool,
    saved: bool,
    autocast: bool,
    dtype: Option<DType>,
}

impl<'a> WeightMaker<'a, '_> {
    /// Sets the initializer; by default Glorot's for floating-point weights, and zeros for others.
    pub fn initializer(mut self, initializer: impl Optional<'a, Initializer>) -> Self {
        self.initializer = initializer.optional();
        self
    }

    /// Sets the regularizer; none by default.
    pub fn regularizer(mut self, regularizer: impl Optional<'a, Regularizer>) -> Self {
        self.regularizer = regularizer.optional();
        self
    }

    /// Sets the constraint, which is applied after each training step; none by default.
    pub fn constraint(mut self, constraint: impl Optional<'a, Constraint>) -> Self {
        self.constraint = constraint.optional();
        self
    }

    /// Sets whether training updates the weight; true by default.
    pub fn trainable(mut self, trainable: bool) -> Self {
        self.trainable = trainable;
        self
    }

    /// Sets whether the weight is saved; true by default.
    pub fn saved(mut self, saved: bool) -> Self {
        self.saved = saved;
        self
    }

    /// Sets whether the weight is cast to the layer's compute dtype within calls (autocast); true by default.
    pub fn autocast(mut self, autocast: bool) -> Self {
        self.autocast = autocast;
        self
    }

    /// Sets the dtype; the layer's variable dtype by default.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// Creates the weight.
    ///
    /// # Errors
    /// If it exists already, the shape is not known, or the initializer fails.
    pub fn create(self) -> Result<()> {
        let name = self.weight.name().to_owned();
        let dtype = match self.dtype {
            Some(dtype) => dtype,
            None => self.cx.base.dtype_policy().variable_dtype()?,
        };
        let size = self.shape.num_elements().and_then(|count| count.checked_mul(dtype.size()));
        if size.is_none_or(|size| size > isize::MAX as usize / 2) {
            let hint = "a weight has no axis of rows: make its shape of single extents, such as `input.last()?`";
            self.shape.known().map_err(|error| error.hint(hint)).at_with(|| name.clone())?;
            return Err(Error::new(ErrorKind::Limit, "the weight is too large")
                .received(format!("shape {}", self.shape))
                .at(name));
        }
        let options = VariableOptions {
            path: scope_path(&name),
            name: name.clone(),
            trainable: self.trainable,
            saved: self.saved,
            autocast: self.autocast,
            regularizer: self.regularizer.cloned(),
            constraint: self.constraint.cloned(),
        };
        let initializer = match self.initializer {
            Some(initializer) => initializer.clone(),
            None if dtype.is_float() => Initializer::new(GlorotUniform::new()),
            None => Initializer::new(Zeros),
        };
        let shape = self.shape;
        let variable = if Deferred::is_active() && self.saved {
            Variable::new(filled(&shape, 0.0, dtype).at_with(|| name)?, options)
        } else if initializer.is_lazy(&shape, dtype).at_with(|| name.clone())? {
            let (drawn, fork) = (shape.clone(), Fork::of_thread());
            Variable::lazy(&shape, dtype, move || fork.run(|| initializer.init(&drawn, dtype)), options)
        } else {
            Variable::new(initializer.init(&shape, dtype).at_with(|| name)?, options)
        };
        variable.set_trainable(self.trainable && self.cx.base.is_trainable());
        self.weight.set(self.cx.base, variable)
    }
}

/// An optional argument: a value, or a reference to an `Option`.
pub trait Optional<'a, T> {
    /// Returns the value, if there is one.
    fn optional(self) -> Option<&'a T>;
}

impl<'a, T> Optional<'a, T> for &'a T {
    fn optional(self) -> Option<&'a T> {
        Some(self)
    }
}

impl<'a, T> Optional<'a, T> for &'a Option<T> {
    fn optional(self) -> Option<&'a T> {
        self.as_ref()
    }
}

impl<'a, T> Optional<'a, T> for Option<&'a T> {
    fn optional(self) -> Option<&'a T> {
        self
    }
}

/// The context in which a layer is built.
pub struct BuildContext<'a> {
    pub(super) base: &'a LayerBase,
    pub(super) shapes: &'a BuildShapes,
}

impl BuildContext<'_> {
    /// Returns the shapes of the first input: several for layers that merge.
    pub fn input_shapes(&self) -> Nested<Shape> {
        self.shapes.values().next().cloned().unwrap_or(Nested::None)
    }

    /// Returns the shape of an input by the name of its argument: `value_shape`.
    pub fn shape(&self, name: &str) -> Option<&Shape> {
        match self.shapes.get(name) {
            Some(Nested::Leaf(shape)) => Some(shape),
            _ => None,
        }
    }

    /// Returns the compute dtype of the layer.
    ///
    /// # Errors
    /// If the layer's dtype policy is not known.
    pub fn compute_dtype(&self) -> Result<DType> {
        self.base.dtype_policy().compute_dtype()
    }

    /// Removes a weight from the layer, so that it can be created again, for example when the layer is
    /// [quantized](super::Quantizable::quantize).
    ///
    /// # Errors
    /// [`ErrorKind::NotBuilt`] before the weight is created.
    pub fn take(&mut self, weight: &Weight) -> Result<Variable> {
        let taken = weight.get()?;
        self.base.variables().retain(|variable| variable.id() != taken.id());
        *weight.cell() = None;
        Ok(taken)
    }

    /// Builds a layer inside this one.
    ///
    /// # Errors
    /// Errors of the inner layer.
    pub fn build_layer(&mut self, layer: &LayerRef, input: &Shape) -> Result<()> {
        let _plain = Autocast::enter(None);
        layer.build(input)
    }
}
