//! `ReversibleEmbedding` with quantized embeddings.

use super::ReversibleEmbedding;
use crate::dtype_policies::Quantization;
use crate::error::{Result, ResultExt};
use crate::initializers::Initializer;
use crate::layers::quantization::{by_groups, integers};
use crate::layers::quantizers::{INT4, INT8, Quantizer, by_blocks, pack_int4};
use crate::layers::{BuildContext, Weight};
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// The scales of the quantized reverse matrix, if it is not tied to the embeddings.
#[derive(Debug)]
pub(super) struct ReverseScales {
    scale: Weight,
    zero: Weight,
}

impl Default for ReverseScales {
    fn default() -> Self {
        let this = Self { scale: Weight::default(), zero: Weight::default() };
        this.scale.set_name("reverse_embeddings_scale");
        this.zero.set_name("reverse_embeddings_zero");
        this
    }
}

impl ReverseScales {
    pub(super) fn saved(&self) -> [&Weight; 2] {
        [&self.scale, &self.zero]
    }
}

impl ReversibleEmbedding {
    pub(super) fn build_quantized(&self, cx: &mut BuildContext<'_>, mode: Quantization) -> Result<()> {
        let (inputs, outputs) = (self.input_dim, self.output_dim);
        self.quantized.0.build_embeddings(cx, mode, &self.embeddings, inputs, outputs)?;
        if self.tie_weights { Ok(()) } else { self.build_reverse(cx, mode) }
    }

    /// Creates the quantized reverse matrix and its scales.
    fn build_reverse(&self, cx: &mut BuildContext<'_>, mode: Quantization) -> Result<()> {
        let (inputs, outputs) = (self.input_dim, self.output_dim);
        let (rows, scales, has_zero) = match mode {
            Quantization::Int4 { block_size: Some(size) } => {
                (outputs.div_ceil(2), Shape::from([outputs.div_ceil(size), inputs]), true)
            }
            Quantization::Int4 { block_size: None } => (outputs.div_ceil(2), Shape::from([inputs]), false),
            _ => (outputs, Shape::from([inputs]), false),
        };
        let (ones, zeros): (Initializer, Initializer) = ("ones".into(), "zeros".into());
        let kernel = self.reverse_embeddings.make(cx, [rows, inputs]);
        kernel.dtype(DType::Int8).initializer(&zeros).trainable(false).create()?;
        self.reverse_scales.scale.make(cx, scales.clone()).initializer(&ones).trainable(false).create()?;
        if has_zero {
            self.reverse_scales.zero.make(cx, scales).initializer(&zeros).trainable(false).create()?;
        }
        Ok(())
    }

    /// Replaces the built embeddings, and the reverse matrix if there is one, by quantized ones.
    pub(super) fn quantize_built(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        self.quantized.0.quantize_embeddings(cx, mode, &self.embeddings)?;
        if self.tie_weights {
            return Ok(());
        }
        let value = self.reverse_embeddings.plain()?;
        let packed = |integers: &Tensor| ops::transpose(&pack_int4(&ops::transpose(integers, None)?)?, None);
        let mut zero = None;
        let (integers, scale) = match mode {
            Quantization::Int4 { block_size: Some(size) } => {
                let (integers, scale, zeros) = by_blocks(&value, size)?;
                zero = Some(zeros);
                (packed(&integers)?, scale)
            }
            _ => {
                let range = if mode == Quantization::Int8 { INT8 } else { INT4 };
                let (integers, scale) = Quantizer::new(range).quantize(&value, vec![0])?;
                let integers = if mode == Quantization::Int8 { integers } else { packed(&integers)? };
                (integers, ops::reshape(&scale, &Shape::from([self.input_dim]))?)
            }
        };
        cx.take(&self.reverse_embeddings)?;
        self.build_reverse(cx, mode)?;
        self.reverse_embeddings.assign(&integers)?;
        self.reverse_scales.scale.assign(&scale)?;
        zero.map_or(Ok(()), |zero| self.reverse_scales.zero.assign(&zero))
    }

    /// Returns the scores of `x`; quantizes `x` first unless the configuration turns that off.
    pub(super) fn quantized_scores(&self, x: &Tensor, mode: Quantization) -> Result<Tensor> {
        let quantizer = Quantizer::of(self.quantization_config.get(), true).at("quantization_config")?;
        let (x, inputs_scale) = match quantizer {
            Some(quantizer) => {
                let (x, scale) = quantizer.quantize(x, vec![-1])?;
                (x, Some(scale))
            }
            None => (x.clone(), None),
        };
        let (kernel, scale) = self.reverse_kernel(mode, x.dtype())?;
        let mut scores = ops::matmul(&x, &kernel)?;
        // Keras multiplies both scales to one divisor, in the compute dtype.
        let divisor = match (inputs_scale, scale) {
            (Some(a), Some(b)) => Some(ops::multiply(&a, &b)?),
            (a, b) => a.or(b),
        };
        if let Some(divisor) = divisor {
            scores = ops::divide(&scores, &divisor)?;
        }
        Ok(scores)
    }

    /// Returns the matrix `(output_dim, input_dim)`, and the scales by which scores are divided.
    fn reverse_kernel(&self, mode: Quantization, dtype: DType) -> Result<(Tensor, Option<Tensor>)> {
        let scales = &self.quantized.0;
        let kernel = if self.tie_weights { self.embeddings.value()? } else { self.reverse_embeddings.value()? };
        let unpacked = |kernel: &Tensor| integers(kernel, self.output_dim, mode, dtype);
        let is_blocks = matches!(mode, Quantization::Int4 { block_size: Some(_) });
        if self.tie_weights {
            let mut kernel = unpacked(&kernel)?;
            if is_blocks {
                kernel = by_groups(&kernel, (&scales.scale()?, &scales.zero()?), &scales.groups()?, -1)?;
            }
            return Ok((ops::transpose(&kernel, None)?, (!is_blocks).then(|| scales.scale()).transpose()?));
        }
        // Here int4 values are packed in pairs along the first axis.
        let kernel = match mode {
            Quantization::Int4 { .. } => ops::transpose(&unpacked(&ops::transpose(&kernel, None)?)?, None)?,
            _ => unpacked(&kernel)?,
        };
        let scale = self.reverse_scales.scale.value()?;
        if is_blocks {
            let zero = self.reverse_scales.zero.value()?;
            return Ok((by_groups(&kernel, (&scale, &zero), &scales.groups()?, 0)?, None));
        }
        Ok((kernel, Some(scale)))
    }
}
