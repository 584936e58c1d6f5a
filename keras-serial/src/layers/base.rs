//! The base of every layer: name, trainability, dtype policy, and build state.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use indexmap::IndexMap;

use super::model_state::{ModelState, Trained};
use super::tracking::Inside;
use crate::config::{Base, Config, ConfigField, FieldDescription, unmarked};
use crate::dtype_policies::Policy;
use crate::error::{Result, ResultExt};
use crate::json::{Dict, Value};
use crate::regularizers::Regularizer;
use crate::tensor::symbolic::Inbound;
use crate::tensor::{Nested, Shape};
use crate::utils::{Locked, auto_name};
use crate::variable::Variable;

/// The base of every layer: the configuration that all layers share, and the library's own state of a layer.
///
/// A layer's struct holds it in its field `base`; `LayerBase::default()` constructs one.
#[derive(Default)]
pub struct LayerBase {
    name: OnceLock<String>,
    /// Whether the name was generated from the class name rather than given.
    named_automatically: AtomicBool,
    number: Number,
    frozen: AtomicBool,
    /// Whether the layer was frozen when it was shared.
    shared_frozen: AtomicBool,
    policy: Policy,
    /// The policy that replaces `policy` once the layer is quantized.
    quantized: OnceLock<Policy>,
    activity_regularizer: Option<Regularizer>,
    /// Whether inputs are cast to the compute dtype, if the configuration says so.
    autocast: Option<bool>,
    pub(super) build: Mutex<BuildState>,
    variables: Mutex<Vec<Variable>>,
    pub(super) inbound: Inbound,
    /// Held while the layer is built, so that two threads do not build it at the same time.
    pub(super) building: Mutex<()>,
    built: AtomicBool,
    called: AtomicBool,
    /// Whether the layer was constructed by a build that failed.
    abandoned: AtomicBool,
    /// The layers that were called inside this one.
    inside: Mutex<Inside>,
    /// Call arguments that flow to the layers inside, in addition to those that the layer's type names.
    context_arguments: Mutex<Vec<String>>,
    /// What the library keeps with a model; empty in other layers.
    model: OnceLock<Box<ModelState>>,
    /// Whether a warning said that masks end at this layer.
    pub(super) warned_of_mask: AtomicBool,
}

/// The shapes that a layer was built with, by the name of the argument: `input_shape`.
pub type BuildShapes = IndexMap<String, Nested<Shape>>;

#[derive(Default)]
pub(super) struct BuildState {
    pub shapes: Option<BuildShapes>,
}

/// A number that is unique in the process.
struct Number(u64);

impl Default for Number {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl LayerBase {
    /// The configuration keys that belong to the base.
    pub const CONFIG_KEYS: &'static [&'static str] =
        &["name", "trainable", "dtype", "activity_regularizer", "autocast"];

    /// Returns the name; the first use generates one from the class name if none was set: `dense_1`.
    pub fn name(&self, class_name: &str) -> &str {
        self.name.get_or_init(|| {
            self.named_automatically.store(true, Ordering::Relaxed);
            auto_name(class_name)
        })
    }

    pub(super) fn is_named_automatically(&self) -> bool {
        self.named_automatically.load(Ordering::Relaxed)
    }

    /// Remembers whether the layer is trainable at the time it is shared, to detect later changes.
    pub(super) fn set_shared(&self) {
        self.shared_frozen.store(!self.is_trainable(), Ordering::Relaxed);
    }

    /// Returns whether the layer is trainable, if that was changed since it was shared.
    pub(super) fn changed_trainable(&self) -> Option<bool> {
        let trainable = self.is_trainable();
        (trainable == self.shared_frozen.load(Ordering::Relaxed)).then_some(trainable)
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    /// Returns true if training updates the layer's weights.
    pub fn is_trainable(&self) -> bool {
        !self.frozen.load(Ordering::Relaxed)
    }

    pub(crate) fn set_trainable(&self, trainable: bool) {
        self.frozen.store(!trainable, Ordering::Relaxed);
    }

    /// Returns the dtype policy: the dtypes of computation and of variables.
    pub fn dtype_policy(&self) -> &Policy {
        self.quantized.get().unwrap_or(&self.policy)
    }

    /// Sets the quantized policy, once.
    pub(super) fn set_quantized(&self, policy: Policy) {
        self.quantized.get_or_init(|| policy);
    }

    /// Sets the dtype policy.
    pub fn set_dtype_policy(&mut self, policy: impl Into<Policy>) {
        self.policy = policy.into();
    }

    /// Returns the regularizer of the layer's outputs, if there is one.
    pub fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    /// Sets the regularizer of the layer's outputs.
    pub fn set_activity_regularizer(&mut self, regularizer: Option<Regularizer>) {
        self.activity_regularizer = regularizer;
    }

    /// Returns true if inputs, and variables when the layer reads them, are cast to the compute dtype
    /// (autocast).
    pub fn is_autocast(&self) -> bool {
        self.autocast.unwrap_or(true)
    }

    /// Sets whether inputs and variables are cast to the compute dtype (autocast); true by default.
    pub fn set_autocast(&mut self, autocast: bool) {
        self.autocast = Some(autocast);
    }

    /// Returns true if the layer is built, so its weights exist.
    pub fn is_built(&self) -> bool {
        self.built.load(Ordering::Acquire)
    }

    pub(crate) fn set_built(&self) {
        crate::program::layers_changed();
        self.built.store(true, Ordering::Release);
    }

    pub(super) fn set_called(&self) {
        self.called.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    pub(super) fn context_arguments(&self) -> MutexGuard<'_, Vec<String>> {
        self.context_arguments.locked()
    }

    /// Marks the layer as not built, so that a Sequential model that grows or shrinks is rebuilt.
    pub(crate) fn set_unbuilt(&self) {
        crate::program::layers_changed();
        self.built.store(false, Ordering::Release);
    }

    /// Clears the build shapes and marks the layer as not built.
    pub(super) fn forget_build(&self) {
        *self.build.locked() = BuildState::default();
        self.set_unbuilt();
    }

    /// Marks the layer as left over from a failed build; another one will be constructed in its place.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Returns a number that no other layer of the process has or will have.
    pub(super) fn number(&self) -> u64 {
        self.number.0
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.locked()
    }

    /// Returns what the library keeps with a model; the first call makes the slot.
    pub(crate) fn model_state(&self) -> &ModelState {
        self.model.get_or_init(Box::default)
    }

    pub(crate) fn inbound(&self) -> &Inbound {
        &self.inbound
    }

    /// Returns the layer's own weights in the order in which they were created.
    pub(crate) fn variables(&self) -> MutexGuard<'_, Vec<Variable>> {
        self.variables.locked()
    }

    /// Writes `name`, `trainable`, `dtype`, `activity_regularizer` if there is one, and `autocast` if it was
    /// set: Keras writes it for a layer whose class has no `__init__` of its own.
    ///
    /// # Errors
    /// If the regularizer can't be serialized.
    pub fn write_config(&self, class_name: &'static str, config: &mut Config) -> Result<()> {
        config.insert("name".into(), Value::from(self.name(class_name)));
        config.insert("trainable".into(), Value::Bool(self.is_trainable()));
        config.insert("dtype".into(), self.dtype_policy().to_value().at("dtype")?);
        if let Some(regularizer) = &self.activity_regularizer {
            config.insert("activity_regularizer".into(), regularizer.to_value().at("activity_regularizer")?);
        }
        if let Some(autocast) = self.autocast {
            config.insert("autocast".into(), Value::Bool(autocast));
        }
        Ok(())
    }

    /// Reads what [`LayerBase::write_config`] writes; every entry is optional.
    ///
    /// # Errors
    /// If an entry has the wrong type.
    pub fn read_config(config: &Config) -> Result<Self> {
        Self::read_config_over(Self::default(), config)
    }

    /// Reads a configuration like [`LayerBase::read_config`], but missing entries keep their values from
    /// `base`.
    ///
    /// # Errors
    /// If an entry has the wrong type.
    pub fn read_config_over(mut base: Self, config: &Config) -> Result<Self> {
        fn entry<T: ConfigField>(config: &Config, name: &'static str) -> Result<Option<T>> {
            config.get(name).map_or(Ok(None), |value| Option::from_value(value).at(name))
        }
        if let Some(name) = entry::<String>(config, "name")? {
            base.set_name(name);
        }
        if let Some(trainable) = entry(config, "trainable")? {
            base.set_trainable(trainable);
        }
        if let Some(policy) = entry(config, "dtype")? {
            base.policy = policy;
        }
        if let Some(value) = config.get("activity_regularizer") {
            base.activity_regularizer = Option::from_value(value).at("activity_regularizer")?;
        }
        if let Some(autocast) = entry(config, "autocast")? {
            base.autocast = Some(autocast);
        }
        Ok(base)
    }

    /// Returns the training state of a compiled model.
    pub(crate) fn trained(&self) -> Option<Arc<dyn Trained>> {
        self.model.get()?.trained()
    }

    /// Returns the compile configuration: the current one, or the one from the model's file.
    pub(crate) fn compile_config(&self) -> Result<Option<Value>> {
        if let Some(trained) = self.trained() {
            return trained.compile_config().map(Some);
        }
        Ok(self.compile_config_of_file())
    }

    /// Returns the compile configuration from the model's file.
    pub(crate) fn compile_config_of_file(&self) -> Option<Value> {
        self.model.get()?.compile_config()
    }

    /// Returns the shapes that the layer was built with.
    pub(crate) fn built_shapes(&self) -> Option<BuildShapes> {
        self.build.locked().shapes.clone()
    }

    /// Returns the shapes that the layer was built with, as `build_config`.
    pub(crate) fn build_config(&self) -> Option<Value> {
        let state = self.build.locked();
        let shapes = state.shapes.as_ref()?;
        Some(Value::Dict(match shapes.values().collect::<Vec<_>>().as_slice() {
            [shape] => Dict::from([("input_shape".to_owned(), shape_value(shape))]),
            _ => {
                let shapes = shapes.iter().map(|(name, shape)| (name.clone(), shape_value(shape))).collect();
                Dict::from([("shapes_dict".to_owned(), Value::Dict(shapes))])
            }
        }))
    }
}

impl Base for LayerBase {
    const KEYS: &'static [&'static str] = Self::CONFIG_KEYS;
    const RESERVED: &'static [&'static str] = &["name", "trainable", "dtype"];

    const ENTRIES: &'static [FieldDescription] = &[
        FieldDescription::of_base::<Option<String>>(
            "name",
            "Option<String>",
            "The layer's name; generated from the class name by default.",
        ),
        FieldDescription::of_base::<bool>("trainable", "bool", "Whether training updates the layer's weights."),
        FieldDescription::of_base::<Policy>(
            "dtype",
            "Policy",
            "The dtype policy: the dtypes of computation and of variables; the global policy by default.",
        ),
        FieldDescription::of_base::<Option<Regularizer>>(
            "activity_regularizer",
            "Option<Regularizer>",
            "The penalty on the layer's output, which is added to the loss.",
        ),
        FieldDescription::of_base::<Option<bool>>(
            "autocast",
            "Option<bool>",
            "Whether inputs are cast to the compute dtype.",
        ),
    ];

    fn defaults(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("name".into(), self.name.get().map_or(Value::Null, |name| Value::from(name.as_str())));
        config.insert("trainable".into(), Value::Bool(self.is_trainable()));
        config.insert("dtype".into(), Value::Null);
        config.insert("activity_regularizer".into(), self.activity_regularizer.to_value()?);
        config.insert("autocast".into(), self.autocast.to_value()?);
        Ok(config)
    }

    fn write(&self, class_name: &'static str, config: &mut Config) -> Result<()> {
        self.write_config(class_name, config)
    }

    fn read_over(self, config: &Config) -> Result<Self> {
        Self::read_config_over(self, config)
    }

    fn is_given(&self, key: &str) -> bool {
        match key {
            "activity_regularizer" => self.activity_regularizer.is_some(),
            "autocast" => self.autocast.is_some(),
            _ => false,
        }
    }

    fn validate(&self) -> Result<()> {
        self.activity_regularizer.validate().at("activity_regularizer")
    }
}

unmarked!(LayerBase, MarkedBase);

/// Converts a structure of shapes to JSON.
pub(crate) fn shape_value(shapes: &Nested<Shape>) -> Value {
    match shapes {
        Nested::Leaf(shape) => shape.to_value().unwrap_or_default(),
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => Value::List(items.iter().map(shape_value).collect()),
        Nested::Dict(items) => Value::Dict(items.iter().map(|(k, v)| (k.clone(), shape_value(v))).collect()),
    }
}

/// Reads a structure of shapes from JSON; a list of integers and nulls is a shape.
pub(crate) fn shapes_from_value(value: &Value) -> Result<Nested<Shape>> {
    match value {
        Value::Null => Ok(Nested::None),
        Value::List(items) if items.iter().any(|item| matches!(item, Value::List(_) | Value::Dict(_))) => {
            Ok(Nested::List(items.iter().map(shapes_from_value).collect::<Result<_>>()?))
        }
        Value::Dict(items) => {
            let items = items.iter().map(|(k, v)| Ok((k.clone(), shapes_from_value(v).at_with(|| k.clone())?)));
            Ok(Nested::Dict(items.collect::<Result<_>>()?))
        }
        shape => Shape::from_value(shape).map(Nested::Leaf),
    }
}

impl fmt::Debug for LayerBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerBase({:?}, trainable={})", self.name.get(), self.is_trainable())
    }
}
