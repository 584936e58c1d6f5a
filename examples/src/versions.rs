//! Migration of one's own classes: files that have an older name or an older configuration are read.

use keras_serial::json::value;
use keras_serial::prelude::*;

/// A blend of two inputs. It was `Lerp` of another package once, and its `weight` was `percent`.
#[register(package = "VersionsExample", name = "Blend", aliases = ["OldExample>Lerp"])]
#[derive(KerasSerializable)]
#[keras(new, version = 2, upgrade = upgrade, infer_version = version_of)]
pub struct Blend {
    base: LayerBase,
    /// The share of the first input, from 0 to 1.
    weight: f64,
}

/// Brings a configuration of a version to the next one.
fn upgrade(version: u32, config: &mut Config) -> Result<()> {
    if version == 1
        && let Some(percent) = config.shift_remove("percent")
    {
        let percent = percent.as_f64().ok_or_else(|| Error::new(ErrorKind::Config, "`percent` is no number"))?;
        config.insert("weight".into(), (percent / 100.0).into());
    }
    Ok(())
}

/// Returns the version of a configuration that does not say it: from before there were versions, or from Python.
fn version_of(config: &Config) -> u32 {
    if config.contains_key("percent") { 1 } else { 2 }
}

impl Layer for Blend {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        ops::multiply(x, self.weight).map(Into::into)
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let old = value!({ "class_name": "Lerp", "registered_name": "OldExample>Lerp", "config": { "percent": 25 } });
    let layer = LayerRef::deserialize(&old)?;
    assert_eq!(layer.get_config()?["weight"], 0.25.into());

    // The version stands beside the configuration, where Keras reads past it.
    let new = layer.serialize()?;
    println!("{}", new.to_json());
    assert_eq!(new["registered_name"], "VersionsExample>Blend".into());
    assert_eq!(new["config_version"], 2.into());
    assert_eq!(LayerRef::deserialize(&new)?.get_config()?, layer.get_config()?);
    Ok(())
}
