//! A dense layer over axes that an einsum equation names.

mod quantized;

use super::lora;
use crate::activations::Activation;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{
    BuildContext, InputSpec, Layer, LayerBase, OwnState, Quantizable, QuantizationConfig, QuantizedWeights, Weight,
};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{ConfigField, KerasSerializable, register};

/// A dense layer whose product is an einsum: `activation(einsum(equation, x, kernel) + bias)`.
///
/// # Arguments
/// - `equation`: such as `"abc,cd->abd"`; may contain `...` on the left or right.
/// - `output_shape`: without the batch and the axes that `...` stands for; null for extents that follow from
///   the input.
/// - `activation`: none; `bias_axes`: the axes of the output that the bias has, none by default;
///   `kernel_initializer`: `glorot_uniform`; `bias_initializer`: `zeros`.
///
/// Follows <https://keras.io/api/layers/core_layers/einsum_dense>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2])?;
/// let y = EinsumDense::new("abc,cd->abd", [None, Some(2)]).kernel_initializer("ones").apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [3.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new(equation, output_shape), setters, validate = Self::check, get_config = Self::write)]
pub struct EinsumDense {
    base: LayerBase,
    #[keras(with = "partial_shape", field_type = partial_shape::values)]
    output_shape: Shape,
    equation: String,
    #[keras(default)]
    pub(in crate::layers) activation: Activation,
    #[keras(default)]
    pub(in crate::layers) bias_axes: Option<String>,
    #[keras(default = Some("glorot_uniform".into()))]
    pub(in crate::layers) kernel_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    pub(in crate::layers) bias_initializer: Option<Initializer>,
    #[keras(default)]
    pub(in crate::layers) kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    pub(in crate::layers) bias_regularizer: Option<Regularizer>,
    #[keras(base_or_null)]
    activity_regularizer: (),
    #[keras(default)]
    pub(in crate::layers) kernel_constraint: Option<Constraint>,
    #[keras(default)]
    pub(in crate::layers) bias_constraint: Option<Constraint>,
    #[keras(default, no_setter)]
    quantization_config: QuantizationConfig,
    /// The rank of the kernel's low-rank update (LoRA), if there is one.
    #[keras(default, skip_if = Option::is_none)]
    lora_rank: Option<usize>,
    #[keras(default, skip_if = Option::is_none)]
    lora_alpha: Option<Value>,
    #[keras(default, no_setter, skip_if = Value::is_null)]
    gptq_unpacked_column_size: Value,
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

/// Reads an output shape that may be a single number.
pub(in crate::layers) mod partial_shape {
    use super::{ConfigField, Result, Shape, Value};
    use crate::config::FieldType;

    pub(in crate::layers) fn values() -> FieldType {
        FieldType::Either(vec![usize::field_type(), Shape::field_type()])
    }

    pub(in crate::layers) fn to_value(shape: &Shape) -> Result<Value> {
        shape.to_value()
    }

    pub(in crate::layers) fn from_value(value: &Value) -> Result<Shape> {
        match value {
            Value::Int(_) => usize::from_value(value).map(Shape::from),
            value => Shape::from_value(value),
        }
    }
}

impl EinsumDense {
    fn write(&self, config: &mut Config) -> Result<()> {
        lora::write(self.lora_rank, config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.terms()?;
        lora::check(self.lora_rank, self.kernel_constraint.is_some(), "kernel_constraint")
    }

    /// Returns the labels of input, kernel and output, with `.` for `...`.
    fn terms(&self) -> Result<(String, String, String)> {
        let text = self.equation.replace("...", ".").replace(' ', "");
        let malformed = || {
            Error::new(ErrorKind::Config, format!("Invalid einsum equation '{}'", self.equation))
                .expected("[X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...")
        };
        let (inputs, output) = text.split_once("->").ok_or_else(malformed)?;
        let (input, kernel) = inputs.split_once(',').ok_or_else(malformed)?;
        let dots = |term: &str| term.matches('.').count();
        let is_labels = |term: &str| !term.is_empty() && term.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
        let sound = [input, kernel, output].iter().all(|term| is_labels(term))
            && dots(kernel) == 0
            && dots(input) <= 1
            && dots(input) == dots(output);
        if !sound || input.starts_with('.') != output.starts_with('.') {
            return Err(malformed());
        }
        Ok((input.to_owned(), kernel.to_owned(), output.to_owned()))
    }

    /// Returns the shapes of kernel and bias, from the shapes of input and output.
    fn extents(&self, input_shape: &Shape) -> Result<(Vec<usize>, Vec<usize>)> {
        let (input, kernel, output) = self.terms()?;
        let elided = (input_shape.rank() + usize::from(input.contains('.'))).saturating_sub(input.len());
        let expand = |term: &str| -> Vec<char> {
            term.chars().flat_map(|label| if label == '.' { vec!['.'; elided] } else { vec![label] }).collect()
        };
        let (input, output) = (expand(&input), expand(&output));
        if input.len() != input_shape.rank() {
            return Err(Error::new(ErrorKind::Shape, "the input does not fit the equation")
                .expected(format!("rank {} for {:?}", input.len(), self.equation))
                .received(format!("shape {input_shape}")));
        }
        let mut full: Vec<Option<usize>> = input_shape.dims().first().copied().into_iter().collect();
        let partial = self.output_shape.dims().to_vec();
        if self.equation.starts_with("...") {
            full.extend(input_shape.dims().iter().skip(1).take(elided.saturating_sub(1)));
            full.extend(partial);
        } else {
            full.extend(partial);
            full.extend(input_shape.dims().iter().skip(input_shape.rank() - elided));
        }
        let find = |labels: &[char], dims: &[Option<usize>], label: char| {
            labels.iter().position(|known| *known == label).map(|i| dims.get(i).copied().flatten())
        };
        let extent = |label: char| -> Result<usize> {
            let from_input = find(&input, input_shape.dims(), label);
            let from_output = find(&output, &full, label);
            if let (Some(Some(a)), Some(Some(b))) = (from_input, from_output)
                && a != b
            {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!("input shape and output shape do not match at shared dimension '{label}'"),
                )
                .expected(a.to_string())
                .received(b.to_string()));
            }
            from_input.flatten().or(from_output.flatten()).ok_or_else(|| {
                Error::new(ErrorKind::Shape, format!("Weight dimension '{label}' did not have a match in either the input spec or the output spec, or its extent is not known"))
            })
        };
        let kernel = kernel.chars().map(extent).collect::<Result<Vec<_>>>()?;
        let Some(axes) = &self.bias_axes else { return Ok((kernel, Vec::new())) };
        // The bias has the extents of its axes, and 1 for every axis after the first of them.
        let mut bias = Vec::new();
        for (i, label) in output.iter().enumerate() {
            if axes.contains(*label) {
                bias.push(match full.get(i).copied().flatten() {
                    Some(extent) => extent,
                    None => extent(*label)?,
                });
            } else if !bias.is_empty() {
                bias.push(1);
            }
        }
        if let Some(unknown) = axes.chars().find(|label| !output.contains(label)) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("Bias dimension '{unknown}' was requested, but is not part of the output spec"),
            ));
        }
        Ok((kernel, bias))
    }
}

impl EinsumDense {
    /// Returns the kernel's low-rank update, if there is one.
    fn update(&self) -> Result<Option<Tensor>> {
        let Some(rank) = self.lora_rank else { return Ok(None) };
        lora::update(&self.lora_kernel_a, &self.lora_kernel_b, (rank, self.lora_alpha.as_ref())).map(Some)
    }

    /// Tells an initializer that scales by fan-in or fan-out which axes of the kernel are inputs and outputs.
    fn with_axes(&self, initializer: &Initializer) -> Result<Initializer> {
        let (_, kernel, output) = self.terms()?;
        let Value::Dict(mut form) = initializer.to_value()? else { return Ok(initializer.clone()) };
        let Some(Value::Dict(config)) = form.get_mut("config") else { return Ok(initializer.clone()) };
        let is_open = |name| config.get(name).is_some_and(Value::is_null);
        if !is_open("input_axes") && !is_open("output_axes") {
            return Ok(initializer.clone());
        }
        let axes = |of_output: bool| -> Value {
            let axes = kernel.chars().enumerate().filter(|(_, label)| output.contains(*label) == of_output);
            axes.map(|(axis, _)| Value::from(axis)).collect::<Vec<_>>().into()
        };
        config.insert("input_axes".into(), axes(false));
        config.insert("output_axes".into(), axes(true));
        Initializer::from_value(&Value::Dict(form))
    }
}

impl Layer for EinsumDense {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let (kernel, bias) = self.extents(input)?;
        let is_made = match self.base.dtype_policy().quantization() {
            Some(mode) => self.build_quantized(cx, mode, input.rank(), &kernel)?,
            None => false,
        };
        if !is_made {
            let initializer = self.kernel_initializer.as_ref().map(|it| self.with_axes(it)).transpose()?;
            self.kernel
                .make(cx, kernel.clone())
                .initializer(&initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint)
                .create()?;
        }
        if self.bias_axes.is_some() {
            self.bias
                .make(cx, bias)
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
                .create()?;
        }
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_kernel_a, &self.lora_kernel_b);
            lora::make(cx, &self.kernel, factors, (rank, self.lora_alpha.as_ref()), &kernel, &self.kernel_regularizer)?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let mode = self.base.dtype_policy().quantization();
        if let Some(mode) = mode {
            lora::check_quantizing(self.lora_rank, mode)?;
        }
        let update = self.update()?;
        let mut y = match (mode, update) {
            (Some(mode), None) => self.call_quantized(x, mode)?,
            (Some(mode), Some(update)) => {
                let y = self.call_quantized(x, mode)?;
                ops::add(&y, ops::einsum(&self.equation, &[x.clone(), update])?)?
            }
            (None, None) => ops::einsum(&self.equation, &[x.clone(), self.kernel.value()?])?,
            (None, Some(update)) => {
                ops::einsum(&self.equation, &[x.clone(), ops::add(&self.kernel.value()?, &update)?])?
            }
        };
        if self.bias_axes.is_some() {
            let bias = self.bias.value()?;
            y = ops::add(&y, mode.map_or(Ok(bias.clone()), |mode| self.quantized.bias(bias, mode))?)?;
        }
        self.activation.apply(&y).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        let shapes = self.base.built_shapes()?;
        shapes.values().next()?.leaves().first().map(|shape| InputSpec::ndim(shape.rank()))
    }

    fn quantizable(&self) -> Option<&dyn Quantizable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl Quantizable for EinsumDense {
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        lora::check_quantizing(self.lora_rank, mode)?;
        self.quantize_built(mode, cx)?;
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_kernel_a, &self.lora_kernel_b);
            lora::attach(&self.kernel, factors, (rank, self.lora_alpha.as_ref()));
        }
        self.quantization_config.set(mode);
        Ok(())
    }
}

impl OwnState for EinsumDense {
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        match (self.base.dtype_policy().quantization(), self.update()?) {
            (Some(mode), Some(update)) => {
                lora::check_quantizing(self.lora_rank, mode)?;
                self.merged(mode, &update)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some([&self.kernel, &self.bias].into_iter().chain(self.quantized.saved()).collect())
    }
}
