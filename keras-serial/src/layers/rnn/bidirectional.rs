//! Bidirectional wrapper of recurrent layers.

use super::recurrence::reversed;
use crate::config::{Config, ConfigField, FieldVisitor};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{BuildContext, InputSpec, Layer, LayerBase, LayerRef, LayerTraits, Signature};
use crate::ops;
use crate::ops::dtypes::cast;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// How the outputs of both directions are merged.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    /// Their element-wise sum.
    Sum,
    /// Their element-wise product.
    Mul,
    /// Their element-wise mean.
    Ave,
    /// Their concatenation along the last axis.
    Concat,
}

/// Runs one recurrent layer forwards and one backwards over a sequence.
///
/// # Arguments
/// - `layer`: a recurrent layer such as [`LSTM`](super::LSTM), of which a copy is used.
/// - `backward_layer`: a copy of `layer` that goes backwards by default; otherwise a layer with the same
///   `stateful`, `return_sequences` and `return_state` and the opposite `go_backwards`.
/// - `merge_mode`: `concat`; none returns both outputs.
///
/// If they return sequences, both directions output zeros for masked steps.
///
/// # Shapes
/// Those of `layer`, with twice the features for `concat`. `initial_state` holds the forward states, then the
/// backward ones, and so do the results with `return_state`.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/bidirectional>.
///
/// ```
/// use keras_serial::layers::MergeMode;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3, 1])?;
/// let sum = SimpleRNN::new(1).activation("linear").kernel_initializer("ones").recurrent_initializer("ones");
/// let both = Bidirectional::new(sum.return_sequences(true))?.merge_mode(MergeMode::Sum);
/// assert_eq!(both.apply(&x)?.to_vec::<f32>()?, [7.0, 8.0, 9.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(validate = Self::check, from_config = complete, ignore("weights"))]
pub struct Bidirectional {
    base: LayerBase,
    #[keras(default = Some(MergeMode::Concat))]
    merge_mode: Option<MergeMode>,
    #[keras(rename = "layer")]
    forward_layer: Forward,
    backward_layer: LayerRef,
}

/// The forward layer: its entry is `layer` in configurations and `forward_layer` in files of weights.
#[derive(Debug)]
struct Forward(LayerRef);

impl ConfigField for Forward {
    fn field_type() -> crate::config::FieldType {
        LayerRef::field_type()
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        LayerRef::from_value(value).map(Self)
    }

    fn visit(&self, _: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit("forward_layer", visitor);
    }
}

/// Names the directions, adds the backward layer if it is left out, and sets `zero_output_for_mask` for
/// sequences.
fn complete(config: &mut Config) -> Result<()> {
    let Some(given) = config.get("layer").cloned() else { return Ok(()) };
    let forward = direction(&given, Some("forward_"), false).at("layer")?;
    let backward = match config.get("backward_layer") {
        None | Some(Value::Null) => direction(&given, Some("backward_"), true),
        Some(backward) => direction(backward, None, false),
    };
    config.insert("layer".into(), forward);
    config.insert("backward_layer".into(), backward.at("backward_layer")?);
    Ok(())
}

/// Prepares a serialized layer as one of the directions.
fn direction(form: &Value, prefix: Option<&str>, backwards: bool) -> Result<Value> {
    let mut form = form.clone();
    let has_zeros = has_zeros(&form);
    let Some(config) = (match &mut form {
        Value::Dict(form) => form.get_mut("config"),
        _ => None,
    }) else {
        return Err(crate::config::wrong_type("a serialized layer", &form));
    };
    let Value::Dict(config) = config else { return Err(crate::config::wrong_type("a dict", config).at("config")) };
    if let Some(prefix) = prefix {
        let name = config.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{prefix}{}", name.strip_prefix(prefix).unwrap_or(name));
        config.insert("name".into(), Value::from(name));
    }
    if backwards {
        config.insert("go_backwards".into(), Value::Bool(true));
    }
    if let Some(sequences) = config.get("return_sequences").cloned()
        && (has_zeros || config.contains_key("zero_output_for_mask"))
    {
        config.insert("zero_output_for_mask".into(), sequences);
    }
    Ok(form)
}

/// Returns whether the class has `zero_output_for_mask`, which configurations may leave out.
fn has_zeros(form: &Value) -> bool {
    let text = |key: &str| form.get(key).and_then(Value::as_str);
    let is_own = text("module").is_none_or(|module| module.starts_with("keras.")) && text("registered_name").is_none();
    let classes = ["RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"];
    is_own && text("class_name").is_some_and(|class| classes.contains(&class))
}

/// Returns a boolean argument of a recurrent layer of any class.
fn flag(layer: &LayerRef, name: &str) -> Result<bool> {
    match layer.get_config()?.get(name) {
        Some(Value::Bool(flag)) => Ok(*flag),
        _ => Err(Error::new(ErrorKind::Config, format!("the layer has no `{name}`"))
            .expected("a recurrent layer")
            .received(format!("{layer:?}"))),
    }
}

impl Bidirectional {
    /// Creates the wrapper from a copy of the layer, and one that goes backwards.
    ///
    /// # Errors
    /// If the layer is not recurrent, or can't be serialized.
    pub fn new(layer: impl Into<LayerRef>) -> Result<Self> {
        Self::from_config(&Config::from([("layer".into(), layer.into().to_value()?)]))
    }

    /// Creates the wrapper from copies of the layer and of another one for the backward direction.
    ///
    /// # Errors
    /// If the layers do not match.
    pub fn with_backward_layer(layer: impl Into<LayerRef>, backward: impl Into<LayerRef>) -> Result<Self> {
        let (layer, backward) = (layer.into(), backward.into());
        Self::from_config(&Config::from([
            ("layer".into(), layer.to_value()?),
            ("backward_layer".into(), backward.to_value()?),
        ]))
    }

    /// Sets `merge_mode`; `None` returns the outputs of both directions.
    #[must_use]
    pub fn merge_mode(mut self, merge_mode: impl Into<Option<MergeMode>>) -> Self {
        self.merge_mode = merge_mode.into();
        self
    }

    /// Returns the layer that runs forwards.
    pub fn forward_layer(&self) -> &LayerRef {
        &self.forward_layer.0
    }

    /// Returns the layer that runs backwards.
    pub fn backward_layer(&self) -> &LayerRef {
        &self.backward_layer
    }

    fn check(&self) -> Result<()> {
        let (forward, backward) = (self.forward_layer(), self.backward_layer());
        if flag(forward, "go_backwards")? == flag(backward, "go_backwards")? {
            return Err(Error::new(
                ErrorKind::Config,
                "Forward layer and backward layer should have different `go_backwards` value",
            )
            .received(format!("go_backwards={} for both", flag(forward, "go_backwards")?)));
        }
        for name in ["stateful", "return_sequences", "return_state"] {
            if flag(forward, name)? != flag(backward, name)? {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!(
                        "Forward layer and backward layer are expected to have the same value for attribute \"{name}\""
                    ),
                )
                .received(format!("{} and {}", flag(forward, name)?, flag(backward, name)?)));
            }
        }
        Ok(())
    }

    /// Returns the outputs of both directions, in the order of the input, and the states.
    fn run(&self, inputs: &CallArgs, cx: &CallContext) -> Result<(Tensor, Tensor, Vec<Nested<Tensor>>)> {
        let mut forward = CallArgs::from(inputs.tensor()?);
        if let Some(mask) = cx.mask() {
            forward = forward.with("mask", mask.clone());
        }
        let mut backward = forward.clone();
        if let Some(states) = inputs.structure("initial_state")? {
            let items = states.items().map_or_else(|| vec![states.clone()], <[_]>::to_vec);
            let (first, second) = items.split_at(items.len() / 2);
            forward = forward.with("initial_state", Nested::List(first.to_vec()));
            backward = backward.with("initial_state", Nested::List(second.to_vec()));
        }
        let compute = self.base.dtype_policy().compute_dtype()?;
        let mut states = Vec::new();
        let mut output = |layer: &LayerRef, args: CallArgs| -> Result<Tensor> {
            let results = layer.call(args, cx)?;
            if let Some([_, rest @ ..]) = results.items() {
                states.extend(rest.iter().cloned());
            }
            match results.items() {
                Some([output, ..]) => cast(output.single()?, compute),
                _ => cast(results.single()?, compute),
            }
        };
        let y = output(self.forward_layer(), forward)?;
        let mut reverse = output(self.backward_layer(), backward)?;
        if flag(self.forward_layer(), "return_sequences")? {
            reverse = reversed(&reverse)?;
        }
        Ok((y, reverse, states))
    }
}

impl Layer for Bidirectional {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(self.forward_layer(), input)?;
        cx.build_layer(self.backward_layer(), input)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let (y, reverse, states) = self.run(inputs, cx)?;
        let mut results = match self.merge_mode {
            Some(MergeMode::Sum) => vec![ops::add(&y, &reverse)?],
            Some(MergeMode::Mul) => vec![ops::multiply(&y, &reverse)?],
            Some(MergeMode::Ave) => vec![ops::divide(&ops::add(&y, &reverse)?, 2.0)?],
            Some(MergeMode::Concat) => vec![ops::concatenate(&[y, reverse], -1)?],
            None => vec![y, reverse],
        };
        if states.is_empty() && results.len() == 1 {
            return results.pop().map(Nested::Leaf).ok_or_else(|| Error::new(ErrorKind::Graph, "no output"));
        }
        Ok(Nested::Tuple(results.into_iter().map(Nested::Leaf).chain(states).collect()))
    }

    fn signature(&self) -> Signature {
        Signature::new(&["sequences", "initial_state", "mask", "training"])
            .build(&["sequences_shape", "initial_state_shape"])
    }

    fn input_spec(&self) -> Option<InputSpec> {
        self.forward_layer().layer().input_spec()
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    fn compute_mask(&self, _: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let sequences = flag(self.forward_layer(), "return_sequences")?;
        let mask = masks.first().cloned().flatten().filter(|_| sequences);
        Ok(vec![mask; if self.merge_mode.is_none() { 2 } else { 1 }])
    }

    fn reset_state(&self) -> Result<()> {
        if !flag(self.forward_layer(), "stateful")? {
            return Err(Error::new(ErrorKind::InvalidArgument, "Layer must be stateful."));
        }
        self.forward_layer().reset_state()?;
        self.backward_layer().reset_state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::SimpleRNN;

    #[test]
    fn directions_that_do_not_go_together_are_refused() {
        let rnn = || SimpleRNN::new(2).return_sequences(true);
        let error = Bidirectional::with_backward_layer(rnn(), rnn()).unwrap_err();
        assert!(error.to_string().contains("different `go_backwards` value"), "{error}");
        let error = Bidirectional::with_backward_layer(rnn(), SimpleRNN::new(2).go_backwards(true)).unwrap_err();
        assert!(error.to_string().contains("same value for attribute \"return_sequences\""), "{error}");
    }

    #[test]
    fn directions_give_zeros_for_masked_steps_though_their_configurations_leave_it_out() {
        let form = r#"{"layer": {"class_name": "LSTM", "config": {"units": 1, "return_sequences": true}}}"#;
        let Value::Dict(config) = Value::parse(form).unwrap() else { panic!() };
        let both = Bidirectional::from_config(&Config::from_iter(config)).unwrap();
        for layer in [both.forward_layer(), both.backward_layer()] {
            assert!(flag(layer, "zero_output_for_mask").unwrap());
        }
    }
}
