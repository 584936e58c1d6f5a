//! Variables: values with a name and a path, and gradient tapes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockWriteGuard};

use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::ops::scatter::sum_of_rows;
use crate::ops::shape::{concat, reshape_to};
use crate::ops::take::counted;
use crate::ops::{add, matmul, multiply, take, zeros_like};
use crate::program;
use crate::regularizers::Regularizer;
use crate::tensor::{DType, Deferred, Gradients, Rows, Shape, Tensor};
use crate::utils::{Locked, RwLocked};

/// A weight of a layer, or a state of an optimizer or metric; clones share the value.
#[derive(Clone)]
pub struct Variable(Arc<Inner>);

struct Inner {
    id: u64,
    name: String,
    path: String,
    dtype: DType,
    shape: Shape,
    /// Whether it was created as trainable; Keras lists those first.
    made_trainable: bool,
    trainable: AtomicBool,
    /// Whether it is saved.
    saved: bool,
    /// Whether it is cast to a layer's compute dtype.
    autocast: bool,
    value: RwLock<Tensor>,
    /// Makes the value when it is first read; until then a symbol stands in its place.
    pending: Mutex<Option<Draw>>,
    /// Whether there is a `pending`, for a look without a lock.
    is_pending: AtomicBool,
    /// How often the value was opened for writing.
    writes: Arc<AtomicU64>,
    regularizer: Option<Regularizer>,
    constraint: Option<Constraint>,
    low_rank: OnceLock<LowRank>,
}

/// Makes the first value of a variable.
type Draw = Box<dyn FnOnce() -> Result<Tensor> + Send>;

/// The low-rank update of a frozen weight: `scale · a · b`.
struct LowRank {
    a: Variable,
    b: Variable,
    scale: f64,
}

/// The options for creating a variable.
pub(crate) struct VariableOptions {
    pub name: String,
    pub path: String,
    pub trainable: bool,
    pub saved: bool,
    pub autocast: bool,
    pub regularizer: Option<Regularizer>,
    pub constraint: Option<Constraint>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Variable {
    pub(crate) fn new(value: Tensor, options: VariableOptions) -> Self {
        Self(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: options.name,
            path: options.path,
            dtype: value.dtype(),
            shape: value.shape().clone(),
            made_trainable: options.trainable,
            trainable: AtomicBool::new(options.trainable),
            saved: options.saved,
            autocast: options.autocast,
            writes: Arc::default(),
            value: RwLock::new(value),
            pending: Mutex::default(),
            is_pending: AtomicBool::new(false),
            regularizer: options.regularizer,
            constraint: options.constraint,
            low_rank: OnceLock::new(),
        }))
    }

    /// Creates a variable whose value is made when it is first read.
    pub(crate) fn lazy(
        shape: &Shape,
        dtype: DType,
        draw: impl FnOnce() -> Result<Tensor> + Send + 'static,
        options: VariableOptions,
    ) -> Self {
        let variable = Self::new(Tensor::symbol(shape, dtype), options);
        *variable.pending() = Some(Box::new(draw));
        variable.0.is_pending.store(true, Ordering::Release);
        variable
    }

    fn pending(&self) -> MutexGuard<'_, Option<Draw>> {
        self.0.pending.locked()
    }

    /// Makes the value, if that has not been done.
    fn draw(&self) {
        if !self.0.is_pending.load(Ordering::Acquire) {
            return;
        }
        // Others wait until the value is there.
        let mut pending = self.pending();
        if let Some(draw) = pending.take() {
            // What can be refused was checked before; if it fails all the same, the symbol stays, with which
            // nothing can be computed.
            if let Ok(value) = draw() {
                *self.0.value.write_locked() = value;
            }
            self.0.is_pending.store(false, Ordering::Release);
        }
    }

    /// Creates a variable outside of layers (`keras.Variable`): trainable, without regularizer and
    /// constraint.
    pub fn with_value(name: impl Into<String>, value: Tensor) -> Self {
        let name = name.into();
        let path = name.clone();
        Self::new(
            value,
            VariableOptions {
                name,
                path,
                trainable: true,
                saved: true,
                autocast: true,
                regularizer: None,
                constraint: None,
            },
        )
    }

    /// Returns a number that is unique in the process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Returns the name within its layer: `kernel`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the path, with the names of the layers around it: `sequential/dense/kernel`.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns the dtype.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// Returns the shape.
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// Returns true if training updates it.
    pub fn is_trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Returns true if it was created as trainable, whether or not it is frozen now.
    pub(crate) fn was_made_trainable(&self) -> bool {
        self.0.made_trainable
    }

    /// Returns true if it is saved.
    pub fn is_saved(&self) -> bool {
        self.0.saved
    }

    /// Sets whether training updates it.
    pub fn set_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable, Ordering::Relaxed);
    }

    /// Returns its regularizer.
    pub fn regularizer(&self) -> Option<&Regularizer> {
        self.0.regularizer.as_ref()
    }

    /// Returns its constraint, which is applied after each training step.
    pub fn constraint(&self) -> Option<&Constraint> {
        self.0.constraint.as_ref()
    }

    /// Returns the value: watched under a [`GradientTape`], and cast to the layer's compute dtype within a
    /// call.
    ///
    /// # Errors
    /// If the engine can't cast it.
    pub fn value(&self) -> Result<Tensor> {
        if Deferred::keeps_out(&self.0.shape) {
            let dtype = AUTOCAST.get().filter(|_| self.0.autocast && self.0.dtype.is_float());
            return Ok(Tensor::symbol(&self.0.shape, dtype.unwrap_or(self.0.dtype)));
        }
        if let Some(weight) = program::traced_weight(self.0.id, &self.0.path, || self.read()) {
            return self.autocast(weight);
        }
        let value = self.on_tape(|tape| tape.watch(self))?.unwrap_or_else(|| self.read());
        self.autocast(value)
    }

    /// Gathers rows at integer indices (`keras.ops.take(variable, indices, axis=0)`), watched and cast like
    /// [`Variable::value`].
    ///
    /// If the variable is used in no other way, its gradient keeps the contribution of each lookup, like
    /// TensorFlow's `IndexedSlices`: optimizers then square, and `clipvalue`, `clipnorm` and
    /// `global_clipnorm` measure, the lookups rather than their sums.
    ///
    /// # Errors
    /// If an index is out of range.
    pub fn rows(&self, indices: &Tensor) -> Result<Tensor> {
        if indices.is_traced() || Deferred::keeps_out(&self.0.shape) {
            return take(&self.value()?, indices, Some(0));
        }
        match program::unless_symbolic(&[indices], || self.on_tape(|tape| tape.look_up(self, indices)))? {
            Some(Some(rows)) => self.autocast(rows),
            Some(None) => self.autocast(take(&self.read(), indices, Some(0))?),
            None => take(&self.value()?, indices, Some(0)),
        }
    }

    /// Asks the innermost tape, if it watches this variable.
    fn on_tape<T>(&self, ask: impl FnOnce(&mut Tape) -> Result<T>) -> Result<Option<T>> {
        TAPES.with_borrow_mut(|tapes| match tapes.last_mut() {
            Some(tape) if self.is_trainable() && self.0.dtype.is_float() => ask(tape).map(Some),
            _ => Ok(None),
        })
    }

    fn autocast(&self, value: Tensor) -> Result<Tensor> {
        match AUTOCAST.get() {
            Some(dtype) if self.0.autocast && value.dtype().is_float() => cast(&value, dtype),
            _ => Ok(value),
        }
    }

    /// Returns the stored value.
    pub fn read(&self) -> Tensor {
        self.draw();
        program::note_read(&self.0.writes);
        self.0.value.read_locked().clone()
    }

    /// Locks the stored value for changes in place; shape and dtype must stay the same.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Tensor> {
        program::spoil("a weight changes");
        self.draw();
        let value = self.0.value.write_locked();
        // Counted under the lock, so that no value of before is taken for one of after.
        self.0.writes.fetch_add(1, Ordering::Release);
        value
    }

    /// Sets the low-rank update `scale · a · b`: files hold the sum of value and update.
    pub(crate) fn set_low_rank(&self, a: Variable, b: Variable, scale: f64) {
        // A layer that is built again has the same update.
        let _ = self.0.low_rank.set(LowRank { a, b, scale });
    }

    /// Returns the value that is saved.
    ///
    /// # Errors
    /// If the engine can't add the low-rank update.
    pub(crate) fn value_in_files(&self) -> Result<Tensor> {
        // For a quantized weight, the layer itself merges the update, as the scales change too.
        let low_rank = self.0.low_rank.get().filter(|_| self.0.dtype.is_float());
        let Some(LowRank { a, b, scale }) = low_rank else { return Ok(self.read()) };
        let update = multiply(&matmul(&a.read(), &b.read())?, *scale)?;
        cast(&add(self.read(), &update)?, self.0.dtype)
    }

    /// Replaces the value by one from a file, which includes the low-rank update; resets the update to zero.
    ///
    /// # Errors
    /// If the shape differs; the old value is then kept.
    pub(crate) fn assign_from_file(&self, value: &Tensor) -> Result<()> {
        self.assign(value)?;
        match self.0.low_rank.get() {
            Some(LowRank { b, .. }) => b.assign(&zeros_like(&b.read())?),
            None => Ok(()),
        }
    }

    /// Replaces the value; the new one is cast to the variable's dtype.
    ///
    /// # Errors
    /// If the shape differs; the old value is then kept.
    pub fn assign(&self, value: &Tensor) -> Result<()> {
        if value.shape() != &self.0.shape {
            return Err(Error::new(ErrorKind::Shape, "the shape of the value is not the variable's")
                .expected(format!("shape {}", self.0.shape))
                .received(format!("shape {}", value.shape()))
                .at(self.0.path.clone()));
        }
        program::refuse_while_tracing("a weight changes")?;
        let value = cast(&value.detached()?, self.0.dtype)?;
        // What would be drawn is replaced at once.
        if self.0.is_pending.load(Ordering::Acquire) && self.pending().take().is_some() {
            self.0.is_pending.store(false, Ordering::Release);
        }
        *self.write() = value;
        Ok(())
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Variable path={}, shape={}, dtype={}>", self.0.path, self.0.shape, self.0.dtype)
    }
}

thread_local! {
    static TAPES: RefCell<Vec<Tape>> = const { RefCell::new(Vec::new()) };
    static AUTOCAST: Cell<Option<DType>> = const { Cell::new(None) };
}

#[derive(Default)]
struct Tape {
    watched: HashMap<u64, Tensor>,
    lookups: HashMap<u64, Vec<Lookup>>,
}

/// A lookup of rows, watched separately from the whole variable.
struct Lookup {
    indices: Vec<i64>,
    rows: Tensor,
}

/// Returns true if a gradient tape is recording on this thread.
pub(crate) fn is_recorded() -> bool {
    TAPES.with_borrow(|tapes| !tapes.is_empty())
}

impl Tape {
    fn watch(&mut self, variable: &Variable) -> Result<Tensor> {
        if let Some(tensor) = self.watched.get(&variable.id()) {
            return Ok(tensor.clone());
        }
        let tensor = variable.read().watched()?;
        self.watched.insert(variable.id(), tensor.clone());
        Ok(tensor)
    }

    fn look_up(&mut self, variable: &Variable, indices: &Tensor) -> Result<Tensor> {
        let table = variable.read();
        let rows = take(&table, indices, Some(0))?.watched()?;
        let indices = counted(indices, table.shape().dim(0)?)?.to_vec()?;
        self.lookups.entry(variable.id()).or_default().push(Lookup { indices, rows: rows.clone() });
        Ok(rows)
    }

    fn gradient(&self, variable: &Variable, gradients: &Gradients) -> Result<Option<Tensor>> {
        let whole = self.watched.get(&variable.id()).and_then(|watched| gradients.get(watched));
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for lookup in self.lookups.get(&variable.id()).into_iter().flatten() {
            let Some(gradient) = gradients.get(&lookup.rows) else { continue };
            let shape = variable.shape().with(0, Some(lookup.indices.len()))?;
            values.push(reshape_to(&gradient, &shape)?);
            indices.extend_from_slice(&lookup.indices);
        }
        if values.is_empty() {
            return Ok(whole);
        }
        let rows = Rows { indices: indices.into(), values: concat(&values, 0)? };
        let sum = sum_of_rows(&rows, variable.shape())?;
        match whole {
            Some(whole) => add(whole, sum).map(Some),
            None => Ok(Some(sum.with_rows(rows))),
        }
    }
}

/// A gradient tape: while it lives, computations of this thread with trainable variables are recorded
/// (`tf.GradientTape`).
#[must_use = "nothing is followed after the tape is dropped"]
pub struct GradientTape {
    depth: usize,
    /// Makes the tape `!Send`: it belongs to the thread that started it.
    _thread: std::marker::PhantomData<*const ()>,
}

impl GradientTape {
    /// Starts to record.
    pub fn new() -> Self {
        let depth = TAPES.with_borrow_mut(|tapes| {
            tapes.push(Tape::default());
            tapes.len()
        });
        Self { depth, _thread: std::marker::PhantomData }
    }

    /// Returns the gradients of a scalar with respect to each variable, then to each watched tensor; `None`
    /// if it does not depend on it. Ends the tape.
    ///
    /// # Errors
    /// If `loss` is not one number that depends on something watched.
    #[expect(clippy::type_complexity, reason = "one list for variables, one for tensors")]
    pub fn gradient(
        self,
        loss: &Tensor,
        variables: &[Variable],
        tensors: &[Tensor],
    ) -> Result<(Vec<Option<Tensor>>, Vec<Option<Tensor>>)> {
        let gradients = loss.backward()?;
        let of_variables: Result<_> = TAPES.with_borrow(|tapes| {
            let tape = self.depth.checked_sub(1).and_then(|i| tapes.get(i));
            variables.iter().map(|variable| tape.map_or(Ok(None), |tape| tape.gradient(variable, &gradients))).collect()
        });
        Ok((of_variables?, tensors.iter().map(|tensor| gradients.get(tensor)).collect()))
    }
}

impl Default for GradientTape {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for GradientTape {
    fn drop(&mut self) {
        TAPES.with_borrow_mut(|tapes| tapes.truncate(self.depth.saturating_sub(1)));
    }
}

/// A guard: while it lives, variables are cast to a layer's compute dtype.
pub(crate) struct Autocast(Option<DType>);

impl Autocast {
    pub(crate) fn enter(dtype: Option<DType>) -> Self {
        Self(AUTOCAST.replace(dtype))
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        AUTOCAST.set(self.0);
    }
}
