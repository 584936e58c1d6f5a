//! What every layer has: a name, whether it trains, its dtypes, and how it was built.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexMap;

use super::LayerRef;
use super::tracking::Inside;
use crate::config::{Base, Config, ConfigField, unmarked};
use crate::dtype_policies::Policy;
use crate::error::{Result, ResultExt};
use crate::json::{Dict, Value};
use crate::optimizers::Optimizer;
use crate::regularizers::Regularizer;
use crate::tensor::symbolic::Inbound;
use crate::tensor::{Nested, Shape};
use crate::utils::auto_name;
use crate::variable::Variable;

/// The first fields of every layer's configuration, and the state that the library keeps of it.
///
/// A layer's struct has it as its field `base`; `LayerBase::default()` makes one.
#[derive(Default)]
pub struct LayerBase {
    name: OnceLock<String>,
    /// Is the name made from the class's, and not given?
    named_automatically: AtomicBool,
    number: Number,
    frozen: AtomicBool,
    /// Was it frozen when it was shared?
    shared_frozen: AtomicBool,
    policy: Policy,
    /// The policy since the layer was quantized.
    quantized: OnceLock<Policy>,
    activity_regularizer: Option<Regularizer>,
    /// Whether inputs are cast, where the configuration says so.
    autocast: Option<bool>,
    pub(super) build: Mutex<BuildState>,
    variables: Mutex<Vec<Variable>>,
    pub(super) inbound: Inbound,
    /// Held while the layer is built, so that two threads do not build it twice.
    pub(super) building: Mutex<()>,
    built: AtomicBool,
    called: AtomicBool,
    /// Was it made by a build that failed?
    abandoned: AtomicBool,
    /// The layers that were called inside of it.
    inside: Mutex<Inside>,
    /// Arguments of calls that flow to the layers inside, beside those that its type names.
    context_arguments: Mutex<Vec<String>>,
    /// What a model keeps of its file beside its layers: the compile configuration.
    pub(crate) compile_config: Mutex<Option<Value>>,
    /// What a model is trained with, once it is compiled.
    pub(crate) trained: Mutex<Option<Arc<dyn Trained>>>,
    /// Is a run of training asked to end?
    pub(crate) stop_training: AtomicBool,
    /// What a model keeps of its file beside its layers' weights: the optimizer's state.
    #[cfg(feature = "archive")]
    pub(crate) kept: Mutex<Vec<crate::saving::KeptGroup>>,
}

/// What a model is trained with: the room of training fills it, and layers know no more of it than
/// a model's form needs.
pub(crate) trait Trained: Any + Send + Sync {
    /// `compile_config`.
    ///
    /// # Errors
    /// When an object in it can't be serialized.
    fn compile_config(&self) -> Result<Value>;

    /// Compiles another model in the same way.
    ///
    /// # Errors
    /// When an object in the configuration can't be serialized or made anew.
    fn compile(&self, other: &LayerRef) -> Result<()>;

    /// The optimizer, if there is one.
    fn optimizer(&self) -> Option<Optimizer>;

    /// The number of elements, and of bytes, of the optimizer's own variables.
    fn optimizer_size(&self) -> (usize, usize);
}

/// The shapes with which a layer was built, by the name of the argument: `input_shape`.
pub type BuildShapes = IndexMap<String, Nested<Shape>>;

#[derive(Default)]
pub(super) struct BuildState {
    pub shapes: Option<BuildShapes>,
}

/// A number that no other layer of the program has.
struct Number(u64);

impl Default for Number {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl LayerBase {
    /// The configuration's entries that belong to it.
    pub const CONFIG_KEYS: &'static [&'static str] =
        &["name", "trainable", "dtype", "activity_regularizer", "autocast"];

    /// The name; on first use a new one from the class's: `dense_1`.
    pub fn name(&self, class_name: &str) -> &str {
        self.name.get_or_init(|| {
            self.named_automatically.store(true, Ordering::Relaxed);
            auto_name(class_name)
        })
    }

    pub(super) fn is_named_automatically(&self) -> bool {
        self.named_automatically.load(Ordering::Relaxed)
    }

    /// Notes how the layer is when it is shared: later changes are its owner's.
    pub(super) fn set_shared(&self) {
        self.shared_frozen.store(!self.is_trainable(), Ordering::Relaxed);
    }

    /// Whether it trains, if that was changed since it was shared.
    pub(super) fn changed_trainable(&self) -> Option<bool> {
        let trainable = self.is_trainable();
        (trainable == self.shared_frozen.load(Ordering::Relaxed)).then_some(trainable)
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    /// Does training change its weights?
    pub fn is_trainable(&self) -> bool {
        !self.frozen.load(Ordering::Relaxed)
    }

    pub(crate) fn set_trainable(&self, trainable: bool) {
        self.frozen.store(!trainable, Ordering::Relaxed);
    }

    /// With which dtypes it computes and keeps its weights.
    pub fn dtype_policy(&self) -> &Policy {
        self.quantized.get().unwrap_or(&self.policy)
    }

    /// A layer is quantized once.
    pub(super) fn set_quantized(&self, policy: Policy) {
        self.quantized.get_or_init(|| policy);
    }

    /// Sets the dtypes.
    pub fn set_dtype_policy(&mut self, policy: impl Into<Policy>) {
        self.policy = policy.into();
    }

    /// The penalty on what the layer gives.
    pub fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    /// Sets the penalty on what the layer gives.
    pub fn set_activity_regularizer(&mut self, regularizer: Option<Regularizer>) {
        self.activity_regularizer = regularizer;
    }

    /// Are inputs cast to the compute dtype, and variables to it where the layer reads them?
    pub fn is_autocast(&self) -> bool {
        self.autocast.unwrap_or(true)
    }

    /// Says whether inputs and variables are cast to the compute dtype; true by default.
    pub fn set_autocast(&mut self, autocast: bool) {
        self.autocast = Some(autocast);
    }

    /// Has it its weights?
    pub fn is_built(&self) -> bool {
        self.built.load(Ordering::Acquire)
    }

    pub(crate) fn set_built(&self) {
        self.built.store(true, Ordering::Release);
    }

    pub(super) fn set_called(&self) {
        self.called.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    pub(super) fn context_arguments(&self) -> MutexGuard<'_, Vec<String>> {
        self.context_arguments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A Sequential model that grows or shrinks is built anew.
    pub(crate) fn set_unbuilt(&self) {
        self.built.store(false, Ordering::Release);
    }

    /// Forgets for which shapes it was built.
    pub(super) fn forget_build(&self) {
        *self.build.lock().unwrap_or_else(PoisonError::into_inner) = BuildState::default();
        self.set_unbuilt();
    }

    /// Says that the build that made it failed: another one is made in its place.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// A number that no other layer of the program has, neither at once nor later.
    pub(super) fn number(&self) -> u64 {
        self.number.0
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn inbound(&self) -> &Inbound {
        &self.inbound
    }

    /// Its own weights, in the order in which they were made.
    pub(crate) fn variables(&self) -> MutexGuard<'_, Vec<Variable>> {
        self.variables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `name`, `trainable`, `dtype`, the activity's penalty if there is one, and `autocast` if it
    /// was set: Keras writes it for a layer whose class has no `__init__` of its own.
    ///
    /// # Errors
    /// When the penalty can't be serialized.
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

    /// Reads what [`LayerBase::write_config`] writes; every entry may be left out.
    ///
    /// # Errors
    /// When an entry is of the wrong type.
    pub fn read_config(config: &Config) -> Result<Self> {
        Self::read_config_over(Self::default(), config)
    }

    /// As [`LayerBase::read_config`]; what is left out is as in `base`.
    ///
    /// # Errors
    /// When an entry is of the wrong type.
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

    /// What a model is trained with, once it is compiled.
    pub(crate) fn trained(&self) -> Option<Arc<dyn Trained>> {
        self.trained.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How a model is compiled, or was in the file that it comes from.
    pub(crate) fn compile_config(&self) -> Result<Option<Value>> {
        if let Some(trained) = self.trained() {
            return trained.compile_config().map(Some);
        }
        Ok(self.kept_compile_config())
    }

    /// How a model was compiled in the file that it comes from.
    pub(crate) fn kept_compile_config(&self) -> Option<Value> {
        self.compile_config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The shapes with which it was built.
    pub(crate) fn built_shapes(&self) -> Option<BuildShapes> {
        self.build.lock().unwrap_or_else(PoisonError::into_inner).shapes.clone()
    }

    /// The shapes with which it was built, as `build_config`.
    pub(crate) fn build_config(&self) -> Option<Value> {
        let state = self.build.lock().unwrap_or_else(PoisonError::into_inner);
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
}

unmarked!(LayerBase, MarkedBase);

/// A structure of shapes as JSON.
pub(crate) fn shape_value(shapes: &Nested<Shape>) -> Value {
    match shapes {
        Nested::Leaf(shape) => shape.to_value().unwrap_or_default(),
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => Value::List(items.iter().map(shape_value).collect()),
        Nested::Dict(items) => Value::Dict(items.iter().map(|(k, v)| (k.clone(), shape_value(v))).collect()),
    }
}

/// A structure of shapes from JSON: a list of integers and nulls is a shape.
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
