//! Dtype policies: the dtypes in which layers compute and store weights (`keras.dtype_policies`).

mod quantized;

use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use self::quantized::Quantized;
pub use self::quantized::{Int4DTypePolicy, Quantization, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy};
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{self, Cast, Probe, TypedHandle};
use crate::tensor::DType;
use crate::{KerasSerializable, register};

/// A dtype policy by name: `float32`, `mixed_float16`, …
#[register(builtin = "keras", name = "DTypePolicy")]
#[derive(KerasSerializable, Clone, Debug)]
#[keras(class_name = "DTypePolicy", validate = Self::check)]
pub struct DTypePolicy {
    name: String,
}

impl DTypePolicy {
    /// Returns the compute and variable dtypes for a name.
    fn dtypes(&self) -> Result<(DType, DType)> {
        match self.name.as_str() {
            "mixed_float16" => Ok((DType::Float16, DType::Float32)),
            "mixed_bfloat16" => Ok((DType::BFloat16, DType::Float32)),
            name => DType::from_str(name).map(|dtype| (dtype, dtype)).map_err(|error| {
                let known = DType::ALL.iter().map(|dtype| dtype.name()).chain(["mixed_float16", "mixed_bfloat16"]);
                error.hint(did_you_mean(name, known).unwrap_or_else(|| {
                    "a policy is the name of a dtype, `mixed_float16` or `mixed_bfloat16`".to_owned()
                }))
            }),
        }
    }

    fn check(&self) -> Result<()> {
        self.dtypes().map(|_| ())
    }
}

/// Registers unsupported policies by name, so that files with them give a clear error.
macro_rules! quantized {
    ($($name:ident),*) => {$(
        /// The policy of a quantized layer, which this crate does not support.
        #[register(builtin = "keras.dtype_policies")]
        struct $name;

        impl KerasSerializable for $name {
            fn get_config(&self) -> Result<Config> {
                Ok(Config::new())
            }

            fn from_config(config: &Config) -> Result<Self> {
                let mode = config.get("mode").map_or_else(String::new, Value::short);
                Err(Error::new(ErrorKind::Unsupported, concat!("quantized layers (", stringify!($name), ") are not supported"))
                    .received(format!("mode={mode}"))
                    .hint("save the model before quantizing it"))
            }
        }

        impl Probe<$name> {
            /// Known as a policy, though none is ever created.
            pub const DTYPE_POLICY: Option<Cast> = Some(Cast { kind: Kind::DTypePolicy, cast: |_| None });
        }
    )*};
}

quantized!(GPTQDTypePolicy, AWQDTypePolicy, DTypePolicyMap);

/// A shared handle to a policy; `float32` by default.
///
/// ```
/// use keras_serial::dtype_policies::Policy;
/// use keras_serial::tensor::DType;
/// let policy = Policy::from("mixed_float16");
/// assert_eq!((policy.compute_dtype()?, policy.variable_dtype()?), (DType::Float16, DType::Float32));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy(Arc<DTypePolicy>, Option<Arc<Quantized>>);

static DEFAULT: LazyLock<Policy> = LazyLock::new(|| Policy::from("float32"));

impl Policy {
    /// Returns the dtype in which a layer computes.
    ///
    /// # Errors
    /// When the policy's name is unknown.
    pub fn compute_dtype(&self) -> Result<DType> {
        self.0.dtypes().map(|(compute, _)| compute)
    }

    /// Returns the dtype in which a layer stores its weights.
    ///
    /// # Errors
    /// When the policy's name is unknown.
    pub fn variable_dtype(&self) -> Result<DType> {
        self.0.dtypes().map(|(_, variable)| variable)
    }

    /// Returns the name: `mixed_float16`.
    pub fn name(&self) -> &str {
        self.1.as_ref().map_or(&self.0.name, |quantized| &quantized.name)
    }

    /// Returns how the weights of a layer with this policy are quantized, if they are.
    pub fn quantization(&self) -> Option<Quantization> {
        self.1.as_ref().map(|quantized| quantized.quantization)
    }

    /// Returns the policy of a layer with this one after quantization.
    ///
    /// # Errors
    /// When it is quantized already, or its dtypes do not suit the mode.
    pub fn quantize(&self, quantization: Quantization) -> Result<Self> {
        let already = || {
            let error = Error::new(ErrorKind::InvalidArgument, "already quantized");
            error.received(format!("dtype_policy='{}'", self.name()))
        };
        match self.1 {
            Some(_) => Err(already()),
            None => quantized::of(quantization, self.name())?.ok_or_else(already),
        }
    }

    fn quantized(source_name: &str, quantized: Quantized) -> Self {
        Self(Arc::new(DTypePolicy { name: source_name.to_owned() }), Some(Arc::new(quantized)))
    }
}

impl Default for Policy {
    /// Returns `float32`: one object for all layers, as in Keras.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl From<&str> for Policy {
    fn from(name: &str) -> Self {
        if let Some(quantized) = quantized::by_name(name) {
            return quantized;
        }
        Self(Arc::new(DTypePolicy { name: name.to_owned() }), None)
    }
}

impl From<DType> for Policy {
    fn from(dtype: DType) -> Self {
        Self::from(dtype.name())
    }
}

impl Handle for Policy {
    fn kind(&self) -> Kind {
        Kind::DTypePolicy
    }

    fn serialize(&self) -> Result<Value> {
        match &self.1 {
            Some(quantized) => quantized.serialize(),
            None => registry::serialize_shared(self.0.clone(), |_| Ok(())),
        }
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl TypedHandle for Policy {
    const KIND: Kind = Kind::DTypePolicy;
    const EXPECTED: &'static str = "a dtype policy";
    const MODULES: &'static [&'static str] = &["keras", "keras.dtype_policies"];
}

impl Probe<DTypePolicy> {
    /// The only class of unquantized policies.
    pub const DTYPE_POLICY: Option<Cast> = Some(Cast {
        kind: Kind::DTypePolicy,
        cast: |object| {
            let object: Arc<dyn std::any::Any + Send + Sync> = object;
            object.downcast::<DTypePolicy>().ok().map(|policy| Object::new(Policy(policy, None)))
        },
    });
}

impl crate::config::PlainField for Policy {}

impl ConfigField for Policy {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::DTypePolicy, by_name: true }.or_null()
    }

    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::Str(name) => {
                let policy = Self::from(name.as_str());
                policy.compute_dtype()?;
                Ok(policy)
            }
            form => registry::deserialize_by_name(form),
        }
    }
}
