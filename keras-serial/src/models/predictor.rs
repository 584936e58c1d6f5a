//! Predictors: frozen snapshots of models, for servers.

use std::time::Duration;

use keras_serial_kernels::{Context, Level, Pool};

use super::Model;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::inference::Plan;
use crate::program::Spec;
use crate::tensor::{Nested, Shape, Tensor};

/// A frozen snapshot of a model that predicts: compiled for some shapes of inputs, with weights of its own, which
/// training the model later does not change.
///
/// A predictor is `Send + Sync`, and threads share it: each prediction has its own memory, which is kept for the
/// next one. [`Predictor::predict_into`] writes to the caller's buffers and, once warm, allocates nothing.
///
/// ```
/// use keras_serial::{models::Predictor, prelude::*};
/// let model = Sequential::new([Input::new([2]).layer(), Dense::new(1).kernel_initializer("ones").into()])?;
/// let predictor = Predictor::options().batch_sizes([1, 4]).threads(1).build(&model)?;
/// let mut y = [0.0f32; 1];
/// predictor.predict_into(&[&[2.0, 3.0]], &mut [&mut y])?;
/// assert_eq!(y, [5.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor {
    plans: Vec<Plan>,
    /// Threads of its own; those of the process without.
    pool: Option<Pool>,
    level: Level,
}

/// The options of a [`Predictor`].
///
/// # Arguments
/// - `batch_sizes`: the numbers of rows to prepare; 1 by default. For models whose other extents are known.
/// - `shapes`: whole shapes of the inputs to prepare, one for each input.
/// - `threads`: how many threads share the work of a prediction, the calling one among them; those of the process,
///   one for each processor, by default.
/// - `memory_limit`: the bytes that a prediction may need beside weights, inputs and outputs; 16 GiB by default.
/// - `spin`: how long an idle thread waits for work before it sleeps; 200 microseconds by default. For `threads`.
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the predictor"]
pub struct PredictorOptions {
    batch_sizes: Vec<usize>,
    shapes: Vec<Vec<Shape>>,
    threads: Option<usize>,
    spin: Option<Duration>,
    memory_limit: Option<usize>,
}

impl PredictorOptions {
    /// Sets `batch_sizes`.
    pub fn batch_sizes(mut self, sizes: impl IntoIterator<Item = usize>) -> Self {
        self.batch_sizes = sizes.into_iter().collect();
        self
    }

    /// Adds whole shapes of the inputs, one for each input.
    pub fn shapes(mut self, shapes: impl IntoIterator<Item = impl Into<Shape>>) -> Self {
        self.shapes.push(shapes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets `threads`.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets `memory_limit`.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Sets `spin`.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.spin = Some(spin);
        self
    }

    /// Compiles the model for all shapes.
    ///
    /// # Errors
    /// If the model can't be traced, a prediction needs more memory than the limit, or an input has unknown extents beside the batch and no `shapes` are given.
    pub fn build(self, model: &Model) -> Result<Predictor> {
        let mut shapes = self.shapes;
        let default = if shapes.is_empty() { &[1][..] } else { &[] };
        let sizes = if self.batch_sizes.is_empty() { default } else { self.batch_sizes.as_slice() };
        for size in sizes {
            shapes.push(of_batch(model, *size)?);
        }
        let compile = |shapes: &Vec<Shape>| {
            let program = model.program(shapes)?;
            let plan = match self.memory_limit {
                Some(limit) => Plan::compile_within(&program, limit),
                None => Plan::compile(&program),
            };
            plan.at_with(|| model.name().to_owned())
        };
        let plans = shapes.iter().map(compile).collect::<Result<_>>()?;
        let pool = match (self.threads, self.spin) {
            (None, None) => None,
            (threads, spin) => {
                let threads = threads.unwrap_or_else(|| Pool::global().threads());
                Some(spin.map_or_else(|| Pool::new(threads), |spin| Pool::with_spin(threads, spin)))
            }
        };
        Ok(Predictor { plans, pool, level: Level::detect() })
    }
}

/// Returns the shapes of a model's inputs with so many rows.
fn of_batch(model: &Model, rows: usize) -> Result<Vec<Shape>> {
    let unknown = || {
        Error::new(ErrorKind::Shape, "the shapes of the inputs are not known")
            .hint("give them with `PredictorOptions::shapes`")
            .at(model.name().to_owned())
    };
    let inputs = model.inputs().ok_or_else(unknown)?;
    let shape = |input: &&Tensor| -> Option<Shape> {
        let dims = input.shape().dims().iter().enumerate();
        dims.map(|(axis, extent)| extent.or((axis == 0).then_some(rows)).map(Some)).collect()
    };
    inputs.leaves().iter().map(|input| shape(input).ok_or_else(unknown)).collect()
}

impl Predictor {
    /// Returns the options, to build a predictor with them.
    pub fn options() -> PredictorOptions {
        PredictorOptions::default()
    }

    /// Compiles a model for one row, on the threads of the process.
    ///
    /// # Errors
    /// As for [`PredictorOptions::build`].
    pub fn new(model: &Model) -> Result<Self> {
        Self::options().build(model)
    }

    /// Returns the plans, one for the shapes of inputs that were prepared.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Runs all plans once on zeros, so that the memory of later predictions is there.
    ///
    /// # Errors
    /// If a model with zeros can't be computed.
    pub fn warm_up(&self) -> Result<()> {
        for plan in &self.plans {
            let zeros = |spec: &Spec| crate::ops::zeros(&spec.shape, spec.dtype);
            plan.run_with(&self.context(), &plan.inputs().iter().map(zeros).collect::<Result<Vec<_>>>()?)?;
        }
        Ok(())
    }

    /// Predicts for inputs of shapes that were prepared.
    ///
    /// # Errors
    /// If other shapes or dtypes were prepared.
    pub fn predict(&self, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let found: Vec<Spec> = inputs.iter().map(Spec::of).collect();
        let plan = self.plan(|plan| plan.inputs() == found, || listed(&found))?;
        plan.run_with(&self.context(), inputs)
    }

    /// Predicts for inputs of `float32`, given and written as elements in row-major order; their numbers say which
    /// of the prepared shapes they have.
    ///
    /// # Errors
    /// If no prepared shapes have so many elements, or an input or output is of another dtype. Then nothing is
    /// written.
    pub fn predict_into(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<()> {
        let fits = |plan: &Plan| {
            let pairs = || plan.inputs().iter().zip(inputs);
            let fit = |(spec, input): (&Spec, &&[f32])| spec.shape.num_elements() == Some(input.len());
            plan.inputs().len() == inputs.len() && pairs().all(fit)
        };
        let received = || {
            let lengths: Vec<String> = inputs.iter().map(|input| input.len().to_string()).collect();
            format!("{} elements", lengths.join(", "))
        };
        self.plan(fits, received)?.run_into(&self.context(), inputs, outputs)
    }

    fn plan(&self, fits: impl Fn(&Plan) -> bool, received: impl FnOnce() -> String) -> Result<&Plan> {
        self.plans.iter().find(|plan| fits(plan)).ok_or_else(|| {
            let prepared: Vec<String> = self.plans.iter().map(|plan| listed(plan.inputs())).collect();
            Error::new(ErrorKind::Shape, "the predictor was not prepared for these inputs")
                .expected(prepared.join("; or "))
                .received(received())
                .hint("prepare more with `PredictorOptions::batch_sizes` or `shapes`")
        })
    }

    fn context(&self) -> Context<'_> {
        Context { pool: self.pool.as_ref().unwrap_or_else(|| Pool::global()), level: self.level }
    }
}

fn listed(specs: &[Spec]) -> String {
    specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
