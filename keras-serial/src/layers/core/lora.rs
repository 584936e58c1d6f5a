//! Low-rank updates of a weight: `w + alpha / rank · a · b`, of which only a and b learn.

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{BuildContext, Weight};
use crate::regularizers::Regularizer;
use crate::tensor::DType;

/// By what an update is scaled: `alpha / rank`, 1 by default.
pub(crate) fn scale(rank: usize, alpha: Option<&Value>) -> f64 {
    alpha.and_then(Value::as_f64).map_or(1.0, |alpha| alpha / rank.max(1) as f64)
}

/// Refuses what does not go together.
pub(crate) fn check(rank: Option<usize>, is_constrained: bool, constraint: &str) -> Result<()> {
    match rank {
        Some(_) if is_constrained => {
            Err(Error::new(ErrorKind::Config, format!("Lora is incompatible with `{constraint}`"))
                .hint(format!("in order to enable lora on this layer, remove the `{constraint}` argument")))
        }
        _ => Ok(()),
    }
}

/// Keras writes the rank for an alpha that was not given.
pub(crate) fn write(rank: Option<usize>, config: &mut Config) {
    if let (Some(rank), Some(at)) = (rank, config.get_index_of("lora_rank"))
        && !config.contains_key("lora_alpha")
    {
        config.shift_insert(at + 1, "lora_alpha".into(), rank.into());
    }
}

/// Freezes a weight, and makes the factors of its update. Files have the weight with the update in
/// it, and no factors.
pub(crate) fn make(
    cx: &mut BuildContext<'_>,
    weight: &Weight,
    (a, b): (&Weight, &Weight),
    rank: usize,
    shape: &[usize],
    regularizer: &Option<Regularizer>,
) -> Result<()> {
    if let Some(variable) = weight.variable() {
        variable.set_trainable(false);
    }
    let [outer @ .., last] = shape else { return Ok(()) };
    let mut factor = |factor: &Weight, shape: Vec<usize>, initializer: Initializer| {
        let maker = factor.make(cx, shape).initializer(&initializer).regularizer(regularizer);
        maker.dtype(DType::Float32).saved(false).create()
    };
    factor(a, outer.iter().copied().chain([rank]).collect(), "he_uniform".into())?;
    factor(b, vec![rank, *last], "zeros".into())
}
