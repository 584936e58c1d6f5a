//! Preprocessing layers: convert raw data to a model's inputs.

mod array;
mod category_encoding;
mod discretization;
mod encode;
mod feature_space;
mod hash;
mod hashed_crossing;
mod hashing;
pub mod image;
mod index_lookup;
mod integer_lookup;
mod lookup_traced;
mod lookup_vocabulary;
mod mel_spectrogram;
mod normalization;
mod pipeline;
mod rescaling;
mod stft_spectrogram;
mod string_lookup;
mod text_vectorization;
mod vocabulary;

pub use array::Array;
pub use category_encoding::CategoryEncoding;
pub use discretization::Discretization;
pub use encode::OutputMode;
pub use feature_space::{
    CategoricalFeature, Cross, CrossSpec, DiscretizedFeature, Feature, FeatureEncoding, FeatureOutput, FeatureSpace,
    FeatureSpec, FloatFeature, HashedFeature, RescaledFeature, TfdConcat, TfdIdentity,
};
pub use hash::Salt;
pub use hashed_crossing::HashedCrossing;
pub use hashing::Hashing;
pub use image::*;
pub use index_lookup::OovMethod;
pub use integer_lookup::IntegerLookup;
pub use mel_spectrogram::MelSpectrogram;
pub use normalization::{AxisTuple, Normalization};
pub use pipeline::Pipeline;
pub use rescaling::Rescaling;
pub use stft_spectrogram::{SpectrogramMode, StftSpectrogram};
pub use string_lookup::StringLookup;
pub use text_vectorization::{Ngrams, Split, Standardize, TextVectorization};
pub use vocabulary::{Token, Vocabulary};
