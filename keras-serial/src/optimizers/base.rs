//! The base of every optimizer: its name, its learning rate, and the shared arguments.

use std::fmt;
use std::sync::{Mutex, OnceLock};

use super::learning_rate::{IntoLearningRate, LearningRate};
use super::state::State;
use crate::config::{Base, Config, ConfigField, FieldDescription, HasBase, Number, unmarked};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::utils::auto_name;

/// The first entries of every optimizer's configuration, and the state that the library keeps for it.
///
/// An optimizer's struct has it as the field `base`. Its arguments are
/// - `learning_rate`: a number or a schedule.
/// - `weight_decay`: each step first subtracts this fraction, times the learning rate, of the weights.
/// - `clipnorm`, `global_clipnorm`, `clipvalue`: the largest norm of each gradient, of all of them
///   together, or the largest magnitude of their elements; at most one of the three.
/// - `use_ema`, `ema_momentum`, `ema_overwrite_frequency`: keep a moving average of the weights, and
///   assign it to them every so many steps (at the end of training if null).
/// - `loss_scale_factor`: the loss is multiplied by it, and gradients are divided by it.
/// - `gradient_accumulation_steps`: weights change every so many steps, by the mean of the gradients.
#[derive(Default)]
pub struct OptimizerBase {
    name: OnceLock<String>,
    pub(super) weight_decay: Option<Number>,
    pub(super) clipnorm: Option<Number>,
    pub(super) global_clipnorm: Option<Number>,
    pub(super) clipvalue: Option<Number>,
    pub(super) use_ema: bool,
    pub(super) ema_momentum: Option<Number>,
    pub(super) ema_overwrite_frequency: Option<i64>,
    pub(super) gradient_accumulation_steps: Option<i64>,
    pub(super) state: Mutex<State>,
    /// Held during a step, so that two threads do not step at the same time.
    pub(super) stepping: Mutex<()>,
}

/// Keras's default of `ema_momentum`.
const EMA_MOMENTUM: f64 = 0.99;

impl OptimizerBase {
    /// The base's entries in the configuration; `decay` is an old one, and is ignored.
    pub const CONFIG_KEYS: &'static [&'static str] = &[
        "name",
        "learning_rate",
        "weight_decay",
        "clipnorm",
        "global_clipnorm",
        "clipvalue",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "loss_scale_factor",
        "gradient_accumulation_steps",
        "decay",
    ];

    /// Creates the default arguments with this learning rate, instead of 0.001.
    pub fn with_learning_rate(rate: impl Into<LearningRate>) -> Self {
        let base = Self::default();
        base.state().learning_rate = rate.into();
        base
    }

    /// Creates the default arguments with this weight decay, instead of none.
    pub fn with_weight_decay(weight_decay: impl Into<Number>) -> Self {
        Self { weight_decay: Some(weight_decay.into()), ..Self::default() }
    }

    /// Returns the name; on first use it is generated from the class name: `adam_1`.
    pub fn name(&self, class_name: &str) -> &str {
        self.name.get_or_init(|| auto_name(class_name))
    }

    pub(super) fn given_name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    /// Returns the fraction of the weights that each step subtracts.
    pub fn weight_decay(&self) -> Option<f64> {
        self.weight_decay.map(Number::get)
    }

    /// Returns true if a moving average of the weights is kept.
    pub fn uses_ema(&self) -> bool {
        self.use_ema
    }

    /// Returns the factor of the loss.
    pub fn loss_scale_factor(&self) -> Option<f64> {
        self.state().loss_scale_factor.map(Number::get)
    }

    pub(super) fn set_loss_scale_factor(&self, factor: Option<Number>) {
        self.state().loss_scale_factor = factor;
    }

    pub(super) fn ema_momentum(&self) -> Number {
        self.ema_momentum.unwrap_or(Number::Float(EMA_MOMENTUM))
    }

    /// Returns the number of steps per change of the weights.
    pub(super) fn accumulation(&self) -> Option<i64> {
        self.gradient_accumulation_steps.filter(|steps| *steps > 0)
    }

    /// Writes the base's entries, in Keras's order.
    ///
    /// # Errors
    /// When a schedule can't be serialized.
    pub fn write_config(&self, class_name: &'static str, config: &mut Config) -> Result<()> {
        config.insert("name".to_owned(), Value::from(self.name(class_name)));
        self.write_entries(config)
    }

    /// Writes the base's entries but for the name.
    fn write_entries(&self, config: &mut Config) -> Result<()> {
        let (learning_rate, loss_scale_factor) = {
            let state = self.state();
            (state.learning_rate()?, state.loss_scale_factor)
        };
        let mut entry = |name: &str, value: Value| config.insert(name.to_owned(), value);
        entry("learning_rate", learning_rate.to_value().at("learning_rate")?);
        entry("weight_decay", self.weight_decay.to_value()?);
        entry("clipnorm", self.clipnorm.to_value()?);
        entry("global_clipnorm", self.global_clipnorm.to_value()?);
        entry("clipvalue", self.clipvalue.to_value()?);
        entry("use_ema", Value::Bool(self.use_ema));
        entry("ema_momentum", self.ema_momentum().to_value()?);
        entry("ema_overwrite_frequency", self.ema_overwrite_frequency.to_value()?);
        entry("loss_scale_factor", loss_scale_factor.to_value()?);
        entry("gradient_accumulation_steps", self.gradient_accumulation_steps.to_value()?);
        Ok(())
    }

    /// Reads what [`OptimizerBase::write_config`] writes; every entry is optional.
    ///
    /// # Errors
    /// When an entry is of the wrong type, or entries exclude one another.
    pub fn read_config(config: &Config) -> Result<Self> {
        Self::read_config_over(Self::default(), config)
    }

    /// Reads like [`OptimizerBase::read_config`]; omitted entries keep their values from `base`.
    ///
    /// # Errors
    /// When an entry is of the wrong type, or entries exclude one another.
    pub fn read_config_over(mut base: Self, config: &Config) -> Result<Self> {
        fn read<T: ConfigField>(config: &Config, name: &'static str, field: &mut T) -> Result<()> {
            if let Some(value) = config.get(name) {
                *field = T::from_value(value).at(name)?;
            }
            Ok(())
        }
        let mut name: Option<String> = None;
        read(config, "name", &mut name)?;
        if let Some(name) = name {
            base.set_name(name);
        }
        {
            let mut state = base.state();
            read(config, "learning_rate", &mut state.learning_rate)?;
            read(config, "loss_scale_factor", &mut state.loss_scale_factor)?;
        }
        read(config, "weight_decay", &mut base.weight_decay)?;
        read(config, "clipnorm", &mut base.clipnorm)?;
        read(config, "global_clipnorm", &mut base.global_clipnorm)?;
        read(config, "clipvalue", &mut base.clipvalue)?;
        read(config, "use_ema", &mut base.use_ema)?;
        read(config, "ema_momentum", &mut base.ema_momentum)?;
        read(config, "ema_overwrite_frequency", &mut base.ema_overwrite_frequency)?;
        read(config, "gradient_accumulation_steps", &mut base.gradient_accumulation_steps)?;
        base.check()?;
        Ok(base)
    }

    /// Checks that the arguments are consistent.
    pub(super) fn check(&self) -> Result<()> {
        let invalid =
            |message: &'static str, received: String| Err(Error::new(ErrorKind::Config, message).received(received));
        if let Some(steps) = self.gradient_accumulation_steps.filter(|steps| *steps != 0 && *steps < 2) {
            let received = format!("gradient_accumulation_steps={steps}");
            return invalid("`gradient_accumulation_steps` must be an integer >= 2", received);
        }
        let momentum = self.ema_momentum();
        if self.use_ema && !(0.0..=1.0).contains(&momentum.get()) {
            return invalid("`ema_momentum` must be in the range [0, 1]", format!("ema_momentum={momentum}"));
        }
        if let Some(frequency) = self.ema_overwrite_frequency.filter(|frequency| self.use_ema && *frequency < 0) {
            let received = format!("ema_overwrite_frequency={frequency}");
            return invalid("`ema_overwrite_frequency` must be an integer >= 1 or None", received);
        }
        let clips =
            [("clipnorm", self.clipnorm), ("clipvalue", self.clipvalue), ("global_clipnorm", self.global_clipnorm)];
        let given: Vec<String> =
            clips.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
        if given.len() > 1 {
            let message = "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set";
            return invalid(message, given.join(", "));
        }
        Ok(())
    }
}

impl Base for OptimizerBase {
    const KEYS: &'static [&'static str] = Self::CONFIG_KEYS;
    const RESERVED: &'static [&'static str] = &["name", "learning_rate"];

    const ENTRIES: &'static [FieldDescription] = &[
        FieldDescription::of_base::<Option<String>>(
            "name",
            "Option<String>",
            "The optimizer's name; generated from the class name by default.",
        ),
        FieldDescription::of_base::<LearningRate>(
            "learning_rate",
            "LearningRate",
            "The learning rate: a number or a schedule.",
        ),
        FieldDescription::of_base::<Option<Number>>(
            "weight_decay",
            "Option<Number>",
            "The fraction of the weights that each step first subtracts, times the learning rate.",
        ),
        FieldDescription::of_base::<Option<Number>>("clipnorm", "Option<Number>", "The largest norm of each gradient."),
        FieldDescription::of_base::<Option<Number>>(
            "global_clipnorm",
            "Option<Number>",
            "The largest norm of all gradients together.",
        ),
        FieldDescription::of_base::<Option<Number>>(
            "clipvalue",
            "Option<Number>",
            "The largest magnitude of a gradient's elements.",
        ),
        FieldDescription::of_base::<bool>("use_ema", "bool", "Whether a moving average of the weights is kept."),
        FieldDescription::of_base::<Option<Number>>(
            "ema_momentum",
            "Option<Number>",
            "The momentum of the moving average.",
        ),
        FieldDescription::of_base::<Option<i64>>(
            "ema_overwrite_frequency",
            "Option<i64>",
            "The number of steps after which the average replaces the weights; at the end of training if null.",
        ),
        FieldDescription::of_base::<Option<Number>>(
            "loss_scale_factor",
            "Option<Number>",
            "The factor of the loss, by which gradients are divided again.",
        ),
        FieldDescription::of_base::<Option<i64>>(
            "gradient_accumulation_steps",
            "Option<i64>",
            "The number of steps whose gradients are averaged for one change of the weights.",
        ),
    ];

    fn defaults(&self) -> Result<Config> {
        let mut config = Config::new();
        self.write_entries(&mut config)?;
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
            "weight_decay" => self.weight_decay.is_some(),
            "clipnorm" => self.clipnorm.is_some(),
            "global_clipnorm" => self.global_clipnorm.is_some(),
            "clipvalue" => self.clipvalue.is_some(),
            "use_ema" => self.use_ema,
            "ema_momentum" => self.ema_momentum.is_some(),
            "ema_overwrite_frequency" => self.ema_overwrite_frequency.is_some(),
            "loss_scale_factor" => self.loss_scale_factor().is_some(),
            "gradient_accumulation_steps" => self.gradient_accumulation_steps.is_some(),
            _ => false,
        }
    }

    fn validate(&self) -> Result<()> {
        self.check()?;
        self.state().learning_rate.validate().at("learning_rate")
    }
}

unmarked!(OptimizerBase, MarkedBase);

impl fmt::Debug for OptimizerBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OptimizerBase({:?})", self.name.get())
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[must_use]
        fn $name(mut self, $name: impl Into<$type>) -> Self {
            self.base_mut().$name = Some($name.into());
            self
        }
    )*};
}

/// Setters of the arguments that all optimizers share; contradictory ones are an error when the
/// optimizer is built.
pub trait OptimizerExt: HasBase<OptimizerBase> + Sized {
    /// Sets the name.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Sets the learning rate: a number or a schedule.
    #[must_use]
    fn learning_rate(self, learning_rate: impl IntoLearningRate) -> Self {
        self.base().state().learning_rate = learning_rate.into_learning_rate();
        self
    }

    setters! {
        /// Sets the fraction of the weights, times the learning rate, that each step subtracts.
        weight_decay: Number;
        /// Sets the largest norm of each gradient.
        clipnorm: Number;
        /// Sets the largest norm of all gradients together.
        global_clipnorm: Number;
        /// Sets the largest magnitude of the gradients' elements.
        clipvalue: Number;
        /// Sets the momentum of the weights' moving average.
        ema_momentum: Number;
        /// Sets the number of steps after which the moving average replaces the weights.
        ema_overwrite_frequency: i64;
        /// Sets the number of steps per change of the weights.
        gradient_accumulation_steps: i64;
    }

    /// Sets whether to keep a moving average of the weights.
    #[must_use]
    fn use_ema(mut self, use_ema: bool) -> Self {
        self.base_mut().use_ema = use_ema;
        self
    }

    /// Sets the factor by which the loss is multiplied, and gradients are divided.
    #[must_use]
    fn loss_scale_factor(self, factor: impl Into<Number>) -> Self {
        self.base().set_loss_scale_factor(Some(factor.into()));
        self
    }
}

impl<T: HasBase<OptimizerBase>> OptimizerExt for T {}
