//! Dense layer: `activation(x · kernel + bias)`.

use super::lora;
use crate::activations::Activation;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::dtype_policies::Quantization;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{
    BuildContext, InputSpec, KernelLayout, Layer, LayerBase, LayerTraits, OwnState, Quantizable, QuantizationConfig,
    QuantizedWeights, Weight, invalid_argument,
};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// A densely connected layer: `activation(x · kernel + bias)`.
///
/// # Arguments
/// - `units`: the number of outputs.
/// - `activation`: `linear` by default.
/// - `use_bias`: true by default.
/// - `kernel_initializer`, `bias_initializer`: `glorot_uniform` and `zeros` by default.
/// - `kernel_regularizer`, `bias_regularizer`, `activity_regularizer`, `kernel_constraint`,
///   `bias_constraint`: none by default.
///
/// # Shapes
/// `(batch, …, inputs)` gives `(batch, …, units)`.
///
/// Follows <https://keras.io/api/layers/core_layers/dense>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3])?;
/// let y = Dense::new(2).kernel_initializer("ones").bias_initializer("ones").apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [7.0, 7.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check, get_config = Self::write)]
pub struct Dense {
    base: LayerBase,
    units: usize,
    #[keras(default)]
    activation: Activation,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    bias_regularizer: Option<Regularizer>,
    #[keras(default)]
    kernel_constraint: Option<Constraint>,
    #[keras(default)]
    bias_constraint: Option<Constraint>,
    #[keras(default, no_setter)]
    quantization_config: QuantizationConfig,
    /// The rank of the kernel's low-rank update (LoRA), if there is one.
    #[keras(default, skip_if = Option::is_none)]
    lora_rank: Option<usize>,
    #[keras(default, skip_if = Option::is_none)]
    lora_alpha: Option<Value>,
    #[keras(weight)]
    kernel: Weight,
    #[keras(weight)]
    bias: Weight,
    #[keras(weight)]
    lora_kernel_a: Weight,
    #[keras(weight)]
    lora_kernel_b: Weight,
    #[keras(skip)]
    quantized: QuantizedWeights,
}

impl Dense {
    fn write(&self, config: &mut Config) -> Result<()> {
        lora::write(self.lora_rank, config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        lora::check(self.lora_rank, self.kernel_constraint.is_some(), "kernel_constraint")?;
        match self.units {
            0 => Err(invalid_argument("units", "a positive integer", self.units)),
            _ => Ok(()),
        }
    }

    /// Returns how a kernel with this number of inputs is quantized.
    fn layout(&self, inputs: usize) -> KernelLayout {
        let scale_shape = Shape::from([self.units]);
        KernelLayout { summed: vec![0], order: None, extents: (inputs, self.units), scale_shape }
    }

    /// Returns the kernel.
    pub fn kernel(&self) -> &Weight {
        &self.kernel
    }

    /// Returns the bias.
    pub fn bias(&self) -> &Weight {
        &self.bias
    }
}

impl Layer for Dense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let inputs = input.last()?;
        let quantized = match self.base.dtype_policy().quantization() {
            Some(mode) => {
                let shape = Shape::from([inputs, self.units]);
                let scales = Shape::from([self.units]);
                self.quantized.build_kernel(cx, mode, &self.kernel, shape, (inputs, self.units), scales)?
            }
            None => false,
        };
        if !quantized {
            self.kernel
                .make(cx, [inputs, self.units])
                .initializer(&self.kernel_initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint)
                .create()?;
        }
        if self.use_bias {
            self.bias
                .make(cx, [self.units])
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
                .create()?;
        }
        if let Some(rank) = self.lora_rank {
            let (factors, shape) = ((&self.lora_kernel_a, &self.lora_kernel_b), [input.last()?, self.units]);
            lora::make(cx, &self.kernel, factors, (rank, self.lora_alpha.as_ref()), &shape, &self.kernel_regularizer)?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let mode = self.base.dtype_policy().quantization();
        let mut y = match mode {
            Some(mode) => self.quantized.matmul(x, &self.kernel, self.units, mode, self.quantization_config.get())?,
            None => ops::matmul(x, &self.kernel.value()?)?,
        };
        if let Some(rank) = self.lora_rank {
            if let Some(mode) = mode {
                lora::check_quantizing(self.lora_rank, mode)?;
            }
            let update = ops::matmul(&ops::matmul(x, &self.lora_kernel_a.value()?)?, &self.lora_kernel_b.value()?)?;
            y = ops::add(&y, ops::multiply(&update, lora::scale(rank, self.lora_alpha.as_ref()))?)?;
        }
        if self.use_bias {
            let bias = self.bias.value()?;
            let bias = mode.map_or(Ok(bias.clone()), |mode| self.quantized.bias(bias, mode))?;
            y = ops::add(&y, bias)?;
        }
        self.activation.apply(&y).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let spec = InputSpec::min_ndim(2);
        let inputs = self.kernel.variable().and_then(|kernel| kernel.shape().dim(0).ok());
        Some(inputs.into_iter().fold(spec, |spec, inputs| spec.axis(-1, inputs)))
    }

    fn quantizable(&self) -> Option<&dyn Quantizable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

impl Quantizable for Dense {
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        lora::check_quantizing(self.lora_rank, mode)?;
        let layout = self.layout(self.kernel.plain()?.shape().dim(0)?);
        self.quantized.quantize_kernel(cx, mode, &self.kernel, layout)?;
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_kernel_a, &self.lora_kernel_b);
            lora::attach(&self.kernel, factors, (rank, self.lora_alpha.as_ref()));
        }
        self.quantization_config.set(mode);
        Ok(())
    }
}

impl OwnState for Dense {
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        let (Some(mode), Some(rank)) = (self.base.dtype_policy().quantization(), self.lora_rank) else {
            return Ok(Vec::new());
        };
        lora::check_quantizing(self.lora_rank, mode)?;
        let dtype = self.base.dtype_policy().compute_dtype()?;
        let kernel = self.quantized.matrix(&self.kernel, self.units, mode, dtype)?;
        let update = lora::update(&self.lora_kernel_a, &self.lora_kernel_b, (rank, self.lora_alpha.as_ref()))?;
        let merged = ops::add(&kernel, &update)?;
        let integers = self.layout(merged.shape().dim(0)?).integers(&merged, mode)?;
        Ok(integers.map_or_else(Vec::new, |integers| self.quantized.in_files(&self.kernel, integers)))
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some([&self.kernel, &self.bias].into_iter().chain(self.quantized.saved()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerRef;

    #[test]
    fn a_wrong_input_is_named() {
        let layer = LayerRef::new(Dense::new(2));
        let x = Tensor::from_slice(&[1.0f32; 3], [1, 3]).unwrap();
        layer.apply(&x).unwrap();
        let error = layer.apply(Tensor::from_slice(&[1.0f32; 4], [1, 4]).unwrap()).unwrap_err();
        assert!(error.to_string().contains("axis -1 of input shape to have value 3"), "{error}");
        assert!(Dense::from_config(&Dense::new(0).get_config().unwrap()).is_err());
    }
}
