//! Batch normalization.

use super::{built_spec, single_axis};
use crate::config::{Config, ConfigField};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::json::{Dict, Value};
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerTraits, Signature, Weight, invalid_argument};
use crate::ops::{self, Axes, shape::broadcast_to, shape::reshape_to};
use crate::program;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Batch normalization: `gamma · (x - mean) / √(variance + epsilon) + beta` for each position of an axis.
/// Training uses the batch's statistics and updates the moving ones; inference uses the moving ones.
///
/// # Arguments
/// - `axis`: -1; the axis that is normalized separately, usually the channels.
/// - `momentum`: 0.99; the fraction of the moving statistics that each training step keeps.
/// - `epsilon`: 0.001.
/// - `center`, `scale`: true; whether there is a `beta` and a `gamma`.
/// - `beta_initializer`, `gamma_initializer`, `moving_mean_initializer`,
///   `moving_variance_initializer`: `zeros`, `ones`, `zeros`, `ones`.
/// - `beta_regularizer`, `gamma_regularizer`, `beta_constraint`, `gamma_constraint`: none.
/// - `synchronized`: false; statistics over all devices; without effect here, as there is one device.
/// - `renorm`: false; batch renormalization: in training, corrects the batch's statistics towards moving
///   ones, within the bounds `rmin`, `rmax` and `dmax` of the dict `renorm_clipping`; `renorm_momentum`:
///   0.99.
///
/// A layer that is not trainable uses the moving statistics in training too. Masked steps do not count in the
/// statistics.
///
/// Follows <https://keras.io/api/layers/normalization_layers/batch_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 3.0], [2, 1])?;
/// let layer = BatchNormalization::new().epsilon(0.0).momentum(0.5).shared();
/// let y = layer.call(&x, &CallContext::training())?.into_single()?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 1.0]);
/// assert_eq!(layer.get_weights()[2].to_vec::<f32>()?, [1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check, from_config = single_axis, get_config = Self::write)]
pub struct BatchNormalization {
    base: LayerBase,
    #[keras(default = -1)]
    axis: isize,
    #[keras(default = 0.99)]
    momentum: f64,
    #[keras(default = 1e-3)]
    epsilon: f64,
    #[keras(default = true)]
    center: bool,
    #[keras(default = true)]
    scale: bool,
    #[keras(default = Some("zeros".into()))]
    beta_initializer: Option<Initializer>,
    #[keras(default = Some("ones".into()))]
    gamma_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    moving_mean_initializer: Option<Initializer>,
    #[keras(default = Some("ones".into()))]
    moving_variance_initializer: Option<Initializer>,
    #[keras(default)]
    beta_regularizer: Option<Regularizer>,
    #[keras(default)]
    gamma_regularizer: Option<Regularizer>,
    #[keras(default)]
    beta_constraint: Option<Constraint>,
    #[keras(default)]
    gamma_constraint: Option<Constraint>,
    #[keras(default)]
    synchronized: bool,
    #[keras(default)]
    renorm: bool,
    #[keras(default)]
    renorm_clipping: Option<Dict>,
    #[keras(default = 0.99)]
    renorm_momentum: f64,
    #[keras(weight)]
    gamma: Weight,
    #[keras(weight)]
    beta: Weight,
    #[keras(weight)]
    moving_mean: Weight,
    #[keras(weight)]
    moving_variance: Weight,
    #[keras(weight)]
    moving_stddev: Weight,
    #[keras(weight)]
    renorm_mean: Weight,
    #[keras(weight)]
    renorm_stddev: Weight,
}

impl BatchNormalization {
    fn check(&self) -> Result<()> {
        let Some(clipping) = self.renorm_clipping.as_ref().filter(|_| self.renorm) else { return Ok(()) };
        if clipping.keys().any(|key| !matches!(key.as_str(), "rmax" | "rmin" | "dmax")) {
            let received = Value::Dict(clipping.clone());
            return Err(invalid_argument("renorm_clipping", "the keys 'rmax', 'rmin', 'dmax'", received.short()));
        }
        if let (Some(rmax), Some(rmin)) = (self.bound("rmax")?, self.bound("rmin")?)
            && rmax < rmin
        {
            return Err(invalid_argument("renorm_clipping", "`rmax` greater than `rmin`", rmax));
        }
        match self.bound("dmax")?.filter(|dmax| *dmax < 0.0) {
            Some(dmax) => Err(invalid_argument("renorm_clipping", "a non-negative `dmax`", dmax)),
            None => Ok(()),
        }
    }

    /// Writes missing bounds as an empty dict if renormalization is on.
    fn write(&self, config: &mut Config) -> Result<()> {
        if self.renorm && self.renorm_clipping.is_none() {
            config.insert("renorm_clipping".into(), Value::Dict(Dict::new()));
        }
        Ok(())
    }

    fn bound(&self, name: &str) -> Result<Option<f64>> {
        let bound = self.renorm_clipping.as_ref().and_then(|clipping| clipping.get(name));
        bound.map_or(Ok(None), Option::from_value)
    }

    /// Returns the mean and variance of the batch, without masked steps.
    fn moments(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
        let kept = x.shape().axis(self.axis)?;
        let axes = Axes(Some((0..x.rank()).filter(|axis| *axis != kept).map(|axis| axis as isize).collect()));
        let Some(mask) = mask else { return ops::moments(x, &axes, false) };
        let counts = ops::expand_dims(&ops::cast_to(mask, DType::Bool)?, -1)?;
        let counts = broadcast_to(&counts, x.shape())?;
        let total = ops::sum(&ops::cast_to(&counts, x.dtype())?, axes.clone(), true)?;
        let total = ops::add(&total, KERAS_EPSILON)?;
        let mean = ops::divide(ops::sum(&ops::where_(&counts, x, 0)?, axes.clone(), true)?, &total)?;
        let deviation = ops::where_(&counts, ops::subtract(x, &mean)?, 0)?;
        let variance = ops::divide(ops::sum(&ops::square(&deviation)?, axes, true)?, &total)?;
        let flat = Shape::from([x.shape().get(self.axis)?]);
        Ok((reshape_to(&mean, &flat)?, reshape_to(&variance, &flat)?))
    }

    /// Updates a moving statistic towards the batch's.
    fn follow(kept: &Weight, batch: &Tensor, momentum: f64) -> Result<()> {
        program::infer_or_compute(&[batch], (), || {
            let old = ops::cast_to(&kept.value()?, batch.dtype())?;
            let step = ops::multiply(&batch.detached()?, 1.0 - momentum)?;
            kept.assign(&ops::add(&ops::multiply(&old, momentum)?, step)?)
        })
    }

    /// Returns renormalization's scale `r` and offset `d`, which correct the batch's statistics towards the
    /// moving ones.
    fn renorm_scale_and_offset(&self, mean: &Tensor, stddev: &Tensor) -> Result<(Tensor, Tensor)> {
        let kept_mean = ops::cast_to(&self.renorm_mean.value()?, mean.dtype())?;
        let kept_stddev = ops::cast_to(&self.renorm_stddev.value()?, mean.dtype())?;
        let kept_stddev = ops::maximum(&kept_stddev, self.epsilon.sqrt())?;
        let mut r = ops::divide(stddev, &kept_stddev)?;
        let mut d = ops::divide(ops::subtract(mean, &kept_mean)?, &kept_stddev)?;
        if let Some(rmin) = self.bound("rmin")? {
            r = ops::maximum(&r, rmin)?;
        }
        if let Some(rmax) = self.bound("rmax")? {
            r = ops::minimum(&r, rmax)?;
        }
        if let Some(dmax) = self.bound("dmax")? {
            d = ops::clip(&d, -dmax, dmax)?;
        }
        Ok((ops::stop_gradient(&r)?, ops::stop_gradient(&d)?))
    }

    fn update_renorm(&self, mean: &Tensor, stddev: &Tensor) -> Result<()> {
        Self::follow(&self.renorm_mean, mean, self.renorm_momentum)?;
        Self::follow(&self.renorm_stddev, stddev, self.renorm_momentum)?;
        Self::follow(&self.moving_mean, mean, self.momentum)?;
        Self::follow(&self.moving_stddev, stddev, self.momentum)?;
        let variance = ops::subtract(ops::square(&self.moving_stddev.value()?)?, self.epsilon)?;
        self.moving_variance.assign(&ops::relu(&variance)?)
    }
}

/// `keras.config.epsilon()`.
const KERAS_EPSILON: f64 = 1e-7;

impl Layer for BatchNormalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let shape = Shape::from([input.dim(self.axis)?]);
        if self.scale {
            self.gamma
                .make(cx, &shape)
                .initializer(&self.gamma_initializer)
                .regularizer(&self.gamma_regularizer)
                .constraint(&self.gamma_constraint)
                .autocast(false)
                .create()?;
        }
        if self.center {
            self.beta
                .make(cx, &shape)
                .initializer(&self.beta_initializer)
                .regularizer(&self.beta_regularizer)
                .constraint(&self.beta_constraint)
                .autocast(false)
                .create()?;
        }
        let mut statistic = |weight: &Weight, initializer: &Option<Initializer>| {
            weight.make(cx, &shape).initializer(initializer).trainable(false).autocast(false).create()
        };
        statistic(&self.moving_mean, &self.moving_mean_initializer)?;
        statistic(&self.moving_variance, &self.moving_variance_initializer)?;
        if self.renorm {
            statistic(&self.moving_stddev, &self.moving_variance_initializer)?;
            statistic(&self.renorm_mean, &self.moving_mean_initializer)?;
            statistic(&self.renorm_stddev, &self.moving_variance_initializer)?;
            for stddev in [&self.moving_stddev, &self.renorm_stddev] {
                stddev.assign(&ops::sqrt(&stddev.value()?)?)?;
            }
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if let Some(mask) = cx.mask().filter(|mask| mask.rank() + 1 != x.rank()) {
            return Err(Error::new(
                ErrorKind::Shape,
                "The mask provided should be one dimension less than the inputs.",
            )
            .received(format!("mask.shape={}, inputs.shape={}", mask.shape(), x.shape())));
        }
        let x = ops::cast_to(x, ops::normalization::wide(x.dtype()))?;
        let wide = |weight: &Weight| ops::cast_to(&weight.value()?, x.dtype());
        let mut gamma = if self.scale { Some(wide(&self.gamma)?) } else { None };
        let mut beta = if self.center { Some(wide(&self.beta)?) } else { None };
        let (mean, variance) = if cx.is_training() && self.base.is_trainable() {
            let (mean, variance) = self.moments(&x, cx.mask())?;
            if self.renorm {
                let stddev = ops::sqrt(&ops::add(&variance, self.epsilon)?)?;
                let (r, d) = self.renorm_scale_and_offset(&mean, &stddev)?;
                let (scale, offset) = match &gamma {
                    Some(gamma) => (ops::multiply(&r, gamma)?, ops::multiply(&d, gamma)?),
                    None => (r, d),
                };
                beta = Some(beta.map_or(Ok(offset.clone()), |beta| ops::add(&offset, &beta))?);
                gamma = Some(scale);
                self.update_renorm(&mean, &stddev)?;
            } else {
                Self::follow(&self.moving_mean, &mean, self.momentum)?;
                Self::follow(&self.moving_variance, &variance, self.momentum)?;
            }
            (mean, variance)
        } else {
            (wide(&self.moving_mean)?, wide(&self.moving_variance)?)
        };
        let (scale, offset) = (gamma.as_ref(), beta.as_ref());
        let y = ops::batch_normalization(&x, &mean, &variance, self.axis, offset, scale, self.epsilon)?;
        ops::cast_to(&y, self.base.dtype_policy().compute_dtype()?).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training", "mask"])
    }

    fn input_spec(&self) -> Option<InputSpec> {
        built_spec(&self.base, self.axis)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{LayerExt, LayerRef};

    fn train(layer: &LayerRef, x: &Tensor) -> Vec<f32> {
        layer.call(x, &CallContext::training()).unwrap().into_single().unwrap().to_vec().unwrap()
    }

    fn close(a: &[f32], b: &[f32]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
    }

    // x = [[1, 2], [3, 6]]; BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0, "dmax": 0.5})(x, training=True)
    #[test]
    fn renormalization_is_bounded() {
        let clipping = Dict::from([("rmax".to_owned(), Value::Float(2.0)), ("dmax".to_owned(), Value::Float(0.5))]);
        let layer = BatchNormalization::new().renorm(true).renorm_clipping(clipping).shared();
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0], [2, 2]).unwrap();
        close(&train(&layer, &x), &[-0.5, -1.49975, 1.5, 2.49975]);
    }

    // layer.trainable = False; layer(x, training=True)
    #[test]
    fn a_frozen_layer_keeps_its_statistics() {
        let layer = BatchNormalization::new().trainable(false).epsilon(0.0).shared();
        let x = Tensor::from_slice(&[1.0f32, 3.0], [2, 1]).unwrap();
        close(&train(&layer, &x), &[1.0, 3.0]);
        close(&layer.get_weights()[2].to_vec::<f32>().unwrap(), &[0.0]);
    }

    // BatchNormalization(momentum=0.5)(x, training=True, mask=[[True, False], [True, True]])
    #[test]
    fn masked_steps_do_not_count() {
        let layer = BatchNormalization::new().momentum(0.5).shared();
        let x = Tensor::from_slice(&[1.0f32, 100.0, 3.0, 2.0], [2, 2, 1]).unwrap();
        let mask = Tensor::from_slice(&[true, false, true, true], [2, 2]).unwrap();
        train(&layer, &x.with_mask(Some(mask)));
        close(&layer.get_weights()[2].to_vec::<f32>().unwrap(), &[1.0]);
        close(&layer.get_weights()[3].to_vec::<f32>().unwrap(), &[0.5 + 0.5 * 2.0 / 3.0]);
    }
}
