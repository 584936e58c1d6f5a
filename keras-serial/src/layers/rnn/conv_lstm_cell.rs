//! The cell of convolutional LSTMs.

use std::sync::Mutex;

use super::cell::{self, CellRun, RnnCell};
use super::dropout::{Factors, Rate, below_one, dropped_product};
use super::forget_bias::forget_bias;
use super::lstm_cell::gates;
use crate::KerasSerializable;
use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Dims, Layer, LayerBase, Signature, Weight, invalid_argument};
use crate::ops;
use crate::ops::conv::{self, DataFormat, Padding};
use crate::ops::shape::reshape_to;
use crate::random::{Seed, SeedGenerator};
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::utils::Locked;

/// The cell of [`ConvLSTM1D`](super::ConvLSTM1D) to [`ConvLSTM3D`](super::ConvLSTM3D): an LSTM cell that
/// convolves inputs and states. As in Keras, it is not registered.
#[derive(KerasSerializable, Debug)]
#[keras(new, validate = Self::check)]
pub struct ConvLSTMCell<const RANK: usize> {
    pub(super) base: LayerBase,
    pub(super) filters: usize,
    pub(super) kernel_size: Dims<RANK>,
    #[keras(default = 1.into())]
    pub(super) strides: Dims<RANK>,
    #[keras(default)]
    pub(super) padding: Padding,
    #[keras(default)]
    pub(super) data_format: DataFormat,
    #[keras(default = 1.into())]
    pub(super) dilation_rate: Dims<RANK>,
    #[keras(default = "tanh".into())]
    pub(super) activation: Activation,
    #[keras(default = "sigmoid".into())]
    pub(super) recurrent_activation: Activation,
    #[keras(default = true)]
    pub(super) use_bias: bool,
    #[keras(default = Some("glorot_uniform".into()))]
    pub(super) kernel_initializer: Option<Initializer>,
    #[keras(default = Some("orthogonal".into()))]
    pub(super) recurrent_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    pub(super) bias_initializer: Option<Initializer>,
    #[keras(default = true)]
    pub(super) unit_forget_bias: bool,
    #[keras(default)]
    pub(super) kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) recurrent_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) bias_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(super) kernel_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) recurrent_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) bias_constraint: Option<Constraint>,
    #[keras(default)]
    pub(super) dropout: Rate,
    #[keras(default)]
    pub(super) recurrent_dropout: Rate,
    #[keras(default)]
    pub(super) seed: Seed,
    #[keras(weight)]
    pub(super) kernel: Weight,
    #[keras(weight)]
    pub(super) recurrent_kernel: Weight,
    #[keras(weight)]
    pub(super) bias: Weight,
    #[keras(seed_generator)]
    pub(super) generator: SeedGenerator,
    /// The input shape of one step.
    #[keras(skip)]
    pub(super) input: Mutex<Option<Shape>>,
}

impl<const RANK: usize> ConvLSTMCell<RANK> {
    pub(super) fn check(&self) -> Result<()> {
        if self.filters == 0 {
            return Err(invalid_argument("filters", "a positive integer", self.filters));
        }
        if self.padding == Padding::Causal {
            return Err(invalid_argument("padding", "\"valid\" or \"same\"", "causal"));
        }
        if self.strides.0.iter().any(|s| *s > 1) && self.dilation_rate.0.iter().any(|d| *d > 1) {
            let received = format!("{:?}", self.dilation_rate.0);
            return Err(invalid_argument("dilation_rate", "1, as `strides` are more than 1", received));
        }
        Ok(())
    }

    fn axis(&self) -> isize {
        self.data_format.channel_axis()
    }

    fn input_conv(&self, x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        conv::conv(x, kernel, &self.strides.0, self.padding, self.data_format, &self.dilation_rate.0, 1)
    }

    fn recurrent_conv(&self, h: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        conv::conv(h, kernel, &[1; RANK], Padding::Same, self.data_format, &[1; RANK], 1)
    }
}

impl<const RANK: usize> RnnCell for ConvLSTMCell<RANK> {
    fn state_size(&self) -> Nested<usize> {
        Nested::list([self.filters, self.filters])
    }

    fn get_initial_state(&self, batch: Option<usize>, dtype: DType) -> Result<Nested<Tensor>> {
        let input = self.input.locked().clone();
        let input = input.ok_or_else(|| Error::new(ErrorKind::NotBuilt, "the cell is not built yet"))?;
        let step = Tensor::symbol(input.with(0, None)?, dtype);
        let kernel = self.recurrent_kernel.value()?;
        let channels = input.dim(self.axis())?;
        let dims = kernel.shape().known()?;
        let dims = dims.iter().take(RANK).copied().chain([channels, self.filters]).map(Some);
        let output = self.input_conv(&step, &Tensor::symbol(dims.collect::<Shape>(), dtype))?;
        let state = cell::zeros(&output.shape().with(0, batch)?, dtype)?;
        Ok(Nested::list([state.clone(), state]))
    }

    fn start<'a>(&'a self, cx: &CallContext) -> Result<Option<Box<dyn CellRun + 'a>>> {
        let factors = |rate| Factors::new(&self.generator, &self.seed, below_one(rate), (4, RANK + 2), cx);
        Ok(Some(Box::new(Run {
            cell: self,
            kernel: self.kernel.value()?,
            recurrent_kernel: self.recurrent_kernel.value()?,
            bias: self.use_bias.then(|| self.bias.value()).transpose()?,
            dropout: factors(self.dropout),
            recurrent_dropout: factors(self.recurrent_dropout),
        })))
    }
}

struct Run<'a, const RANK: usize> {
    cell: &'a ConvLSTMCell<RANK>,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Option<Tensor>,
    dropout: Factors<'a>,
    recurrent_dropout: Factors<'a>,
}

impl<const RANK: usize> Run<'_, RANK> {
    /// Convolves the inputs of one step, or of many at once by joining steps and batch.
    fn convolve(&self, x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        let &[steps, batch, ..] = x.shape().dims() else { return self.cell.input_conv(x, kernel) };
        if x.rank() != RANK + 3 {
            return self.cell.input_conv(x, kernel);
        }
        let inner = |t: &Tensor, skip| t.shape().dims().iter().skip(skip).copied().collect::<Vec<_>>();
        let joined = steps.zip(batch).map(|(steps, batch)| steps * batch);
        let flat = reshape_to(x, &[joined].into_iter().chain(inner(x, 2)).collect())?;
        let y = self.cell.input_conv(&flat, kernel)?;
        reshape_to(&y, &[steps, batch].into_iter().chain(inner(&y, 1)).collect())
    }
}

impl<const RANK: usize> CellRun for Run<'_, RANK> {
    fn project(&self, inputs: &Tensor) -> Result<Tensor> {
        let x = ops::cast_to(inputs, self.kernel.dtype())?;
        // Counted from the end, because inputs of many steps have more leading axes.
        let axis = if self.cell.axis() == 1 { -(RANK as isize) - 1 } else { -1 };
        let y = dropped_product(&x, &self.kernel, self.dropout.of(&x)?, axis, |x, kernel| self.convolve(x, kernel))?;
        self.bias.as_ref().map_or(Ok(y.clone()), |bias| {
            let channels = bias.shape().dim(0)?;
            let ones = if axis == -1 { 0 } else { RANK };
            let shape = std::iter::once(Some(channels)).chain(std::iter::repeat_n(Some(1), ones)).collect();
            ops::add(&y, reshape_to(bias, &shape)?)
        })
    }

    fn step(&self, projected: &Tensor, states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let [h, c] = states else { return Err(cell::wrong_states(2, states.len())) };
        let (axis, factors) = (self.cell.axis(), self.recurrent_dropout.of(h)?);
        let product = |h: &Tensor, kernel: &Tensor| self.cell.recurrent_conv(h, kernel);
        let inner = dropped_product(h, &self.recurrent_kernel, factors, axis, product)?;
        let sums = ops::add(projected, inner)?;
        gates(&sums, c, axis, &self.cell.activation, &self.cell.recurrent_activation)
    }
}

impl<const RANK: usize> Layer for ConvLSTMCell<RANK> {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let channels = input.dim(self.axis())?;
        if input.dims().iter().skip(1).any(Option::is_none) {
            return Err(Error::new(
                ErrorKind::Shape,
                "ConvLSTM layers only support static input shapes for the spatial dimension",
            )
            .expected("known extents")
            .received(format!("input_shape={input}")));
        }
        let kernel = |inputs| {
            self.kernel_size.0.iter().copied().chain([inputs, self.filters.saturating_mul(4)]).collect::<Vec<_>>()
        };
        let bias = forget_bias(&self.bias_initializer, self.unit_forget_bias, self.filters);
        make_recurrent_weights!(self, cx,
            kernel: kernel(channels), recurrent: kernel(self.filters), bias: [self.filters.saturating_mul(4)], &bias);
        *self.input.locked() = Some(input.clone());
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        cell::call(self, inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "states", "training"])
    }

    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        Some(self)
    }
}
