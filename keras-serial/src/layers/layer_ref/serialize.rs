//! Serialization of layers, and layers as fields of configurations.

use std::any::Any;
use std::sync::Arc;

use super::LayerRef;
use crate::config::{Config, ConfigField, FieldVisitor, Placeholder, StateField};
use crate::error::{Result, ResultExt};
use crate::json::Value;
use crate::layers::Layer;
use crate::object::{Form, Handle, Kind, Object};
use crate::registry::{self, Cast, CustomObjects, Probe, TypedHandle};

impl LayerRef {
    /// Deserializes a layer, with custom objects for this call only (`keras.layers.deserialize`).
    ///
    /// # Errors
    /// If the form is not a serialized layer; names the place in it.
    pub fn deserialize(form: &Value, custom_objects: &CustomObjects) -> Result<Self> {
        let _argument = registry::with_argument(custom_objects);
        registry::deserialize_by_name(form)
    }

    /// Serializes the layer with its class and module, not only its configuration (`keras.layers.serialize`).
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn serialize(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    /// Returns the layer's configuration.
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn get_config(&self) -> Result<Config> {
        self.0.get_config().at_with(|| self.name().to_owned())
    }

    /// Returns the compile configuration: the model's own one if its class overrides `compile`, else the
    /// current one or the one from its file.
    pub(crate) fn compile_config(&self) -> Result<Option<Value>> {
        match self.own_compile() {
            None => self.base().compile_config(),
            Some(own) => match own.get_compile_config()? {
                Some(config) => Ok(Some(Value::Dict(config))),
                None => Ok(self.base().compile_config_of_file()),
            },
        }
    }
}

impl Handle for LayerRef {
    fn kind(&self) -> Kind {
        Kind::Layer
    }

    fn serialize(&self) -> Result<Value> {
        if self.placeholder().is_some() {
            return super::kept(self);
        }
        registry::serialize_shared(self.0.clone(), |form| {
            if let Some(build_config) = self.build_config() {
                form.insert("build_config".into(), build_config);
            }
            if self.is_model() {
                let compiled = self.compile_config().at("compile_config")?;
                form.insert("compile_config".into(), compiled.unwrap_or_else(|| Value::Dict(Config::new())));
            }
            Ok(())
        })
        .at_with(|| self.name().to_owned())
    }

    fn address(&self) -> usize {
        self.id()
    }

    fn deserialize_state(&self, form: &Form<'_>) -> Result<()> {
        if let Some(compile_config) = form.dict.get("compile_config") {
            self.base().model_state().set_compile_config(Some(compile_config.clone()));
        }
        match form.dict.get("build_config") {
            Some(build_config) => self.build_from_config(build_config),
            None => Ok(()),
        }
    }
}

impl TypedHandle for LayerRef {
    const KIND: Kind = Kind::Layer;
    const EXPECTED: &'static str = "a layer";
    const MODULES: &'static [&'static str] = &["keras.layers", "keras", "keras.src.models.functional"];

    fn keep(placeholder: Placeholder) -> Option<Self> {
        Some(Self::stand_in(placeholder))
    }
}

impl<T: Layer> Probe<T> {
    /// Every type that implements `Layer` can be used as a layer.
    pub const LAYER: Option<Cast> = Some(Cast {
        kind: Kind::Layer,
        cast: |object| {
            let object: Arc<dyn Any + Send + Sync> = object;
            Some(Object::new(LayerRef::from_arc(object.downcast::<T>().ok()?)))
        },
    });
}

impl ConfigField for LayerRef {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Layer, by_name: false }
    }

    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        registry::deserialize_by_name(value)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}

impl StateField for LayerRef {
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}
