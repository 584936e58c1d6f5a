//! LoRA: low-rank updates of a frozen weight, `w + alpha / rank · a · b`, of which only `a` and `b` are
//! trained.

use crate::config::Config;
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{BuildContext, Weight};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{DType, Tensor};

/// Returns the scale of an update: `alpha / rank`, 1 by default.
pub(crate) fn scale(rank: usize, alpha: Option<&Value>) -> f64 {
    alpha.and_then(Value::as_f64).map_or(1.0, |alpha| alpha / rank.max(1) as f64)
}

/// Returns an error if a weight with a low-rank update has a constraint.
pub(crate) fn check(rank: Option<usize>, is_constrained: bool, constraint: &str) -> Result<()> {
    match rank {
        Some(_) if is_constrained => {
            Err(Error::new(ErrorKind::Config, format!("Lora is incompatible with `{constraint}`"))
                .hint(format!("in order to enable lora on this layer, remove the `{constraint}` argument")))
        }
        _ => Ok(()),
    }
}

/// Refuses to quantize a weight with a low-rank update to 8-bit floats, as Keras does.
pub(crate) fn check_quantizing(rank: Option<usize>, mode: Quantization) -> Result<()> {
    match (rank, mode) {
        (Some(_), Quantization::Float8 { .. }) => {
            Err(Error::new(ErrorKind::Unsupported, "a layer with a low-rank update has no quantization mode 'float8'")
                .expected("int8 or int4")
                .hint("save the model and load it without `lora_rank`: files hold the sum of weight and update"))
        }
        _ => Ok(()),
    }
}

/// Returns the low-rank update of a weight: `alpha / rank · a · b`.
pub(crate) fn update(a: &Weight, b: &Weight, (rank, alpha): (usize, Option<&Value>)) -> Result<Tensor> {
    ops::multiply(&ops::matmul(&a.value()?, &b.value()?)?, scale(rank, alpha))
}

/// Attaches the factors to their weight, so that the sum of weight and update is saved, and the update is
/// subtracted when the weight is loaded.
pub(crate) fn attach(weight: &Weight, (a, b): (&Weight, &Weight), (rank, alpha): (usize, Option<&Value>)) {
    if let (Some(weight), Some(a), Some(b)) = (weight.variable(), a.variable(), b.variable()) {
        weight.set_low_rank(a, b, scale(rank, alpha));
    }
}

/// Writes the rank as alpha if alpha was not given, as Keras does.
pub(crate) fn write(rank: Option<usize>, config: &mut Config) {
    if let (Some(rank), Some(at)) = (rank, config.get_index_of("lora_rank"))
        && !config.contains_key("lora_alpha")
    {
        config.shift_insert(at + 1, "lora_alpha".into(), rank.into());
    }
}

/// Freezes a weight and creates the factors of its low-rank update. Files hold the weight with the update
/// merged in, and no factors.
pub(crate) fn make(
    cx: &mut BuildContext<'_>,
    weight: &Weight,
    (a, b): (&Weight, &Weight),
    (rank, alpha): (usize, Option<&Value>),
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
    factor(b, vec![rank, *last], "zeros".into())?;
    attach(weight, (a, b), (rank, alpha));
    Ok(())
}

#[cfg(feature = "archive")]
#[cfg(test)]
mod tests {
    use crate::layers::{Dense, Input, LayerExt};
    use crate::models::Sequential;
    use crate::saving::{LoadOptions, SaveOptions};
    use crate::tensor::Tensor;

    #[test]
    fn files_hold_what_was_learned() {
        let model = Sequential::new([Input::new([2]).layer(), Dense::new(2).lora_rank(1).shared()]).unwrap();
        let b = model.weights().into_iter().find(|weight| weight.name() == "lora_kernel_b").unwrap();
        b.assign(&Tensor::from_slice(&[1.0f32, -2.0], [1, 2]).unwrap()).unwrap();
        let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 2]).unwrap();
        let before = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
        let bytes = SaveOptions::new().save_model_to_bytes(&model).unwrap();
        let loaded = LoadOptions::new().load_model_from_bytes(bytes).unwrap();
        let after = loaded.predict(&x).unwrap().to_vec::<f32>().unwrap();
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-5), "{before:?}, {after:?}");
        let again = SaveOptions::new().save_model_to_bytes(&loaded).unwrap();
        let again =
            LoadOptions::new().load_model_from_bytes(again).unwrap().predict(&x).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(again, after);
    }
}
