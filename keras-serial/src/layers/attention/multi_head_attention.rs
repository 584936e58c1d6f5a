//! Multi-head attention.

use super::heads::{self, Attended, Core, Projections};
use crate::config::{Config, ConfigField, Number};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::initializers::Initializer;
use crate::layers::core::einsum_dense::partial_shape;
use crate::layers::{AxisSpec, BuildContext, Layer, LayerBase, LayerTraits, Signature, Sublayer, invalid_argument};
use crate::ops;
use crate::program;
use crate::random::Seed;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Multi-head attention: scaled dot-product attention `softmax(q · k / √key_dim) · v` over `num_heads`
/// projections of query, key and value, whose results are projected to one output.
///
/// # Arguments
/// - `num_heads`: the number of heads; `key_dim`: the size of each head's queries and keys.
/// - `value_dim`: `key_dim` by default; the size of each head's values.
/// - `dropout`: 0; the fraction of attention weights that training drops.
/// - `use_bias`: true; `use_gate`: false, whether a sigmoid of the query gates the attention output.
/// - `output_shape`: the size of the query's last axis by default.
/// - `attention_axes`: all axes between batch and features by default.
/// - `sliding_window`: none; how far from itself a position attends.
/// - `flash_attention`: none; asks for faster kernels and does not change results.
/// - `kernel_initializer`: `glorot_uniform`, `bias_initializer`: `zeros`; regularizers and constraints: none;
///   all apply to each projection.
/// - `seed`: none; the seed of the dropout.
///
/// # Arguments of the call
/// - `query`, `value`, `key` (the value by default).
/// - `query_mask`, `value_mask`, `key_mask`: by default those that the tensors carry.
/// - `attention_mask`: `(batch, queries, keys)`.
/// - `return_attention_scores`, `use_causal_mask`: false by default.
///
/// Follows <https://keras.io/api/layers/attention_layers/multi_head_attention>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32; 12], [1, 3, 4])?;
/// let layer = MultiHeadAttention::new(2, 8).kernel_initializer("zeros").bias_initializer("ones");
/// let y = layer.apply(CallArgs::from(&x).and(x.clone()).with_value("use_causal_mask", true))?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0; 12]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check, from_config = Self::read, get_config = Self::write)]
pub struct MultiHeadAttention {
    base: LayerBase,
    num_heads: usize,
    key_dim: usize,
    #[keras(default)]
    value_dim: Option<usize>,
    #[keras(default = 0.0.into())]
    dropout: Number,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(default)]
    use_gate: bool,
    #[keras(default, with = "output_shape", field_type = output_shape::values)]
    output_shape: Option<Shape>,
    #[keras(default)]
    attention_axes: Option<AxisSpec>,
    #[keras(default)]
    sliding_window: Option<usize>,
    #[keras(default, skip_if = heads::is_never_written)]
    flash_attention: Option<bool>,
    #[keras(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    bias_regularizer: Option<Regularizer>,
    /// The activity regularizer of each projection, not of the layer's own output.
    #[keras(default, rename = "projections_activity_regularizer")]
    activity_regularizer: Option<Regularizer>,
    #[keras(default)]
    kernel_constraint: Option<Constraint>,
    #[keras(default)]
    bias_constraint: Option<Constraint>,
    #[keras(default)]
    seed: Seed,
    #[keras(sublayer(name = "query_dense"))]
    query_dense: Sublayer,
    #[keras(sublayer(name = "key_dense"))]
    key_dense: Sublayer,
    #[keras(sublayer(name = "_gate_dense"))]
    gate_dense: Sublayer,
    #[keras(sublayer(name = "value_dense"))]
    value_dense: Sublayer,
    #[keras(sublayer(name = "_softmax"))]
    softmax: Sublayer,
    #[keras(sublayer(name = "_dropout_layer"))]
    dropout_layer: Sublayer,
    #[keras(sublayer(name = "output_dense"))]
    output_dense: Sublayer,
}

/// Reads none, one number, or a shape.
mod output_shape {
    use super::{ConfigField, Result, Shape, partial_shape};
    use crate::config::FieldType;
    use crate::json::Value;

    pub(super) fn values() -> FieldType {
        partial_shape::values().or_null()
    }

    pub(super) fn to_value(shape: &Option<Shape>) -> Result<Value> {
        shape.to_value()
    }

    pub(super) fn from_value(value: &Value) -> Result<Option<Shape>> {
        if value.is_null() { Ok(None) } else { partial_shape::from_value(value).map(Some) }
    }
}

const ACTIVITY: &str = "activity_regularizer";
const PROJECTIONS_ACTIVITY: &str = "projections_activity_regularizer";

impl MultiHeadAttention {
    /// Renames the entry: Keras writes the projections' activity regularizer under the name of a layer's own.
    fn read(config: &mut Config) -> Result<()> {
        if let Some(regularizer) = config.shift_remove(ACTIVITY) {
            config.insert(PROJECTIONS_ACTIVITY.into(), regularizer);
        }
        Ok(())
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("value_dim".into(), self.values_dim().into());
        let built = self.base.built_shapes();
        if let Some(Nested::Leaf(value)) = built.as_ref().and_then(|shapes| shapes.get("value_shape")) {
            config.insert("attention_axes".into(), self.axes(value.rank())?.to_value()?);
        } else if let Some(axes) = &self.attention_axes {
            config.insert("attention_axes".into(), axes.list().to_value().at("attention_axes")?);
        }
        let rename = |key: String| if key == PROJECTIONS_ACTIVITY { ACTIVITY.to_owned() } else { key };
        *config = std::mem::take(config).into_iter().map(|(key, value)| (rename(key), value)).collect();
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let arguments =
            [("num_heads", self.num_heads), ("key_dim", self.key_dim), ("value_dim", self.value_dim.unwrap_or(1))];
        if let Some((name, _)) = arguments.iter().find(|(_, number)| *number == 0) {
            return Err(invalid_argument(name, "a positive integer", 0));
        }
        heads::check(self.dropout, self.flash_attention, self.sliding_window)
    }

    fn values_dim(&self) -> usize {
        self.value_dim.unwrap_or(self.key_dim)
    }

    fn projections(&self) -> Projections<'_> {
        Projections {
            base: &self.base,
            use_bias: self.use_bias,
            kernel_initializer: &self.kernel_initializer,
            bias_initializer: &self.bias_initializer,
            kernel_regularizer: &self.kernel_regularizer,
            bias_regularizer: &self.bias_regularizer,
            activity_regularizer: self.activity_regularizer.as_ref(),
            kernel_constraint: &self.kernel_constraint,
            bias_constraint: &self.bias_constraint,
        }
    }

    /// Returns the attention axes for a value of this rank.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(axes) = &self.attention_axes else { return Ok((1..rank.saturating_sub(1)).collect()) };
        let position = |axis: isize| {
            let position = if axis < 0 { axis + rank as isize } else { axis };
            usize::try_from(position).ok().filter(|position| position + 1 < rank).ok_or_else(|| {
                Error::new(ErrorKind::Shape, "`attention_axes` are not axes of the inputs")
                    .expected(format!("axes below {}", rank.saturating_sub(1)))
                    .received(axis.to_string())
            })
        };
        axes.list().into_iter().map(position).collect()
    }
}

/// Returns einsum labels: `abc…`.
fn letters(from: usize, count: usize) -> String {
    (from..from + count).filter_map(|i| char::from_u32('a' as u32 + i as u32)).collect()
}

/// Returns the einsum equation of a projection that keeps the free axes, sums over the bound ones and appends
/// the output axes; with it the axes of the bias and the rank of the result (`_build_proj_equation`).
fn projection_equation(free: usize, bound: usize, output: usize) -> (String, String, usize) {
    let (kept, summed, added) = (letters(0, free), letters(free, bound), letters(free + bound, output));
    (format!("{kept}{summed},{summed}{added}->{kept}{added}"), added, free + output)
}

/// Returns the einsum equations of scores and of the attention output, for projections of this rank
/// (`_build_attention_equation`).
fn attention_equations(rank: usize, axes: &[usize]) -> (String, String) {
    let target: Vec<char> = letters(0, rank).chars().collect();
    let mut others = letters(rank, rank).chars().collect::<Vec<_>>().into_iter();
    let is_batch = |i: &usize| !axes.contains(i) && i + 1 != rank;
    let source: Vec<char> = (0..rank)
        .zip(&target)
        .filter_map(|(i, label)| if is_batch(&i) || i + 1 == rank { Some(*label) } else { others.next() })
        .collect();
    let pick = |labels: &[char], axes: &[usize]| axes.iter().filter_map(|axis| labels.get(*axis)).collect::<String>();
    let batch: Vec<usize> = (0..rank).filter(is_batch).collect();
    let product = pick(&target, &batch) + &pick(&target, axes) + &pick(&source, axes);
    let (target, source): (String, String) = (target.iter().collect(), source.iter().collect());
    (format!("{source},{target}->{product}"), format!("{product},{source}->{target}"))
}

/// Returns a shape that ends with these extents, filled up with unknown ones to the rank without the batch.
fn open_shape(rank: usize, last: &[Option<usize>]) -> Shape {
    std::iter::repeat_n(None, rank.saturating_sub(1 + last.len())).chain(last.iter().copied()).collect()
}

impl Layer for MultiHeadAttention {
    fn build(&self, query: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let (value, key) = heads::value_and_key(query, cx)?;
        let projections = self.projections();
        let into_heads = |name: &str, input: &Shape, dim: usize| {
            let (equation, bias, rank) = projection_equation(input.rank().saturating_sub(1), 1, 2);
            projections.dense(name, equation, open_shape(rank, &[Some(self.num_heads), Some(dim)]), &bias)
        };
        self.query_dense.make(cx, into_heads("query", query, self.key_dim), query)?;
        self.key_dense.make(cx, into_heads("key", &key, self.key_dim), &key)?;
        if self.use_gate {
            let gate = into_heads("gate", query, self.values_dim()).activation("sigmoid");
            self.gate_dense.make(cx, gate, query)?;
        }
        self.value_dense.make(cx, into_heads("value", &value, self.values_dim()), &value)?;
        let axes = -(self.axes(value.rank())?.len() as isize)..0;
        let dropout = (&self.dropout_layer, self.dropout, &self.seed);
        projections.make_core(cx, (&self.softmax, axes.collect()), dropout)?;
        let output = match &self.output_shape {
            Some(shape) if shape.rank() > 0 => shape.dims().to_vec(),
            _ => vec![query.get(-1)?],
        };
        let free = query.rank().saturating_sub(1);
        let (equation, bias, rank) = projection_equation(free, 2, output.len());
        let dense = projections.dense("attention_output", equation, open_shape(rank, &output), &bias);
        let heads = [Some(self.num_heads), Some(self.values_dim())];
        self.output_dense.make(cx, dense, &query.dims().iter().take(free).copied().chain(heads).collect())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let return_scores = inputs.flag("return_attention_scores", false)?;
        if return_scores && self.flash_attention == Some(true) {
            return Err(heads::no_scores());
        }
        let Attended { query, value, key } = Attended::of(inputs)?;
        // As in Keras, the mask that the query carries applies even when an attention mask is given.
        let query_mask = query.mask();
        let mask = heads::attention_mask(inputs, query_mask.as_ref(), self.sliding_window)?;
        // Keras removes the masks from the inputs, which also affects what is computed from them after this
        // call.
        [&query, &value, &key].into_iter().for_each(|input| input.set_mask(None));
        let gate = if self.use_gate { Some(self.gate_dense.call(&query, cx)?) } else { None };
        let axes = self.axes(value.rank())?;
        let projected = Attended {
            query: self.query_dense.call(&query, cx)?,
            key: self.key_dense.call(&key, cx)?,
            value: self.value_dense.call(&value, cx)?,
        };
        let (dot_product, combine) = attention_equations(projected.value.rank(), &axes);
        let core = Core {
            softmax: &self.softmax,
            dropout_layer: &self.dropout_layer,
            dropout: self.dropout.get(),
            scale: 1.0 / (self.key_dim as f64).sqrt(),
            axes: axes.len(),
            dot_product: &dot_product,
            combine: &combine,
            key_first: true,
        };
        let (mut attended, scores) = core.attend(&projected, mask, return_scores, cx)?;
        if let Some(gate) = gate {
            attended = ops::multiply(&attended, &gate)?;
        }
        let y = self.output_dense.call(&attended, cx)?.with_mask(query_mask);
        let Some(scores) = scores else { return Ok(y.into()) };
        // Keras infers the query's length, even where the number of keys differs.
        let length = query.shape().get(1)?;
        let inferred = Tensor::symbol([query.shape().get(0)?, Some(self.num_heads), length, length], scores.dtype());
        let scores = program::infer_or_compute(&[&scores], inferred, || Ok(scores.clone()))?;
        Ok(Nested::tuple([y, scores]))
    }

    fn signature(&self) -> Signature {
        Signature::new(heads::CALL_ARGUMENTS).build(heads::BUILD_ARGUMENTS)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use crate::layers::LayerExt;

    // keras.src.layers.attention.multi_head_attention._build_attention_equation(5, (1, 2)), (4, (1,))
    #[test]
    fn equations_are_keras_equations() {
        let (scores, attended) = attention_equations(5, &[1, 2]);
        assert_eq!((scores.as_str(), attended.as_str()), ("afgde,abcde->adbcfg", "adbcfg,afgde->abcde"));
        assert_eq!(attention_equations(4, &[1]).0, "aecd,abcd->acbe");
        assert_eq!(projection_equation(2, 1, 2), ("abc,cde->abde".into(), "de".into(), 4));
    }

    #[test]
    fn the_projections_penalty_is_not_the_layers() {
        let layer = MultiHeadAttention::new(2, 4).activity_regularizer("l2").attention_axes(1).shared();
        let config = layer.get_config().unwrap();
        let keys: Vec<&str> = config.keys().map(String::as_str).collect();
        assert_eq!(keys[16..18], ["activity_regularizer", "kernel_constraint"]);
        assert_eq!(config.get("attention_axes"), Some(&Value::from(vec![1usize])));
        assert_eq!(config.get("value_dim"), Some(&Value::Int(4)));
        assert!(layer.layer().base().activity_regularizer().is_none());
        let again = MultiHeadAttention::from_config(&config).unwrap();
        assert!(again.activity_regularizer.is_some());
    }

    #[test]
    fn dropout_and_flash_attention_exclude_each_other() {
        let layer = MultiHeadAttention::new(2, 4).dropout(0.5).flash_attention(true);
        assert!(layer.check().unwrap_err().to_string().contains("flash attention"));
    }
}
