//! Preprocessing and encoding of structured data (`keras.utils.FeatureSpace`).

mod adapt;
mod cross;
mod feature;
mod kinds;
mod parts;
mod tfd_concat;
mod tfd_identity;

use indexmap::IndexMap;
use once_cell::sync::OnceCell;

pub use self::cross::{Cross, CrossSpec};
use self::feature::Dims;
pub use self::feature::{Feature, FeatureEncoding, FeatureSpec};
pub use self::kinds::{CategoricalFeature, DiscretizedFeature, FloatFeature, HashedFeature, RescaledFeature};
use self::parts::Parts;
pub use self::tfd_concat::TfdConcat;
pub use self::tfd_identity::TfdIdentity;
use crate::config::{Config, ConfigField, FieldVisitor, HasBase, KerasSerializable, field, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::layers::{Adaptable, Assets, Layer, LayerBase, LayerRef, LayerTraits, OwnState};
use crate::object::Object;
use crate::register;
use crate::tensor::symbolic::is_recorded;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Tensor};

/// The number of categories that is taken where none is given.
const DEFAULT_DIM: Option<usize> = Some(32);

/// What a [`FeatureSpace`] gives.
#[derive(crate::KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FeatureOutput {
    /// All features joined to one vector, by their names' order; crosses follow.
    #[default]
    Concat,
    /// A dict of features and crosses.
    Dict,
}

/// Preprocesses and encodes structured data: turns a dict of numbers, integers and strings into one vector per
/// sample, or into a dict of encoded features.
///
/// # Arguments
/// - `features`: features by name, each with its kind: `"float"`, `"float_normalized"`, `"float_rescaled"`,
///   `"float_discretized"`, `"integer_categorical"`, `"string_categorical"`, `"integer_hashed"` or
///   `"string_hashed"`; or made by the function of the kind, such as
///   [`FeatureSpace::string_categorical`], or by [`FeatureSpace::feature`] with a layer of one's own.
/// - `output_mode`: [`FeatureOutput::Concat`].
/// - `crosses`: none; pairs of features that are hashed together, [`FeatureSpace::cross`] makes others.
/// - `crossing_dim`, `hashing_dim`, `num_discretization_bins`: 32; the numbers of categories where none are
///   given.
///
/// Adapt it first: [`LayerRef::adapt`] computes vocabularies, means and bins from a dict of data, or from a list of
/// dicts, which are batches. It is called on dicts then. `Model::from(space)` is saved and loaded as a model is.
/// [`FeatureSpace::get_inputs`] and [`FeatureSpace::get_encoded_features`] put its layers in front of a
/// Functional model.
///
/// Follows <https://keras.io/api/utils/feature_space>.
///
/// ```
/// use keras_serial::prelude::*;
/// let space = FeatureSpace::new([("age", "float_normalized"), ("job", "string_categorical")])
///     .with("city", FeatureSpace::string_hashed(3))
///     .crosses([("job", "city")])
///     .crossing_dim(4)
///     .shared();
/// let data = Nested::dict([
///     ("age", Tensor::from_slice(&[20.0f32, 40.0], [2])?),
///     ("job", Tensor::from_strings(["cook", "baker"], [2])?),
///     ("city", Tensor::from_strings(["Bonn", "Ulm"], [2])?),
/// ]);
/// space.adapt(data.clone())?;
/// let encoded = space.apply(data)?; // age, city (3), job (unknown, cook, baker), job_X_city (4)
/// assert_eq!(encoded.shape().to_string(), "(2, 11)");
///
/// let space = FeatureSpace::of(&space)?;
/// let outputs = Dense::new(1).apply(space.get_encoded_features()?)?;
/// let model = Functional::new(space.get_inputs()?, outputs)?;
/// # assert_eq!(model.layers().len(), 12);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.utils")]
pub struct FeatureSpace {
    base: LayerBase,
    features: IndexMap<String, FeatureSpec>,
    output_mode: FeatureOutput,
    crosses: Vec<CrossSpec>,
    crossing_dim: Option<usize>,
    hashing_dim: Option<usize>,
    num_discretization_bins: Option<usize>,
    /// Made of the arguments on first use.
    parts: OnceCell<Parts>,
}

impl FeatureSpace {
    /// Constructs a feature space with these features by name, and defaults for the other arguments.
    pub fn new<N: Into<String>, F: Into<FeatureSpec>>(features: impl IntoIterator<Item = (N, F)>) -> Self {
        Self {
            base: LayerBase::default(),
            features: features.into_iter().map(|(name, feature)| (name.into(), feature.into())).collect(),
            output_mode: FeatureOutput::default(),
            crosses: Vec::new(),
            crossing_dim: DEFAULT_DIM,
            hashing_dim: DEFAULT_DIM,
            num_discretization_bins: DEFAULT_DIM,
            parts: OnceCell::new(),
        }
    }

    /// Adds a feature.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, feature: impl Into<FeatureSpec>) -> Self {
        self.features.insert(name.into(), feature.into());
        self.anew()
    }

    /// Adds crosses: the names of two features, or what [`FeatureSpace::cross`] makes.
    #[must_use]
    pub fn crosses<C: Into<CrossSpec>>(mut self, crosses: impl IntoIterator<Item = C>) -> Self {
        self.crosses.extend(crosses.into_iter().map(Into::into));
        self.anew()
    }

    /// Sets `output_mode`.
    #[must_use]
    pub fn output_mode(mut self, output_mode: FeatureOutput) -> Self {
        self.output_mode = output_mode;
        self.anew()
    }

    /// Sets the number of categories of crosses that are given by names alone.
    #[must_use]
    pub fn crossing_dim(mut self, crossing_dim: impl Into<Option<usize>>) -> Self {
        self.crossing_dim = crossing_dim.into();
        self.anew()
    }

    /// Sets the number of categories of `integer_hashed` and `string_hashed`.
    #[must_use]
    pub fn hashing_dim(mut self, hashing_dim: impl Into<Option<usize>>) -> Self {
        self.hashing_dim = hashing_dim.into();
        self.anew()
    }

    /// Sets the number of bins of `float_discretized`.
    #[must_use]
    pub fn num_discretization_bins(mut self, bins: impl Into<Option<usize>>) -> Self {
        self.num_discretization_bins = bins.into();
        self.anew()
    }

    /// Discards the layers that other arguments were used for.
    fn anew(mut self) -> Self {
        self.parts = OnceCell::new();
        self
    }

    /// Constructs a feature with a preprocessing layer of your own.
    pub fn feature(dtype: DType, preprocessor: impl Into<LayerRef>, output_mode: FeatureEncoding) -> Feature {
        Feature::new(dtype, preprocessor, output_mode)
    }

    /// Constructs a cross of features with its own number of categories.
    pub fn cross<N: Into<String>>(feature_names: impl IntoIterator<Item = N>, crossing_dim: usize) -> Cross {
        Cross::new(feature_names, crossing_dim)
    }

    /// Returns the feature space behind the handle to a layer or model.
    ///
    /// # Errors
    /// If it is a layer of another class.
    pub fn of(layer: &LayerRef) -> Result<&Self> {
        layer.downcast_ref().ok_or_else(|| {
            Error::new(ErrorKind::WrongKind, "the layer is no feature space")
                .expected("a `FeatureSpace`")
                .received(format!("{layer:?}"))
        })
    }

    /// Checks the arguments now; otherwise the first use does.
    ///
    /// # Errors
    /// If there are no features, a kind is unknown, or a cross names an unknown feature.
    pub fn check(&self) -> Result<()> {
        self.parts().map(|_| ())
    }

    /// Returns the symbols of the inputs by name, for a model that begins with this feature space.
    ///
    /// # Errors
    /// If the feature space is not adapted.
    pub fn get_inputs(&self) -> Result<Nested<Tensor>> {
        let parts = self.parts()?;
        parts.encoded()?;
        Ok(parts.inputs())
    }

    /// Returns the symbols of the encoded features: one symbol, or a dict.
    ///
    /// # Errors
    /// If the feature space is not adapted, or a feature can't be encoded in its mode.
    pub fn get_encoded_features(&self) -> Result<Nested<Tensor>> {
        self.parts()?.encoded()
    }

    /// Returns the features by name.
    ///
    /// # Errors
    /// Those of [`FeatureSpace::check`].
    pub fn features(&self) -> Result<&IndexMap<String, Feature>> {
        Ok(&self.parts()?.features)
    }

    /// Returns the layer of each cross, by the cross's name (`a_X_b`).
    ///
    /// # Errors
    /// Those of [`FeatureSpace::check`].
    pub fn crossers(&self) -> Result<&IndexMap<String, LayerRef>> {
        Ok(self.parts()?.crossers())
    }

    fn parts(&self) -> Result<&Parts> {
        self.parts.get_or_try_init(|| self.construct_parts())
    }

    fn construct_parts(&self) -> Result<Parts> {
        if self.features.is_empty() {
            return Err(config_error("The `features` argument cannot be None or empty"));
        }
        let dims = Dims { hashing: self.hashing_dim, bins: self.num_discretization_bins };
        let features = self.features.iter().map(|(name, spec)| {
            let feature = spec.make(name, &dims).at_with(|| name.clone()).at("features")?;
            Ok((name.clone(), feature))
        });
        let features = features.collect::<Result<_>>()?;
        let crosses = self.crosses.iter().enumerate();
        let crosses = crosses.map(|(i, spec)| self.make_cross(spec).at_with(|| format!("crosses[{i}]")));
        Parts::new(features, crosses.collect::<Result<_>>()?, self.output_mode)
    }

    fn make_cross(&self, spec: &CrossSpec) -> Result<Cross> {
        let cross = match spec {
            CrossSpec::Made(cross) => cross.clone(),
            CrossSpec::Names(names) => match self.crossing_dim.filter(|dim| *dim > 0) {
                Some(dim) => Cross::new(names.iter().map(String::as_str), dim),
                None => {
                    return Err(config_error(
                        "When specifying `crosses`, the argument `crossing_dim` (dimensionality of the crossing space) \
                         should be specified as well",
                    ));
                }
            },
        };
        cross.check()?;
        let unknown: Vec<&str> = cross
            .feature_names()
            .iter()
            .map(String::as_str)
            .filter(|name| !self.features.contains_key(*name))
            .collect();
        if unknown.is_empty() {
            return Ok(cross);
        }
        let known: Vec<&str> = self.features.keys().map(String::as_str).collect();
        Err(config_error("All features referenced in the `crosses` argument should be present in the `features` dict")
            .expected(format!("names among {}", known.join(", ")))
            .received(format!("unknown features: {}", unknown.join(", "))))
    }
}

fn config_error(message: &'static str) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// Deserializes an object that must be of one class.
fn of_class<T: KerasSerializable + Clone>(value: &Value, expected: &'static str) -> Result<T> {
    let object = match value {
        Value::Dict(_) => Object::from_value(value)?.downcast_plain::<T>(),
        _ => None,
    };
    object.map(|object| (*object).clone()).ok_or_else(|| wrong_type(expected, value))
}

/// Returns the error for a feature that a dict of data lacks.
fn missing<'a>(name: &str, given: impl IntoIterator<Item = &'a String>) -> Error {
    let given: Vec<&str> = given.into_iter().map(String::as_str).collect();
    Error::new(ErrorKind::InvalidArgument, format!("missing data for the feature `{name}`"))
        .received(format!("the keys {}", given.join(", ")))
}

/// Returns the one tensor of a feature.
fn leaf<'a>(
    value: Option<&'a Nested<Tensor>>,
    name: &str,
    given: impl IntoIterator<Item = &'a String>,
) -> Result<&'a Tensor> {
    match value {
        Some(Nested::Leaf(tensor)) => Ok(tensor),
        Some(Nested::None) | None => Err(missing(name, given)),
        Some(other) => Err(Error::new(ErrorKind::InvalidArgument, format!("one tensor for the feature `{name}`"))
            .received(format!("{other:?}"))),
    }
}

impl Layer for FeatureSpace {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        if is_recorded(inputs) {
            return Err(Error::new(
                ErrorKind::Graph,
                "a FeatureSpace is no layer of a graph, but puts its own into one",
            )
            .hint("begin the model with `get_inputs()`, and go on with `get_encoded_features()`"));
        }
        self.parts()?.call(&inputs.inputs()?, cx)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl Adaptable for FeatureSpace {
    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        self.parts()?.adapt(data)?;
        self.base.set_built();
        Ok(())
    }
}

impl OwnState for FeatureSpace {
    /// Refuses to save a feature space that is not adapted: a loaded one always counts as adapted.
    fn save_assets(&self, _: &mut Assets) -> Result<()> {
        self.parts()?.check_adapted()
    }

    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        let features = &self.parts().ok()?.features;
        let of_each = features
            .iter()
            .map(|(name, feature)| (name.clone(), feature.preprocessor().build_config().unwrap_or_default()));
        Some(Value::Dict(of_each.collect::<Dict>()))
    }

    fn build_from_config(&self, config: &Config, _: &LayerRef) -> Option<Result<()>> {
        let build = || {
            let parts = self.parts()?;
            for (name, build_config) in config {
                let feature = parts
                    .features
                    .get(name)
                    .ok_or_else(|| Error::new(ErrorKind::Config, format!("the space has no feature `{name}`")))?;
                feature.preprocessor().build_from_config(build_config).at_with(|| name.clone())?;
            }
            parts.set_adapted();
            Ok(())
        };
        Some(build())
    }
}

impl HasBase<LayerBase> for FeatureSpace {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }
}

const KEYS: &[&str] =
    &["features", "output_mode", "crosses", "crossing_dim", "hashing_dim", "num_discretization_bins", "name"];

impl KerasSerializable for FeatureSpace {
    crate::config::described_by_hand! { FeatureSpace {
        "features": IndexMap<String, FeatureSpec>, "The features by name: a `Feature`, or the name of a kind.";
        "output_mode": FeatureOutput = FeatureOutput::default(), "Whether the features are concatenated, or a dict.";
        "crosses": Option<Vec<CrossSpec>> = None, "The features that are crossed: a `Cross`, or a list of names.";
        "crossing_dim": Option<usize> = DEFAULT_DIM, "The default number of buckets of crosses.";
        "hashing_dim": Option<usize> = DEFAULT_DIM, "The default number of buckets of hashed features.";
        "num_discretization_bins": Option<usize> = DEFAULT_DIM, "The default number of bins of discretized features.";
        "name": Option<String> = None, "The name; generated by default.";
    } }

    /// Leaves the name out, as Keras does.
    fn get_config(&self) -> Result<Config> {
        let parts = self.parts()?;
        let features = parts.features.iter().map(|(name, feature)| {
            let form = FeatureSpec::Made(feature.clone()).to_value();
            Ok((name.clone(), form.at_with(|| name.clone()).at("features")?))
        });
        let crosses = parts.crosses.iter().map(|cross| CrossSpec::Made(cross.clone()).to_value());
        Ok(Config::from([
            ("features".to_owned(), Value::Dict(features.collect::<Result<_>>()?)),
            ("output_mode".to_owned(), self.output_mode.to_value()?),
            ("crosses".to_owned(), Value::List(crosses.collect::<Result<_>>()?)),
            ("crossing_dim".to_owned(), self.crossing_dim.to_value()?),
            ("hashing_dim".to_owned(), self.hashing_dim.to_value()?),
            ("num_discretization_bins".to_owned(), self.num_discretization_bins.to_value()?),
        ]))
    }

    fn from_config(config: &Config) -> Result<Self> {
        field::refuse_unknown(config, &[], KEYS)?;
        let dim = |name| field::optional(config, name, &[], Option::from_value, || DEFAULT_DIM);
        let features: IndexMap<String, FeatureSpec> = match config.get("features") {
            None | Some(Value::Null) => IndexMap::new(),
            Some(features) => IndexMap::from_value(features).at("features")?,
        };
        let crosses: Option<Vec<CrossSpec>> = field::optional(config, "crosses", &[], Option::from_value, || None)?;
        let mut base = LayerBase::default();
        if let Some(name) = field::optional(config, "name", &[], Option::<String>::from_value, || None)? {
            base.set_name(name);
        }
        let this = Self {
            base,
            features,
            output_mode: field::optional(
                config,
                "output_mode",
                &[],
                FeatureOutput::from_value,
                FeatureOutput::default,
            )?,
            crosses: crosses.unwrap_or_default(),
            crossing_dim: dim("crossing_dim")?,
            hashing_dim: dim("hashing_dim")?,
            num_discretization_bins: dim("num_discretization_bins")?,
            parts: OnceCell::new(),
        };
        this.check()?;
        Ok(this)
    }

    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        // What is wrong with the arguments shows on first use.
        if let Ok(parts) = self.parts() {
            parts.visit(visitor);
        }
    }
}

impl std::fmt::Debug for FeatureSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.features.keys().map(String::as_str).collect();
        write!(f, "FeatureSpace({}, {:?})", names.join(", "), self.output_mode)
    }
}
