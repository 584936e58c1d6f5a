//! `EinsumDense` with a quantized kernel.

use super::EinsumDense;
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{BuildContext, KernelLayout, Weight};
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// The axes of input and kernel that the equation sums over, and the layout of the kernel's scales.
struct Plan {
    input_reduced: Vec<isize>,
    kernel_reduced: Vec<usize>,
    /// The axes of the kernel that are not summed over, in the order of the output.
    kept: Vec<usize>,
    /// The permutation of the kernel's axes to the order of its scales; `scale_shape` holds their extents.
    order: Vec<usize>,
    scale_shape: Vec<usize>,
}

impl EinsumDense {
    /// Computes the plan for a kernel of this shape (`_analyze_quantization_info` of Keras).
    fn plan(&self, rank: usize, shape: &[usize]) -> Result<Plan> {
        let (input, kernel, output) = self.terms()?;
        let elided = (rank + usize::from(input.contains('.'))).saturating_sub(input.len());
        let expand = |term: &str| -> Vec<char> {
            term.chars().flat_map(|label| if label == '.' { vec!['.'; elided] } else { vec![label] }).collect()
        };
        let (input, output, kernel) = (expand(&input), expand(&output), expand(&kernel));
        let reduced = |labels: &[char]| -> Vec<usize> {
            labels.iter().enumerate().filter(|(_, label)| !output.contains(label)).map(|(i, _)| i).collect()
        };
        let kernel_reduced = reduced(&kernel);
        let position = |label: &char| kernel.iter().position(|known| known == label);
        let kept: Vec<usize> = output.iter().filter_map(position).collect();
        let mut free: Vec<usize> = (0..output.len()).filter(|i| output.get(*i).and_then(position).is_none()).collect();
        // Summed axes take the places of output axes that the kernel lacks.
        let (mut order, mut squeezed, mut index) = (kept.clone(), Vec::new(), None);
        for axis in &kernel_reduced {
            if free.is_empty() {
                squeezed.push(*axis);
            } else {
                index = Some(free.remove(0));
            }
            let at = index.ok_or_else(|| {
                let error = Error::new(ErrorKind::Config, "the equation can't be quantized");
                error.received(format!("equation={:?}", self.equation))
            })?;
            order.insert(at.min(order.len()), *axis);
        }
        let extent =
            |axis: &usize| if kernel_reduced.contains(axis) { 1 } else { shape.get(*axis).copied().unwrap_or(1) };
        let mut scale_shape: Vec<usize> = order.iter().map(extent).collect();
        for axis in free {
            scale_shape.insert(axis.min(scale_shape.len()), 1);
        }
        for axis in squeezed.into_iter().rev().filter(|axis| *axis < order.len()) {
            if axis < scale_shape.len() {
                scale_shape.remove(axis);
            }
        }
        let input_reduced = reduced(&input).into_iter().map(|axis| axis as isize).collect();
        Ok(Plan { input_reduced, kernel_reduced, kept, order, scale_shape })
    }

    /// Creates the quantized kernel and its scales; for `float8` only the scales. Returns true if the kernel
    /// was created.
    pub(super) fn build_quantized(
        &self,
        cx: &mut BuildContext<'_>,
        mode: Quantization,
        rank: usize,
        shape: &[usize],
    ) -> Result<bool> {
        let plan = self.plan(rank, shape)?;
        let (rows, columns) = plan.extents(shape);
        self.quantized.build_kernel(
            cx,
            mode,
            &self.kernel,
            Shape::from(shape),
            (rows, columns),
            Shape::from(plan.scale_shape),
        )
    }

    /// Replaces the built kernel by a quantized one.
    pub(super) fn quantize_built(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        let kernel = self.kernel.plain()?.shape().known()?.to_vec();
        let layout = self.built_plan(&kernel)?.layout(&kernel);
        self.quantized.quantize_kernel(cx, mode, &self.kernel, layout)
    }

    /// Returns the plan for the inputs that the layer was built for.
    fn built_plan(&self, kernel: &[usize]) -> Result<Plan> {
        let shapes = self.base.built_shapes().unwrap_or_default();
        let input = shapes.values().next().and_then(|shapes| shapes.leaves().first().map(|shape| shape.rank()));
        self.plan(input.unwrap_or(kernel.len()), kernel)
    }

    /// Returns what is saved for a quantized kernel and its scales: the values with the low-rank update
    /// merged in.
    pub(super) fn merged(&self, mode: Quantization, update: &Tensor) -> Result<Vec<(&Weight, Tensor)>> {
        let shape = update.shape().known()?.to_vec();
        let plan = self.built_plan(&shape)?;
        let dtype = self.base.dtype_policy().compute_dtype()?;
        let merged = ops::add(&self.dequantized(&plan, &shape, mode, dtype)?, update)?;
        let integers = plan.layout(&shape).integers(&merged, mode)?;
        Ok(integers.map_or_else(Vec::new, |integers| self.quantized.in_files(&self.kernel, integers)))
    }

    /// Returns the dequantized kernel.
    fn dequantized(&self, plan: &Plan, shape: &[usize], mode: Quantization, dtype: DType) -> Result<Tensor> {
        match mode {
            Quantization::Int4 { .. } => {
                let (rows, columns) = plan.extents(shape);
                let kernel = self.quantized.int4(&self.kernel, columns, mode, dtype)?;
                debug_assert_eq!(kernel.shape().dim(0).ok(), Some(rows));
                ops::reshape(&kernel, &Shape::from(shape))
            }
            _ => {
                let kernel = ops::cast_to(&self.kernel.value()?, dtype)?;
                ops::divide(&kernel, &plan.scale_of_kernel(&self.quantized.scale()?, shape)?)
            }
        }
    }

    /// Returns the product of inputs and kernel, before the bias is added.
    pub(super) fn call_quantized(&self, x: &Tensor, mode: Quantization) -> Result<Tensor> {
        let rank = x.rank();
        let shape = match (mode, x.shape()) {
            (Quantization::Float8 { .. }, _) => {
                let (x, kernel) = self.quantized.float8(x, &self.kernel)?;
                return ops::einsum(&self.equation, &[x, kernel]);
            }
            (_, shape) => self.extents(shape)?.0,
        };
        let plan = self.plan(rank, &shape)?;
        let kernel = self.dequantized(&plan, &shape, mode, x.dtype())?;
        let x = self.quantized.through_integers(x, plan.input_reduced, mode, self.quantization_config.get())?;
        ops::einsum(&self.equation, &[x, kernel])
    }
}

impl Plan {
    /// Returns how a kernel of this shape is quantized.
    fn layout(&self, shape: &[usize]) -> KernelLayout {
        KernelLayout {
            summed: self.kernel_reduced.iter().map(|axis| *axis as isize).collect(),
            order: Some(self.order.clone()),
            extents: self.extents(shape),
            scale_shape: Shape::from(self.scale_shape.clone()),
        }
    }

    /// Returns the size of the kernel as a matrix: the product of summed extents, and of the others.
    fn extents(&self, shape: &[usize]) -> (usize, usize) {
        let part = |reduced: bool| {
            let axes = shape.iter().enumerate().filter(|(i, _)| self.kernel_reduced.contains(i) == reduced);
            axes.map(|(_, extent)| *extent).product()
        };
        (part(true), part(false))
    }

    /// Returns the scales in the kernel's own order of axes.
    fn scale_of_kernel(&self, scale: &Tensor, shape: &[usize]) -> Result<Tensor> {
        let kept: Vec<usize> = self.kept.iter().filter_map(|axis| shape.get(*axis).copied()).collect();
        let scale = ops::reshape(scale, &Shape::from(kept))?;
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        let places = sorted.iter().filter_map(|axis| self.kept.iter().position(|kept| kept == axis));
        let scale = ops::transpose(&scale, Some(places.collect()))?;
        let ones =
            shape.iter().enumerate().map(|(i, extent)| if self.kernel_reduced.contains(&i) { 1 } else { *extent });
        ops::reshape(&scale, &Shape::from(ones.collect::<Vec<_>>()))
    }
}
