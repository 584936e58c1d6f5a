//! Group normalization.

use super::built_spec;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerTraits, Weight, invalid_argument};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Group normalization: `gamma · (x - mean) / √(variance + epsilon) + beta`, with statistics of each group of
/// channels of each sample.
///
/// # Arguments
/// - `groups`: 32; the number of groups; -1 makes each channel a group.
/// - `axis`: -1; the axis of the channels.
/// - `epsilon`: 0.001.
/// - `center`, `scale`: true; whether there is a `beta` and a `gamma`.
/// - `beta_initializer`, `gamma_initializer`: `zeros` and `ones`.
/// - `beta_regularizer`, `gamma_regularizer`, `beta_constraint`, `gamma_constraint`: none.
///
/// Follows <https://keras.io/api/layers/normalization_layers/group_normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 3.0, 10.0, 30.0], [1, 4])?;
/// let y = GroupNormalization::new().groups(2).epsilon(0.0).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check, get_config = Self::write)]
pub struct GroupNormalization {
    base: LayerBase,
    #[keras(default = 32)]
    groups: isize,
    #[keras(default = -1)]
    axis: isize,
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
    #[keras(default)]
    beta_regularizer: Option<Regularizer>,
    #[keras(default)]
    gamma_regularizer: Option<Regularizer>,
    #[keras(default)]
    beta_constraint: Option<Constraint>,
    #[keras(default)]
    gamma_constraint: Option<Constraint>,
    #[keras(weight)]
    gamma: Weight,
    #[keras(weight)]
    beta: Weight,
}

impl GroupNormalization {
    fn check(&self) -> Result<()> {
        if self.groups > 0 || self.groups == -1 {
            return Ok(());
        }
        Err(invalid_argument("groups", "a positive integer (or `-1` for instance normalization)", self.groups))
    }

    /// Writes the number of groups once it is known, as Keras does.
    fn write(&self, config: &mut crate::Config) -> Result<()> {
        let channels = built_spec(&self.base, self.axis).and_then(|spec| spec.axes.first().map(|(_, extent)| *extent));
        if let Some(channels) = channels.filter(|_| self.groups == -1) {
            config.insert("groups".into(), channels.into());
        }
        Ok(())
    }

    fn group_count(&self, input: &Shape) -> Result<usize> {
        let channels = input.dim(self.axis)?;
        let groups = usize::try_from(self.groups).unwrap_or(channels);
        let wrong = |what: &str| {
            Err(Error::new(ErrorKind::Shape, format!("Number of groups ({groups}) {what} ({channels})."))
                .received(format!("shape {input}")))
        };
        if channels < groups {
            return wrong("cannot be more than the number of channels");
        }
        if groups == 0 || channels % groups != 0 {
            return wrong("must be a multiple of the number of channels");
        }
        Ok(groups)
    }
}

impl Layer for GroupNormalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.group_count(input)?;
        let channels = input.dim(self.axis)?;
        if self.scale {
            self.gamma
                .make(cx, [channels])
                .initializer(&self.gamma_initializer)
                .regularizer(&self.gamma_regularizer)
                .constraint(&self.gamma_constraint)
                .autocast(false)
                .create()?;
        }
        if self.center {
            self.beta
                .make(cx, [channels])
                .initializer(&self.beta_initializer)
                .regularizer(&self.beta_regularizer)
                .constraint(&self.beta_constraint)
                .autocast(false)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let (groups, axis) = (self.group_count(x.shape())?, x.shape().axis(self.axis)?);
        let gamma = self.gamma.variable().map(|gamma| gamma.value()).transpose()?;
        let beta = self.beta.variable().map(|beta| beta.value()).transpose()?;
        let y = ops::group_normalization(x, groups, axis, gamma.as_ref(), beta.as_ref(), self.epsilon)?;
        ops::cast_to(&y, self.base.dtype_policy().compute_dtype()?).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        built_spec(&self.base, self.axis)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false).supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn channels_must_split_into_groups() {
        let build =
            |groups: isize| GroupNormalization::new().groups(groups).shared().build(&Shape::from([None, Some(6)]));
        assert!(build(3).is_ok() && build(-1).is_ok());
        assert!(build(4).unwrap_err().to_string().contains("must be a multiple"));
        assert!(build(12).unwrap_err().to_string().contains("cannot be more"));
    }
}
