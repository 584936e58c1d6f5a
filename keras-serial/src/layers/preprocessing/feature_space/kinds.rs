//! The usual kinds of features, with the arguments of their preprocessing layers.

use super::{Feature, FeatureEncoding, FeatureSpace, TfdIdentity};
use crate::layers::{
    Array, Discretization, Hashing, IntegerLookup, LayerExt, LayerRef, Normalization, Rescaling, StringLookup,
};
use crate::tensor::DType;
use crate::utils::auto_name;

/// The name of a feature's layer: from the feature's, or from a new one of its kind.
fn layer_name(name: Option<String>, kind: &str) -> String {
    format!("{}_preprocessor", name.unwrap_or_else(|| auto_name(kind)))
}

/// The setter of the name, from which the preprocessing layer's is made.
macro_rules! named {
    ($($kind:ident),*) => {$(
        impl $kind {
            /// Names the feature; its layer is called `NAME_preprocessor`.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.name = Some(name.into());
                self
            }
        }
    )*};
}

named!(FloatFeature, RescaledFeature, DiscretizedFeature, CategoricalFeature, HashedFeature);

/// A number as it is, or with mean 0 and variance 1.
#[derive(Clone, Debug)]
#[must_use]
pub struct FloatFeature {
    is_normalized: bool,
    name: Option<String>,
}

impl From<FloatFeature> for Feature {
    fn from(FloatFeature { is_normalized, name }: FloatFeature) -> Self {
        let preprocessor: LayerRef = if is_normalized {
            Normalization::new().name(layer_name(name, "float_normalized")).shared()
        } else {
            TfdIdentity::new().dtype("float32").name(layer_name(name, "float")).shared()
        };
        Feature::new(DType::Float32, preprocessor, FeatureEncoding::Float)
    }
}

/// A number times `scale` plus `offset`.
#[derive(Clone, Debug)]
#[must_use]
pub struct RescaledFeature {
    scale: Array,
    offset: Array,
    name: Option<String>,
}

impl RescaledFeature {
    /// Sets `scale`; 1 by default.
    pub fn scale(mut self, scale: impl Into<Array>) -> Self {
        self.scale = scale.into();
        self
    }

    /// Sets `offset`; 0 by default.
    pub fn offset(mut self, offset: impl Into<Array>) -> Self {
        self.offset = offset.into();
        self
    }
}

impl From<RescaledFeature> for Feature {
    fn from(RescaledFeature { scale, offset, name }: RescaledFeature) -> Self {
        let layer = Rescaling::new(scale).offset(offset).name(layer_name(name, "float_rescaled"));
        Feature::new(DType::Float32, layer, FeatureEncoding::Float)
    }
}

/// A number as the bin that it lies in.
#[derive(Clone, Debug)]
#[must_use]
pub struct DiscretizedFeature {
    num_bins: Option<usize>,
    bin_boundaries: Option<Array>,
    output_mode: FeatureEncoding,
    name: Option<String>,
}

impl DiscretizedFeature {
    /// Sets the boundaries of the bins, in place of a number of bins (`None`) that are to be found. As in
    /// Keras, such a feature is not one-hot encoded.
    pub fn bin_boundaries(mut self, bin_boundaries: impl Into<Array>) -> Self {
        self.bin_boundaries = Some(bin_boundaries.into());
        self
    }

    /// Sets `output_mode`; one-hot by default.
    pub fn output_mode(mut self, output_mode: FeatureEncoding) -> Self {
        self.output_mode = output_mode;
        self
    }
}

impl From<DiscretizedFeature> for Feature {
    fn from(feature: DiscretizedFeature) -> Self {
        let mut layer = Discretization::new().name(layer_name(feature.name, "float_discretized"));
        if let Some(bins) = feature.num_bins {
            layer = layer.num_bins(bins);
        }
        if let Some(boundaries) = feature.bin_boundaries {
            layer = layer.bin_boundaries(boundaries);
        }
        Feature::new(DType::Float32, layer, feature.output_mode)
    }
}

/// An integer or a string as its index in a vocabulary that is learned.
#[derive(Clone, Debug)]
#[must_use]
pub struct CategoricalFeature {
    is_string: bool,
    max_tokens: Option<usize>,
    num_oov_indices: usize,
    output_mode: FeatureEncoding,
    name: Option<String>,
}

impl CategoricalFeature {
    /// Sets how many indices there are at most; without limit by default.
    pub fn max_tokens(mut self, max_tokens: usize) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets how many indices stand for what is not in the vocabulary; 1 by default.
    pub fn num_oov_indices(mut self, num_oov_indices: usize) -> Self {
        self.num_oov_indices = num_oov_indices;
        self
    }

    /// Sets `output_mode`; one-hot by default.
    pub fn output_mode(mut self, output_mode: FeatureEncoding) -> Self {
        self.output_mode = output_mode;
        self
    }
}

impl From<CategoricalFeature> for Feature {
    fn from(feature: CategoricalFeature) -> Self {
        let CategoricalFeature { max_tokens, num_oov_indices, output_mode, .. } = feature;
        if feature.is_string {
            let layer = StringLookup::new().num_oov_indices(num_oov_indices);
            let layer = if let Some(max) = max_tokens { layer.max_tokens(max) } else { layer };
            return Feature::new(
                DType::String,
                layer.name(layer_name(feature.name, "string_categorical")),
                output_mode,
            );
        }
        let layer = IntegerLookup::new().num_oov_indices(num_oov_indices);
        let layer = if let Some(max) = max_tokens { layer.max_tokens(max) } else { layer };
        Feature::new(DType::Int32, layer.name(layer_name(feature.name, "integer_categorical")), output_mode)
    }
}

/// An integer or a string as one of some categories, by its hash.
#[derive(Clone, Debug)]
#[must_use]
pub struct HashedFeature {
    is_string: bool,
    num_bins: usize,
    output_mode: FeatureEncoding,
    name: Option<String>,
}

impl HashedFeature {
    /// Sets `output_mode`; one-hot by default.
    pub fn output_mode(mut self, output_mode: FeatureEncoding) -> Self {
        self.output_mode = output_mode;
        self
    }
}

impl From<HashedFeature> for Feature {
    fn from(HashedFeature { is_string, num_bins, output_mode, name }: HashedFeature) -> Self {
        let (dtype, kind) = if is_string { (DType::String, "string_hashed") } else { (DType::Int32, "integer_hashed") };
        Feature::new(dtype, Hashing::new(num_bins).name(layer_name(name, kind)), output_mode)
    }
}

/// The kinds of features.
impl FeatureSpace {
    /// A number as it is.
    pub fn float() -> FloatFeature {
        FloatFeature { is_normalized: false, name: None }
    }

    /// A number with the mean 0 and the variance 1 over the data to which the space is adapted.
    pub fn float_normalized() -> FloatFeature {
        FloatFeature { is_normalized: true, name: None }
    }

    /// A number times a scale plus an offset.
    pub fn float_rescaled() -> RescaledFeature {
        RescaledFeature { scale: Array::from(1.0), offset: Array::from(0.0), name: None }
    }

    /// A number as one of so many bins, which hold about equally many of the data to which the space is
    /// adapted.
    pub fn float_discretized(num_bins: impl Into<Option<usize>>) -> DiscretizedFeature {
        let num_bins = num_bins.into();
        DiscretizedFeature { num_bins, bin_boundaries: None, output_mode: FeatureEncoding::OneHot, name: None }
    }

    /// An integer by its index in the vocabulary of the data to which the space is adapted.
    pub fn integer_categorical() -> CategoricalFeature {
        let output_mode = FeatureEncoding::OneHot;
        CategoricalFeature { is_string: false, max_tokens: None, num_oov_indices: 1, output_mode, name: None }
    }

    /// A string by its index in the vocabulary of the data to which the space is adapted.
    pub fn string_categorical() -> CategoricalFeature {
        CategoricalFeature { is_string: true, ..Self::integer_categorical() }
    }

    /// An integer by its hash, as one of so many categories.
    pub fn integer_hashed(num_bins: usize) -> HashedFeature {
        HashedFeature { is_string: false, num_bins, output_mode: FeatureEncoding::OneHot, name: None }
    }

    /// A string by its hash, as one of so many categories.
    pub fn string_hashed(num_bins: usize) -> HashedFeature {
        HashedFeature { is_string: true, ..Self::integer_hashed(num_bins) }
    }
}
