//! Every attribute at once.

use keras_serial::prelude::*;

use keras_serial::IndexMap;
use std::sync::OnceLock;

/// Every attribute at once.
#[register(package = "MyLayers", name = "Every")]
#[derive(KerasSerializable)]
#[keras(new, setters, validate = Self::check, get_config = Self::adjust, from_config = upgrade, ignore("old"))]
pub struct Everything {
    base: LayerBase,
    units: usize,
    #[keras(default = 0.5, rename = "drop_rate", alias = "rate", alias = "p")]
    rate: f64,
    #[keras(default, skip_if = Option::is_none)]
    activation: Option<Activation>,
    #[keras(default, with = "seconds")]
    wait: std::time::Duration,
    #[keras(default, serde)]
    names: std::collections::BTreeSet<String>,
    #[keras(default)]
    heads: IndexMap<String, LayerRef>,
    #[keras(default, no_setter)]
    r#type: String,
    #[keras(base_or_null)]
    activity_regularizer: (),
    #[keras(weight(name = "gamma"))]
    kernel: Weight,
    #[keras(sublayer(name = "_dense"))]
    dense: OnceLock<LayerRef>,
    #[keras(skip)]
    calls: std::sync::atomic::AtomicUsize,
}

impl Everything {
    fn check(&self) -> Result<()> {
        match self.units {
            0 => Err(Error::new(ErrorKind::Config, "no units")),
            _ => Ok(()),
        }
    }

    fn adjust(&self, config: &mut Config) -> Result<()> {
        config.insert("double".into(), (self.units * 2).to_value()?);
        Ok(())
    }
}

fn upgrade(config: &mut Config) -> Result<()> {
    match config.shift_remove("double") {
        Some(double) => usize::from_value(&double).map(drop),
        None => Ok(()),
    }
}

mod seconds {
    use std::time::Duration;

    use keras_serial::{ConfigField, Result, json::Value};

    pub fn to_value(wait: &Duration) -> Result<Value> {
        wait.as_secs_f64().to_value()
    }

    pub fn from_value(value: &Value) -> Result<Duration> {
        f64::from_value(value).map(Duration::from_secs_f64)
    }
}

impl Layer for Everything {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }
}

pub(super) fn main() {
    let layer = Everything::new(3usize).rate(0.25).activation("relu");
    assert_eq!(layer.get_config().unwrap().get("drop_rate").and_then(keras_serial::json::Value::as_f64), Some(0.25));
}
