//! Layers with custom state, assets and build configuration.

use std::sync::{Mutex, OnceLock, PoisonError};

use keras_serial::ResultExt;
use keras_serial::json::Value;
use keras_serial::prelude::*;

/// Its build takes two shapes; its file has named variables, and assets.
#[register(package = "hooks")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Custom {
    base: LayerBase,
    units: usize,
    #[keras(skip)]
    words: Mutex<Vec<String>>,
    #[keras(weight)]
    q: Weight,
    #[keras(weight)]
    k: Weight,
}

impl Custom {
    fn words(&self) -> Vec<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn blob() -> Vec<u8> {
        (0..=255).collect()
    }
}

impl Layer for Custom {
    fn signature(&self) -> Signature {
        Signature::new(&["query", "key"]).build(&["query_shape", "key_shape"])
    }

    fn build(&self, query: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let key = cx.shape("key_shape").unwrap_or(query).last()?;
        self.q.create(cx, [query.last()?, self.units], None, None)?;
        self.k.make(cx, [key, self.units]).trainable(false).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let query = ops::matmul(inputs.required("query")?, &self.q.value()?)?;
        let key = ops::matmul(inputs.required("key")?, &self.k.value()?)?;
        ops::add(&ops::add(&query, &key)?, self.words().len() as f64).map(Into::into)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Custom {
    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some(Vec::new())
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["q", "key", "note"]
    }

    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        let key = ops::multiply(&self.k.value()?, 2.0)?;
        Ok(vec![("q", self.q.value()?), ("key", key), ("note", Tensor::from_slice(&[1i64, 2, 3], [3])?)])
    }

    fn load_named_state(&self, name: &str, value: &Tensor) -> Result<()> {
        match name {
            "q" => self.q.assign(value),
            "key" => self.k.assign(&ops::divide(value, 2.0)?),
            _ => Ok(()),
        }
    }

    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        assets.insert("words.txt", self.words().join("\n"));
        assets.insert("sub/blob.bin", Self::blob());
        Ok(())
    }

    fn load_assets(&self, assets: &Assets) -> Result<()> {
        let words = assets.text("words.txt")?.split('\n').map(str::to_owned).collect();
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        let blob = assets.iter().find_map(|(name, bytes)| (name == "sub/blob.bin").then_some(bytes));
        if blob != Some(&Self::blob()) {
            return Err(Error::new(ErrorKind::Archive, "the asset `sub/blob.bin` has other bytes, or is missing"));
        }
        Ok(())
    }
}

/// Only its build configuration tells how many layers it has.
#[register(package = "hooks")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Recipe {
    base: LayerBase,
    #[keras(sublayer)]
    parts: OnceLock<Vec<LayerRef>>,
    #[keras(skip)]
    shape: OnceLock<Shape>,
}

impl Recipe {
    fn parts(&self, count: usize) -> &[LayerRef] {
        self.parts.get_or_init(|| (0..count).map(|i| Dense::new(2).name(format!("part{i}")).shared()).collect())
    }

    fn restore(&self, config: &Config, layer: &LayerRef) -> Result<()> {
        let entry = |name: &str| config.get(name).unwrap_or(&Value::Null);
        self.parts(usize::from_value(entry("n")).at("n")?);
        layer.build(&Shape::from_value(entry("shape")).at("shape")?)
    }
}

impl Layer for Recipe {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.shape.get_or_init(|| input.clone());
        self.parts(2).iter().try_for_each(|part| cx.build_layer(part, input))
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let mut parts = self.parts(2).iter().map(|part| part.call(inputs.inputs()?, cx)?.into_single());
        let first = parts.next().unwrap_or_else(|| Err(Error::new(ErrorKind::NotBuilt, "there are no parts")))?;
        parts.try_fold(first, |sum, part| ops::add(&sum, &part?)).map(Into::into)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Recipe {
    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        let shape = self.shape.get()?.to_value().ok()?;
        let count = Value::from(self.parts(2).len());
        Some(Value::Dict([("n".to_owned(), count), ("shape".to_owned(), shape)].into_iter().collect()))
    }

    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        Some(self.restore(config, layer))
    }
}
