//! What a feature space is made of: layers that preprocess, cross, encode and join its features.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;

use super::{Cross, Feature, FeatureEncoding, FeatureOutput, TfdConcat, TfdIdentity, adapt, leaf};
use crate::config::{FieldVisitor, StateField};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::{
    Adaptable, CategoryEncoding, Discretization, HashedCrossing, Hashing, Input, IntegerLookup, LayerExt, LayerRef,
    MelSpectrogram, Normalization, OutputMode, Rescaling, StringLookup,
};
use crate::ops::dtypes::cast;
use crate::ops::shape::{expand_at, reshape_to, squeeze_at};
use crate::tensor::symbolic::Fresh;
use crate::tensor::{CallContext, DType, Nested, Shape, Tensor};
use crate::utils::Locked;

/// Features by name, each with what became of it so far.
type Values = IndexMap<String, Nested<Tensor>>;

/// The features and crosses of a space, with the layers that Keras makes in `__init__`.
pub(super) struct Parts {
    pub features: IndexMap<String, Feature>,
    pub crosses: Vec<Cross>,
    output_mode: FeatureOutput,
    crossers: IndexMap<String, LayerRef>,
    inputs: IndexMap<String, Tensor>,
    /// How each feature and cross is encoded.
    encodings: IndexMap<String, FeatureEncoding>,
    is_adapted: AtomicBool,
    encoders: Mutex<Option<Arc<Encoders>>>,
}

/// The layers that are made once the numbers of categories are known, and the graph of all.
struct Encoders {
    one_hot: IndexMap<String, LayerRef>,
    concat: Option<LayerRef>,
    encoded: Nested<Tensor>,
}

impl Parts {
    pub fn new(features: IndexMap<String, Feature>, crosses: Vec<Cross>, output_mode: FeatureOutput) -> Result<Self> {
        let inputs = features.iter().map(|(name, feature)| {
            let input = Input::new([1]).dtype(feature.dtype()).name(name.as_str()).tensor()?;
            Ok((name.clone(), input))
        });
        let crossers = crosses.iter().map(|cross| {
            let name = cross.name();
            (name.clone(), HashedCrossing::new(cross.crossing_dim()).name(name).shared())
        });
        let of_features = features.iter().map(|(name, feature)| (name.clone(), feature.output_mode()));
        let encodings = of_features.chain(crosses.iter().map(|cross| (cross.name(), cross.encoding())));
        Ok(Self {
            encodings: encodings.collect(),
            inputs: inputs.collect::<Result<_>>()?,
            crossers: crossers.collect(),
            features,
            crosses,
            output_mode,
            is_adapted: AtomicBool::new(false),
            encoders: Mutex::default(),
        })
    }

    /// Shows the layers under the names that Keras's files have for them.
    pub fn visit(&self, visitor: &mut dyn FieldVisitor) {
        let encoders = self.known_encoders();
        if let Some(concat) = encoders.as_ref().and_then(|encoders| encoders.concat.as_ref()) {
            concat.visit_state("concat", visitor);
        }
        self.crossers.visit_state("crossers", visitor);
        if let Some(encoders) = encoders {
            encoders.one_hot.visit_state("one_hot_encoders", visitor);
        }
        visitor.enter("preprocessors");
        for (name, feature) in &self.features {
            feature.preprocessor().visit_state(name, visitor);
        }
        visitor.leave();
    }

    pub fn crossers(&self) -> &IndexMap<String, LayerRef> {
        &self.crossers
    }

    pub fn inputs(&self) -> Nested<Tensor> {
        Nested::dict(self.inputs.iter().map(|(name, input)| (name.as_str(), input.clone())))
    }

    /// The features whose layers learn from data.
    fn adaptable(&self) -> impl Iterator<Item = (&String, &LayerRef)> {
        let layers = self.features.iter().map(|(name, feature)| (name, feature.preprocessor()));
        layers.filter(|(_, layer)| layer.layer().adaptable().is_some_and(Adaptable::is_adaptable))
    }

    pub fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        for (name, layer) in self.adaptable() {
            layer.adapt(Nested::list(adapt::batches(data, name)?))?;
        }
        self.set_adapted();
        // The numbers of categories may be others than before.
        *self.encoders.locked() = None;
        self.encoders().map(|_| ())
    }

    /// Says that nothing is left to be learned.
    pub fn set_adapted(&self) {
        self.is_adapted.store(true, Ordering::Release);
    }

    pub fn check_adapted(&self) -> Result<()> {
        let names: Vec<&str> = self.adaptable().map(|(name, _)| name.as_str()).collect();
        if self.is_adapted.load(Ordering::Acquire) || names.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::NotBuilt,
            "You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it, or save it",
        )
        .hint(format!("what these features are encoded as is learned from data: {}", names.join(", "))))
    }

    fn known_encoders(&self) -> Option<Arc<Encoders>> {
        self.encoders.locked().clone()
    }

    /// The symbols of what the features become.
    pub fn encoded(&self) -> Result<Nested<Tensor>> {
        Ok(self.encoders()?.encoded.clone())
    }

    /// The layers that encode, made on first use, with the graph that leads through all layers.
    fn encoders(&self) -> Result<Arc<Encoders>> {
        if let Some(known) = self.known_encoders() {
            return Ok(known);
        }
        self.check_adapted()?;
        // The graph is the space's own, also where a call is what makes it.
        let _fresh = Fresh::enter();
        let cx = CallContext::inference();
        let made = self.make_encoders(&self.values(&self.inputs, &cx)?, &cx)?;
        let mut slot = self.encoders.locked();
        Ok(slot.get_or_insert_with(|| Arc::new(made)).clone())
    }

    /// Features by name, preprocessed; then crosses by name. Each in the order of names.
    fn values(&self, data: &IndexMap<String, Tensor>, cx: &CallContext) -> Result<Values> {
        let mut values = Values::new();
        for (name, feature) in &self.features {
            let layer = feature.preprocessor();
            let x = as_data(leaf_of(data, name)?, layer)?;
            values.insert(name.clone(), layer.call(x, cx).at_with(|| name.clone())?);
        }
        let mut crossed = Values::new();
        for cross in &self.crosses {
            let name = cross.name();
            let inputs = cross.feature_names().iter().map(|feature| leaf(values.get(feature), feature, values.keys()));
            let inputs: Vec<Tensor> =
                inputs.map(|input| input.cloned()).collect::<Result<_>>().at_with(|| name.clone())?;
            if let Some(crosser) = self.crossers.get(&name) {
                crossed.insert(name.clone(), crosser.call(inputs, cx)?);
            }
        }
        values.sort_keys();
        crossed.sort_keys();
        values.extend(crossed);
        Ok(values)
    }

    fn make_encoders(&self, values: &Values, cx: &CallContext) -> Result<Encoders> {
        let mut one_hot = IndexMap::new();
        let mut encoded = Values::new();
        for (name, value) in values {
            let mut value = value.clone();
            let dtype = value.leaves().first().map(|tensor| tensor.dtype());
            if self.encodings.get(name) == Some(&FeatureEncoding::OneHot)
                && let Some(tokens) = self.cardinality(name, dtype)?
            {
                let encoder = CategoryEncoding::new(tokens).output_mode(OutputMode::MultiHot).shared();
                value = encoder.call(value, cx)?;
                one_hot.insert(name.clone(), encoder);
            }
            encoded.insert(name.clone(), value);
        }
        if self.output_mode == FeatureOutput::Dict {
            return Ok(Encoders { one_hot, concat: None, encoded: Nested::Dict(encoded) });
        }
        let is_number = |tensor: &Tensor| !tensor.dtype().name().starts_with("int") && tensor.dtype() != DType::String;
        let parts = encoded.iter().map(|(name, value)| match value {
            Nested::Leaf(tensor) if is_number(tensor) => Ok(tensor.clone()),
            other => {
                let dtype = other.leaves().first().map_or("no", |tensor| tensor.dtype().name());
                Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "Cannot concatenate features because feature '{name}' has not been encoded (it has dtype {dtype})"
                    ),
                )
                .hint("consider using `FeatureOutput::Dict` as `output_mode`"))
            }
        });
        let concat = TfdConcat::new(-1).shared();
        let encoded = concat.call(parts.collect::<Result<Vec<_>>>()?, cx)?;
        Ok(Encoders { one_hot, concat: Some(concat), encoded })
    }

    /// The number of categories of what is to be one-hot encoded; none where the layer does not tell it.
    fn cardinality(&self, name: &str, dtype: Option<DType>) -> Result<Option<usize>> {
        let error = |text: String| Error::new(ErrorKind::InvalidArgument, text);
        let dtype = dtype.map_or("no", |dtype| dtype.name());
        if !dtype.starts_with("int") {
            return Err(error(format!(
                "Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should return an integer dtype"
            ))
            .received(format!("a {dtype} dtype")));
        }
        let of_feature = self.features.get(name).map(Feature::preprocessor);
        let Some(layer) = of_feature.or_else(|| self.crossers.get(name)) else { return Ok(None) };
        if let Some(lookup) = layer.downcast_ref::<IntegerLookup>() {
            return lookup.vocabulary_size().map(Some);
        }
        if let Some(lookup) = layer.downcast_ref::<StringLookup>() {
            return lookup.vocabulary_size().map(Some);
        }
        if let Some(discretization) = layer.downcast_ref::<Discretization>() {
            return Ok(discretization.bins());
        }
        let known = layer.downcast_ref::<CategoryEncoding>().map(CategoryEncoding::tokens);
        let known = known.or_else(|| layer.downcast_ref::<HashedCrossing>().map(HashedCrossing::number_of_bins));
        match known.or_else(|| layer.downcast_ref::<Hashing>().map(Hashing::number_of_bins)) {
            Some(known) => Ok(Some(known)),
            None => Err(error(format!(
                "Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature and the \
                 dimensionality of its output space is not known, thus it cannot be one-hot encoded"
            ))
            .hint("try using `FeatureEncoding::Int` as its `output_mode`")),
        }
    }

    /// Makes of data, a dict with one tensor for each feature, what the space gives.
    pub fn call(&self, data: &Nested<Tensor>, cx: &CallContext) -> Result<Nested<Tensor>> {
        let encoders = self.encoders()?;
        let Nested::Dict(data) = data else {
            return Err(Error::new(ErrorKind::InvalidArgument, "A FeatureSpace can only be called with a dict")
                .received(format!("{data:?}")));
        };
        if let Some(unknown) = data.keys().find(|name| !self.features.contains_key(*name)) {
            let known: Vec<&str> = self.features.keys().map(String::as_str).collect();
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the data have an unknown feature `{unknown}`"),
            )
            .expected(format!("the features {}", known.join(", "))));
        }
        let (mut one_sample, mut batch) = (false, IndexMap::new());
        for name in self.features.keys() {
            let x = leaf(data.get(name), name, data.keys())?;
            let x = match x.rank() {
                0 => {
                    one_sample = true;
                    reshape_to(x, &Shape::from([1, 1]))?
                }
                1 => expand_at(x, -1)?,
                _ => x.clone(),
            };
            batch.insert(name.clone(), x);
        }
        let mut values = self.values(&batch, cx)?;
        for (name, encoder) in &encoders.one_hot {
            if let Some(value) = values.get_mut(name) {
                let x = as_data(leaf(Some(value), name, [name])?, encoder)?;
                *value = encoder.call(x, cx)?;
            }
        }
        let Some(concat) = &encoders.concat else {
            let without_batch = |value: &Tensor| match value.shape().dims() {
                [Some(1), _] => squeeze_at(value, 0).map(Nested::Leaf),
                _ => Ok(Nested::Leaf(value.clone())),
            };
            for (_, value) in values.iter_mut().filter(|_| one_sample) {
                if let Nested::Leaf(tensor) = value {
                    *value = without_batch(tensor)?;
                }
            }
            return Ok(Nested::Dict(values));
        };
        let parts = values.iter().map(|(name, value)| as_data(leaf(Some(value), name, [name])?, concat));
        let merged = concat.call(parts.collect::<Result<Vec<_>>>()?, cx)?;
        if !one_sample {
            return Ok(merged);
        }
        let merged = merged.into_single()?;
        match merged.shape().get(0)? {
            Some(1) | None => squeeze_at(&merged, 0).map(Into::into),
            Some(_) => Err(Error::new(ErrorKind::Shape, "features without a batch can't go with a batch of others")
                .expected("a batch of size 1")
                .received(format!("shape {}", merged.shape()))),
        }
    }
}

fn leaf_of<'a>(data: &'a IndexMap<String, Tensor>, name: &str) -> Result<&'a Tensor> {
    data.get(name).ok_or_else(|| super::missing(name, data.keys()))
}

/// A tensor as a layer for pipelines of data takes it in Keras (`DataLayer`): of its compute dtype, also
/// integers. In a graph, such a layer casts them by itself.
fn as_data(x: &Tensor, layer: &LayerRef) -> Result<Tensor> {
    let is_data_layer = layer.downcast_ref::<TfdIdentity>().is_some()
        || layer.downcast_ref::<TfdConcat>().is_some()
        || layer.downcast_ref::<Rescaling>().is_some()
        || layer.downcast_ref::<Normalization>().is_some()
        || layer.downcast_ref::<Discretization>().is_some()
        || layer.downcast_ref::<CategoryEncoding>().is_some()
        || layer.downcast_ref::<MelSpectrogram>().is_some();
    if !is_data_layer || x.history().is_some() {
        return Ok(x.clone());
    }
    cast(x, layer.dtype_policy().compute_dtype()?).at_with(|| layer.name().to_owned())
}
