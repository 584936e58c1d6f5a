//! Quantized layers: quantized kernels, their scales, and computing with them.

use super::quantizers::{INT4, INT8, Quantizer, by_blocks, pack_int4};
use super::{BuildContext, Weight};
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::initializers::Initializer;
use crate::json::Value;
use crate::ops;
use crate::ops::shape::{Span, slice_axis};
use crate::program;
use crate::tensor::{DType, Shape, Tensor};

/// The error for embeddings, which have no `float8` mode.
const NO_FLOAT8: &str = "embeddings have no quantization mode 'float8'";

/// Returns an error if embeddings can't be quantized in this mode.
///
/// # Errors
/// For `float8`.
pub(crate) fn check_embeddings(mode: Quantization) -> Result<()> {
    match mode {
        Quantization::Float8 { .. } => Err(Error::new(ErrorKind::Unsupported, NO_FLOAT8).expected("int8 or int4")),
        _ => Ok(()),
    }
}

/// The weights that a quantized layer has in addition to its kernel (or embeddings) and bias.
#[derive(Debug)]
pub(crate) struct QuantizedWeights {
    scale: Weight,
    zero: Weight,
    g_idx: Weight,
    inputs_scale: Weight,
    inputs_amax_history: Weight,
    kernel_amax_history: Weight,
    outputs_grad_scale: Weight,
    outputs_grad_amax_history: Weight,
}

impl Default for QuantizedWeights {
    fn default() -> Self {
        let named = |name: &str| {
            let weight = Weight::default();
            weight.set_name(name);
            weight
        };
        Self {
            scale: named("kernel_scale"),
            zero: named("kernel_zero"),
            g_idx: named("g_idx"),
            inputs_scale: named("inputs_scale"),
            inputs_amax_history: named("inputs_amax_history"),
            kernel_amax_history: named("kernel_amax_history"),
            outputs_grad_scale: named("outputs_grad_scale"),
            outputs_grad_amax_history: named("outputs_grad_amax_history"),
        }
    }
}

impl QuantizedWeights {
    /// Creates the weights of embeddings, whose scale and zero point have other names.
    pub fn of_embeddings() -> Self {
        let this = Self { scale: Weight::default(), zero: Weight::default(), ..Self::default() };
        this.scale.set_name("embeddings_scale");
        this.zero.set_name("embeddings_zero");
        this
    }

    /// Creates the quantized kernel and its scales, and returns true. For `float8` creates only the scales
    /// and amax histories and returns false: the kernel stays in floating point. As a matrix, the kernel has
    /// `rows` summed rows and `columns` columns.
    pub fn build_kernel(
        &self,
        cx: &mut BuildContext<'_>,
        mode: Quantization,
        kernel: &Weight,
        shape: Shape,
        (rows, columns): (usize, usize),
        scale_shape: Shape,
    ) -> Result<bool> {
        match mode {
            Quantization::Int8 => {
                kernel.make(cx, shape).dtype(DType::Int8).trainable(false).create()?;
                self.build_scales(cx, scale_shape, None)?;
            }
            Quantization::Int4 { block_size } => {
                kernel.make(cx, [rows, columns.div_ceil(2)]).dtype(DType::Int8).trainable(false).create()?;
                let blocks = |size: usize| Shape::from([rows.div_ceil(size), columns]);
                let shape = block_size.map_or_else(|| Shape::from([columns]), blocks);
                self.build_scales(cx, shape, block_size.map(|size| (size, rows)))?;
            }
            Quantization::Float8 { amax_history_length } => {
                let (ones, zeros): (Initializer, Initializer) = ("ones".into(), "zeros".into());
                let pairs = [
                    (&self.inputs_scale, &self.inputs_amax_history),
                    (&self.scale, &self.kernel_amax_history),
                    (&self.outputs_grad_scale, &self.outputs_grad_amax_history),
                ];
                for (scale, history) in pairs {
                    scale.make(cx, Shape::default()).dtype(DType::Float32).initializer(&ones).create()?;
                    history.make(cx, [amax_history_length]).dtype(DType::Float32).initializer(&zeros).create()?;
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Creates quantized embeddings, `[inputs, outputs]`, and their scales: one for each row, or for each
    /// block of a row.
    pub fn build_embeddings(
        &self,
        cx: &mut BuildContext<'_>,
        mode: Quantization,
        embeddings: &Weight,
        inputs: usize,
        outputs: usize,
    ) -> Result<()> {
        match mode {
            Quantization::Int8 => {
                embeddings.make(cx, [inputs, outputs]).dtype(DType::Int8).trainable(false).create()?;
                self.build_scales(cx, Shape::from([inputs]), None)
            }
            Quantization::Int4 { block_size } => {
                embeddings.make(cx, [inputs, outputs.div_ceil(2)]).dtype(DType::Int8).trainable(false).create()?;
                let shape = block_size
                    .map_or_else(|| Shape::from([inputs]), |size| Shape::from([inputs, outputs.div_ceil(size)]));
                self.build_scales(cx, shape, block_size.map(|size| (size, outputs)))
            }
            Quantization::Float8 { .. } => Err(Error::new(ErrorKind::Config, NO_FLOAT8)),
        }
    }

    /// Replaces a built kernel by a quantized one, created as by [`Self::build_kernel`].
    pub fn quantize_kernel(
        &self,
        cx: &mut BuildContext<'_>,
        mode: Quantization,
        kernel: &Weight,
        layout: KernelLayout,
    ) -> Result<()> {
        let value = kernel.plain()?;
        let (shape, extents, scales) = (value.shape().clone(), layout.extents, layout.scale_shape.clone());
        let Some(integers) = layout.integers(&value, mode)? else {
            return self.build_kernel(cx, mode, kernel, shape, extents, scales).map(|_| ());
        };
        cx.take(kernel)?;
        self.build_kernel(cx, mode, kernel, shape, extents, scales)?;
        self.assign(kernel, integers)
    }

    fn assign(&self, weight: &Weight, integers: Integers) -> Result<()> {
        weight.assign(&integers.values)?;
        self.scale.assign(&integers.scale)?;
        integers.zero.map_or(Ok(()), |zero| self.zero.assign(&zero))
    }

    /// Returns what is saved for a quantized weight after its low-rank update was merged in.
    pub fn in_files<'a>(&'a self, weight: &'a Weight, integers: Integers) -> Vec<(&'a Weight, Tensor)> {
        let zero = integers.zero.map(|zero| (&self.zero, zero));
        [(weight, integers.values), (&self.scale, integers.scale)].into_iter().chain(zero).collect()
    }

    /// Replaces built embeddings by quantized ones.
    pub fn quantize_embeddings(
        &self,
        cx: &mut BuildContext<'_>,
        mode: Quantization,
        embeddings: &Weight,
    ) -> Result<()> {
        let value = embeddings.plain()?;
        let (inputs, outputs) = (value.shape().dim(0)?, value.shape().dim(1)?);
        let integers = Integers::of_embeddings(&value, mode)?;
        cx.take(embeddings)?;
        self.build_embeddings(cx, mode, embeddings, inputs, outputs)?;
        self.assign(embeddings, integers)
    }

    /// Returns the dequantized embeddings; `outputs` is the length of rows.
    pub fn table(&self, embeddings: &Weight, outputs: usize, mode: Quantization) -> Result<Tensor> {
        let scale = self.scale()?;
        let rows = integers(&embeddings.value()?, outputs, mode, scale.dtype())?;
        match mode {
            Quantization::Int4 { block_size: Some(_) } => {
                by_groups(&rows, (&scale, &self.zero()?), &self.groups()?, -1)
            }
            _ => ops::divide(&rows, &ops::expand_dims(&scale, -1)?),
        }
    }

    fn build_scales(&self, cx: &mut BuildContext<'_>, shape: Shape, blocks: Option<(usize, usize)>) -> Result<()> {
        let (ones, zeros): (Initializer, Initializer) = ("ones".into(), "zeros".into());
        self.scale.make(cx, shape.clone()).initializer(&ones).trainable(false).create()?;
        if let Some((size, count)) = blocks {
            self.zero.make(cx, shape).dtype(DType::Int8).trainable(false).create()?;
            self.g_idx.make(cx, [count]).dtype(DType::Float32).initializer(&zeros).trainable(false).create()?;
            let groups: Vec<f32> = (0..count).map(|i| (i / size) as f32).collect();
            self.g_idx.assign(&Tensor::from_vec(groups, [count])?)?;
        }
        Ok(())
    }

    /// Returns the weights that are saved after kernel and bias, in Keras's order.
    pub fn saved(&self) -> [&Weight; 8] {
        [
            &self.inputs_scale,
            &self.inputs_amax_history,
            &self.scale,
            &self.zero,
            &self.kernel_amax_history,
            &self.outputs_grad_scale,
            &self.outputs_grad_amax_history,
            &self.g_idx,
        ]
    }

    /// Returns `inputs · kernel`, before the bias is added.
    pub fn matmul(
        &self,
        x: &Tensor,
        kernel: &Weight,
        outputs: usize,
        mode: Quantization,
        config: &Value,
    ) -> Result<Tensor> {
        let dtype = x.dtype();
        if let Quantization::Float8 { .. } = mode {
            let (x, kernel) = self.float8(x, kernel)?;
            return ops::matmul(&x, &kernel);
        }
        let kernel = self.matrix(kernel, outputs, mode, dtype)?;
        ops::matmul(&self.through_integers(x, vec![-1], mode, config)?, &kernel)
    }

    /// Returns the dequantized kernel as a matrix.
    pub fn matrix(&self, kernel: &Weight, columns: usize, mode: Quantization, dtype: DType) -> Result<Tensor> {
        match mode {
            Quantization::Int4 { .. } => self.int4(kernel, columns, mode, dtype),
            _ => ops::divide(&ops::cast_to(&kernel.value()?, dtype)?, &self.scale()?),
        }
    }

    /// Returns the scales as they are stored.
    pub fn scale(&self) -> Result<Tensor> {
        self.scale.value()
    }

    /// Rounds inputs and kernel to 8-bit floats.
    pub fn float8(&self, x: &Tensor, kernel: &Weight) -> Result<(Tensor, Tensor)> {
        Ok((round_float8(x, &self.inputs_scale.value()?)?, round_float8(&kernel.value()?, &self.scale.value()?)?))
    }

    /// Returns the dequantized int4 kernel as a matrix.
    pub fn int4(&self, kernel: &Weight, columns: usize, mode: Quantization, dtype: DType) -> Result<Tensor> {
        let kernel = unpack_int4(&kernel.value()?, columns, dtype)?;
        match mode {
            Quantization::Int4 { block_size: Some(_) } => self.dequantized(&kernel, 0),
            _ => ops::divide(&kernel, &self.scale()?),
        }
    }

    /// Fake-quantizes inputs: rounds them to integers with one scale along the summed axes, and divides by
    /// the scale. Their product with the dequantized kernel equals that of the integers divided by both
    /// scales.
    pub fn through_integers(&self, x: &Tensor, axes: Vec<isize>, mode: Quantization, config: &Value) -> Result<Tensor> {
        // With int4 blocks, inputs are not quantized.
        if let Quantization::Int4 { block_size: Some(_) } = mode {
            return Ok(x.clone());
        }
        let quantizer = Quantizer::of(config, mode == Quantization::Int8).at("quantization_config")?;
        let Some(quantizer) = quantizer else { return Ok(x.clone()) };
        program::infer_or_compute(&[x], x.clone(), || {
            let plain = x.detached()?;
            let (integers, scale) = quantizer.quantize(&plain, axes)?;
            let rounded = ops::divide(&integers, &scale)?;
            // Straight-through gradient, as in Keras: `x - plain` is zero and has the gradient of `x`.
            if x.is_tracked() { ops::add(&rounded, ops::subtract(x, &plain)?) } else { Ok(rounded) }
        })
    }

    /// Returns the bias as it is added: for `float8` rounded to bfloat16, as hardware with 8-bit floats takes
    /// it.
    pub fn bias(&self, bias: Tensor, mode: Quantization) -> Result<Tensor> {
        match mode {
            Quantization::Float8 { .. } if bias.dtype() == DType::Float32 => {
                ops::cast_to(&ops::cast_to(&bias, DType::BFloat16)?, DType::Float32)
            }
            _ => Ok(bias),
        }
    }

    /// Looks up rows of quantized embeddings, dequantized.
    pub fn take(&self, embeddings: &Weight, indices: &Tensor, outputs: usize, mode: Quantization) -> Result<Tensor> {
        let scale = ops::take(&self.scale.value()?, indices, Some(0))?;
        let rows = ops::take(&embeddings.value()?, indices, Some(0))?;
        let rows = integers(&rows, outputs, mode, scale.dtype())?;
        if let Quantization::Int4 { block_size: Some(_) } = mode {
            let zero = ops::take(&self.zero()?, indices, Some(0))?;
            return by_groups(&rows, (&scale, &zero), &self.groups()?, -1);
        }
        ops::divide(&rows, &ops::expand_dims(&scale, -1)?)
    }

    /// Dequantizes a kernel with a scale and zero point for each block of rows.
    fn dequantized(&self, kernel: &Tensor, axis: isize) -> Result<Tensor> {
        by_groups(kernel, (&self.scale()?, &self.zero()?), &self.groups()?, axis)
    }

    /// Returns the zero points as they are stored.
    pub fn zero(&self) -> Result<Tensor> {
        self.zero.value()
    }

    /// Returns the block index of each row.
    pub fn groups(&self) -> Result<Tensor> {
        ops::cast_to(&self.g_idx.value()?, DType::Int32)
    }
}

/// How a kernel is quantized: the axes it is summed over, and the layout of its scales.
pub(crate) struct KernelLayout {
    pub summed: Vec<isize>,
    /// The order of the kernel's axes in the scales, if it differs.
    pub order: Option<Vec<usize>>,
    /// The kernel's size as a matrix: summed rows, and columns.
    pub extents: (usize, usize),
    pub scale_shape: Shape,
}

impl KernelLayout {
    /// Quantizes a kernel to integers; returns none for `float8`.
    pub fn integers(self, kernel: &Tensor, mode: Quantization) -> Result<Option<Integers>> {
        let (rows, columns) = self.extents;
        let matrix = || ops::reshape(kernel, &Shape::from([rows, columns]));
        Ok(Some(match mode {
            Quantization::Int8 => {
                let (values, scale) = Quantizer::new(INT8).quantize(kernel, self.summed)?;
                let scale = if self.order.is_some() { ops::transpose(&scale, self.order)? } else { scale };
                Integers { values, scale: ops::reshape(&scale, &self.scale_shape)?, zero: None }
            }
            Quantization::Int4 { block_size: None } => {
                let (values, scale) = Quantizer::new(INT4).quantize(&matrix()?, vec![0])?;
                let scale = ops::reshape(&scale, &Shape::from([columns]))?;
                Integers { values: pack_int4(&values)?, scale, zero: None }
            }
            Quantization::Int4 { block_size: Some(size) } => {
                let (values, scale, zero) = by_blocks(&matrix()?, size)?;
                Integers { values: pack_int4(&values)?, scale, zero: Some(zero) }
            }
            Quantization::Float8 { .. } => return Ok(None),
        }))
    }
}

/// A quantized weight: integers, scales, and zero points if it is quantized by blocks.
pub(crate) struct Integers {
    values: Tensor,
    scale: Tensor,
    zero: Option<Tensor>,
}

impl Integers {
    /// Quantizes embeddings, with a scale for each row, or for each block of a row.
    pub fn of_embeddings(value: &Tensor, mode: Quantization) -> Result<Self> {
        if let Quantization::Int4 { block_size: Some(size) } = mode {
            let (values, scale, zero) = by_blocks(&ops::transpose(value, None)?, size)?;
            let turned = |x: &Tensor| ops::transpose(x, None);
            return Ok(Self {
                values: pack_int4(&turned(&values)?)?,
                scale: turned(&scale)?,
                zero: Some(turned(&zero)?),
            });
        }
        let range = if mode == Quantization::Int8 { INT8 } else { INT4 };
        let (values, scale) = Quantizer::new(range).quantize(value, vec![-1])?;
        let values = if mode == Quantization::Int8 { values } else { pack_int4(&values)? };
        Ok(Self { values, scale: ops::reshape(&scale, &Shape::from([value.shape().dim(0)?]))?, zero: None })
    }
}

/// Dequantizes integers with scales and zero points by groups along an axis.
pub(crate) fn by_groups(
    integers: &Tensor,
    (scale, zero): (&Tensor, &Tensor),
    groups: &Tensor,
    axis: isize,
) -> Result<Tensor> {
    let of_each = |x: &Tensor| ops::cast_to(&ops::take(x, groups, Some(axis))?, integers.dtype());
    ops::multiply(&ops::subtract(integers, &of_each(zero)?)?, &of_each(scale)?)
}

/// Returns the integers of a quantized weight as floating-point numbers; `length` is the size of the last
/// axis.
pub(crate) fn integers(kept: &Tensor, length: usize, mode: Quantization, dtype: DType) -> Result<Tensor> {
    match mode {
        Quantization::Int4 { .. } => unpack_int4(kept, length, dtype),
        _ => ops::cast_to(kept, dtype),
    }
}

/// Unpacks int4 values: two in each byte of the last axis, the lower half first.
fn unpack_int4(packed: &Tensor, length: usize, dtype: DType) -> Result<Tensor> {
    let packed = ops::cast_to(packed, dtype)?;
    let high = ops::floor(&ops::divide(&packed, 16.0)?)?;
    let low = ops::subtract(&packed, &ops::multiply(&high, 16.0)?)?;
    let sign = ops::cast_to(&ops::greater_equal(&low, 8.0)?, dtype)?;
    let low = ops::subtract(&low, &ops::multiply(&sign, 16.0)?)?;
    let pairs = ops::stack(&[low, high], -1)?;
    let mut dims = packed.shape().dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = last.map(|last| last * 2);
    }
    let all = ops::reshape(&pairs, &Shape::from(dims))?;
    slice_axis(&all, -1, Span::range(0, length))
}

/// Rounds values to 8-bit floats, `float8_e4m3fn`: 3 bits of mantissa, at most 448.
fn round_float8(x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    const LARGEST: f64 = 448.0;
    const SMALLEST_NORMAL: f64 = 1.0 / 64.0;
    let dtype = x.dtype();
    let scale = ops::cast_to(scale, DType::Float32)?;
    let x = ops::divide(&ops::cast_to(x, DType::Float32)?, &scale)?;
    let x = ops::clip(&x, -LARGEST, LARGEST)?;
    // Veltkamp splitting rounds to the upper 4 of the 24 bits of a single-precision mantissa.
    let shifted = ops::multiply(&x, f64::from((1u32 << 20) + 1))?;
    let normal = ops::subtract(&shifted, &ops::subtract(&shifted, &x)?)?;
    let steps = 8.0 / SMALLEST_NORMAL;
    let subnormal = ops::divide(&ops::round(&ops::multiply(&x, steps)?)?, steps)?;
    let is_small = ops::less(&ops::abs(&x)?, SMALLEST_NORMAL)?;
    let x = ops::where_(&is_small, &subnormal, &normal)?;
    ops::cast_to(&ops::multiply(&x, &scale)?, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_bytes_are_signed() {
        // keras.quantizers.unpack_int4(np.array([[125, 2], [24, 0]], "int8"), 3, axis=1)
        let packed = Tensor::from_slice(&[125i8, 2, 24, 0], [2, 2]).unwrap();
        let unpacked = unpack_int4(&packed, 3, DType::Float32).unwrap();
        assert_eq!(unpacked.to_vec::<f32>().unwrap(), [-3.0, 7.0, 2.0, -8.0, 1.0, 0.0]);
    }

    #[test]
    fn floats_are_rounded_to_8_bits() {
        // np.array([…], "float32").astype(ml_dtypes.float8_e4m3fn)
        let x = Tensor::from_slice(&[0.3f32, 1000.0, -1.1, 0.002, 0.01, 0.0], [6]).unwrap();
        let one = Tensor::from_slice(&[1.0f32], Vec::<usize>::new()).unwrap();
        let rounded = round_float8(&x, &one).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(rounded, [0.3125, 448.0, -1.125, 0.001953125, 0.009765625, 0.0]);
    }
}
