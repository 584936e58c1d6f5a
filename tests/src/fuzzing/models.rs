//! Small models that contain every layer of Keras once.

use keras_serial::ResultExt;
use keras_serial::prelude::*;

/// The layers with one input: class, configuration (without the defaults), shape of the input without
/// the batch, and dtype.
const LAYERS: &[(&str, &str, &str, &str)] = &[
    ("Activation", r#""activation": "gelu""#, "4", "float32"),
    ("ActivityRegularization", r#""l1": 0.1"#, "4", "float32"),
    ("AdaptiveAveragePooling1D", r#""output_size": 2"#, "6, 3", "float32"),
    ("AdaptiveAveragePooling2D", r#""output_size": 2"#, "6, 6, 3", "float32"),
    ("AdaptiveAveragePooling3D", r#""output_size": 2"#, "4, 4, 4, 3", "float32"),
    ("AdaptiveMaxPooling1D", r#""output_size": 2"#, "6, 3", "float32"),
    ("AdaptiveMaxPooling2D", r#""output_size": 2"#, "6, 6, 3", "float32"),
    ("AdaptiveMaxPooling3D", r#""output_size": 2"#, "4, 4, 4, 3", "float32"),
    ("AlphaDropout", r#""rate": 0.5"#, "4", "float32"),
    ("AugMix", "", "6, 6, 3", "float32"),
    ("AutoContrast", "", "6, 6, 3", "float32"),
    ("AveragePooling1D", r#""pool_size": 2"#, "6, 3", "float32"),
    ("AveragePooling2D", r#""pool_size": 2"#, "6, 6, 3", "float32"),
    ("AveragePooling3D", r#""pool_size": 2"#, "4, 4, 4, 3", "float32"),
    ("BatchNormalization", "", "6, 6, 3", "float32"),
    ("CategoryEncoding", r#""num_tokens": 5"#, "3", "int64"),
    ("CenterCrop", r#""height": 4, "width": 4"#, "6, 6, 3", "float32"),
    ("ContrastLimitedAdaptiveHistogramEqualization", r#""tile_grid_size": [2, 2]"#, "6, 6, 3", "float32"),
    ("Conv1D", r#""filters": 2, "kernel_size": 3"#, "6, 3", "float32"),
    ("Conv1DTranspose", r#""filters": 2, "kernel_size": 3"#, "6, 3", "float32"),
    ("Conv2D", r#""filters": 2, "kernel_size": 3, "strides": 2"#, "6, 6, 3", "float32"),
    ("Conv2DTranspose", r#""filters": 2, "kernel_size": 3"#, "6, 6, 3", "float32"),
    ("Conv3D", r#""filters": 2, "kernel_size": 2"#, "4, 4, 4, 3", "float32"),
    ("Conv3DTranspose", r#""filters": 2, "kernel_size": 2"#, "4, 4, 4, 3", "float32"),
    ("ConvLSTM1D", r#""filters": 2, "kernel_size": 2"#, "3, 6, 3", "float32"),
    ("ConvLSTM2D", r#""filters": 2, "kernel_size": 2"#, "3, 4, 4, 3", "float32"),
    ("ConvLSTM3D", r#""filters": 2, "kernel_size": 2"#, "2, 4, 4, 4, 3", "float32"),
    ("Cropping1D", r#""cropping": 1"#, "6, 3", "float32"),
    ("Cropping2D", r#""cropping": 1"#, "6, 6, 3", "float32"),
    ("Cropping3D", r#""cropping": 1"#, "4, 4, 4, 3", "float32"),
    ("Dense", r#""units": 3, "kernel_regularizer": "l2""#, "4", "float32"),
    ("DepthwiseConv1D", r#""kernel_size": 3"#, "6, 3", "float32"),
    ("DepthwiseConv2D", r#""kernel_size": 3"#, "6, 6, 3", "float32"),
    ("Discretization", r#""bin_boundaries": [0.0, 1.0]"#, "4", "float32"),
    ("Dropout", r#""rate": 0.5, "seed": 1"#, "4", "float32"),
    ("ELU", "", "4", "float32"),
    ("TernaryDense", r#""units": 3"#, "4", "float32"),
    ("EinsumDense", r#""equation": "abc,cd->abd", "output_shape": [null, 5]"#, "6, 3", "float32"),
    ("Embedding", r#""input_dim": 7, "output_dim": 3"#, "4", "int64"),
    ("Equalization", "", "6, 6, 3", "float32"),
    ("Flatten", "", "6, 3", "float32"),
    ("GRU", r#""units": 3"#, "6, 3", "float32"),
    ("GaussianDropout", r#""rate": 0.5"#, "4", "float32"),
    ("GaussianNoise", r#""stddev": 0.5"#, "4", "float32"),
    ("GlobalAveragePooling1D", "", "6, 3", "float32"),
    ("GlobalAveragePooling2D", "", "6, 6, 3", "float32"),
    ("GlobalAveragePooling3D", "", "4, 4, 4, 3", "float32"),
    ("GlobalMaxPooling1D", "", "6, 3", "float32"),
    ("GlobalMaxPooling2D", "", "6, 6, 3", "float32"),
    ("GlobalMaxPooling3D", "", "4, 4, 4, 3", "float32"),
    ("GroupNormalization", r#""groups": 2"#, "6, 4", "float32"),
    ("Hashing", r#""num_bins": 5"#, "4", "int64"),
    ("Identity", "", "4", "float32"),
    ("IntegerLookup", r#""vocabulary": [1, 2, 3]"#, "4", "int64"),
    ("LSTM", r#""units": 3, "return_sequences": true"#, "6, 3", "float32"),
    ("LayerNormalization", "", "6, 3", "float32"),
    ("LeakyReLU", "", "4", "float32"),
    ("Masking", "", "6, 3", "float32"),
    ("MaxPooling1D", r#""pool_size": 2"#, "6, 3", "float32"),
    ("MaxPooling2D", r#""pool_size": 2"#, "6, 6, 3", "float32"),
    ("MaxPooling3D", r#""pool_size": 2"#, "4, 4, 4, 3", "float32"),
    ("MelSpectrogram", r#""fft_length": 64, "sequence_stride": 16"#, "256", "float32"),
    ("Normalization", r#""mean": 1.0, "variance": 2.0"#, "4", "float32"),
    ("PReLU", "", "4", "float32"),
    ("Permute", r#""dims": [2, 1]"#, "6, 3", "float32"),
    ("RMSNormalization", "", "6, 3", "float32"),
    ("RandAugment", "", "6, 6, 3", "float32"),
    ("RandomBrightness", r#""factor": 0.2"#, "6, 6, 3", "float32"),
    ("RandomColorDegeneration", r#""factor": 0.5"#, "6, 6, 3", "float32"),
    ("RandomColorJitter", r#""brightness_factor": 0.2, "hue_factor": 0.1"#, "6, 6, 3", "float32"),
    ("RandomContrast", r#""factor": 0.5"#, "6, 6, 3", "float32"),
    ("RandomCrop", r#""height": 4, "width": 4"#, "6, 6, 3", "float32"),
    ("RandomElasticTransform", "", "6, 6, 3", "float32"),
    ("RandomErasing", "", "6, 6, 3", "float32"),
    ("RandomFlip", "", "6, 6, 3", "float32"),
    ("RandomGaussianBlur", "", "6, 6, 3", "float32"),
    ("RandomGrayscale", "", "6, 6, 3", "float32"),
    ("RandomHue", r#""factor": 0.5"#, "6, 6, 3", "float32"),
    ("RandomInvert", "", "6, 6, 3", "float32"),
    ("RandomPerspective", "", "6, 6, 3", "float32"),
    ("RandomPosterization", r#""factor": 4"#, "6, 6, 3", "float32"),
    ("RandomRotation", r#""factor": 0.2"#, "6, 6, 3", "float32"),
    ("RandomSaturation", r#""factor": 0.5"#, "6, 6, 3", "float32"),
    ("RandomSharpness", r#""factor": 0.5"#, "6, 6, 3", "float32"),
    ("RandomShear", r#""x_factor": 0.2"#, "6, 6, 3", "float32"),
    ("RandomTranslation", r#""height_factor": 0.2, "width_factor": 0.2"#, "6, 6, 3", "float32"),
    ("RandomZoom", r#""height_factor": 0.2"#, "6, 6, 3", "float32"),
    ("ReLU", r#""max_value": 6.0"#, "4", "float32"),
    ("RepeatVector", r#""n": 3"#, "4", "float32"),
    ("Rescaling", r#""scale": 0.5"#, "4", "float32"),
    ("Reshape", r#""target_shape": [3, -1]"#, "6", "float32"),
    ("Resizing", r#""height": 4, "width": 5"#, "6, 6, 3", "float32"),
    ("ReversibleEmbedding", r#""input_dim": 7, "output_dim": 3"#, "4", "int64"),
    ("STFTSpectrogram", r#""frame_length": 32, "fft_length": 64, "frame_step": 16"#, "256, 1", "float32"),
    ("SeparableConv1D", r#""filters": 2, "kernel_size": 3"#, "6, 3", "float32"),
    ("SeparableConv2D", r#""filters": 2, "kernel_size": 3"#, "6, 6, 3", "float32"),
    ("SimpleRNN", r#""units": 3, "unroll": true"#, "6, 3", "float32"),
    ("Softmax", "", "4", "float32"),
    ("Solarization", "", "6, 6, 3", "float32"),
    ("SpatialDropout1D", r#""rate": 0.5"#, "6, 3", "float32"),
    ("SpatialDropout2D", r#""rate": 0.5"#, "6, 6, 3", "float32"),
    ("SpatialDropout3D", r#""rate": 0.5"#, "4, 4, 4, 3", "float32"),
    ("StringLookup", r#""vocabulary": ["a", "b"]"#, "4", "string"),
    ("TextVectorization", r#""vocabulary": ["a", "b"], "output_sequence_length": 4"#, "1", "string"),
    ("UnitNormalization", "", "4", "float32"),
    ("UpSampling1D", r#""size": 2"#, "6, 3", "float32"),
    ("UpSampling2D", r#""size": 2"#, "6, 6, 3", "float32"),
    ("UpSampling3D", r#""size": 2"#, "4, 4, 4, 3", "float32"),
    ("ZeroPadding1D", r#""padding": 1"#, "6, 3", "float32"),
    ("ZeroPadding2D", r#""padding": 1"#, "6, 6, 3", "float32"),
    ("ZeroPadding3D", r#""padding": 1"#, "4, 4, 4, 3", "float32"),
    (
        "TimeDistributed",
        r#""layer": {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}"#,
        "6, 3",
        "float32",
    ),
    (
        "Bidirectional",
        r#""layer": {"module": "keras.layers", "class_name": "LSTM", "config": {"units": 2, "name": "f"}}"#,
        "6, 3",
        "float32",
    ),
    (
        "Pipeline",
        r#""layers": [{"module": "keras.layers", "class_name": "RandomFlip", "config": {}}, {"module": "keras.layers", "class_name": "Rescaling", "config": {"scale": 0.5}}]"#,
        "6, 6, 3",
        "float32",
    ),
    (
        "SpectralNormalization",
        r#""layer": {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}"#,
        "4",
        "float32",
    ),
    (
        "RNN",
        r#""cell": {"module": "keras.layers", "class_name": "StackedRNNCells", "config": {"cells": [{"module": "keras.layers", "class_name": "SimpleRNNCell", "config": {"units": 2}}, {"module": "keras.layers", "class_name": "GRUCell", "config": {"units": 2}}, {"module": "keras.layers", "class_name": "LSTMCell", "config": {"units": 3}}]}}"#,
        "6, 3",
        "float32",
    ),
];

/// The layers with several inputs of the same shape and without required arguments.
const JOINING: &[&str] = &["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"];

/// The attention layers, called on a query and a value.
const ATTENDING: &[(&str, &str)] = &[
    ("Attention", r#""use_scale": true"#),
    ("AdditiveAttention", ""),
    ("MultiHeadAttention", r#""num_heads": 2, "key_dim": 3"#),
    ("GroupQueryAttention", r#""head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1"#),
    ("Dot", r#""axes": [2, 2]"#),
];

fn object(class: &str, config: &str) -> String {
    format!(r#"{{"module": "keras.layers", "class_name": "{class}", "config": {{{config}}}}}"#)
}

fn input(name: &str, shape: &str, dtype: &str) -> String {
    object("InputLayer", &format!(r#""name": "{name}", "dtype": "{dtype}", "batch_shape": [null, {shape}]"#))
}

fn sequential(class: &str, config: &str, shape: &str, dtype: &str) -> String {
    let layers = format!("{}, {}", input("in", shape, dtype), object(class, config));
    format!(r#"{{"module": "keras", "class_name": "Sequential", "config": {{"name": "m", "layers": [{layers}]}}}}"#)
}

/// Builds a model with two inputs, and the layer called on a list of them or on both as arguments.
fn functional(class: &str, config: &str, listed: bool) -> String {
    let tensor = |name: &str| {
        format!(
            r#"{{"class_name": "__keras_tensor__", "config": {{"shape": [null, 6, 4], "dtype": "float32", "keras_history": ["{name}", 0, 0]}}}}"#
        )
    };
    let args = format!("{}, {}", tensor("a"), tensor("b"));
    let args = if listed { format!("[{args}]") } else { args };
    let source = |name: &str| {
        let layer = input(name, "6, 4", "float32");
        format!(r#"{}, "name": "{name}", "inbound_nodes": []}}"#, layer.strip_suffix('}').unwrap_or(&layer))
    };
    let comma = if config.is_empty() { "" } else { ", " };
    let layer = object(class, &format!(r#""name": "joint"{comma}{config}"#));
    let layer = format!(
        r#"{}, "name": "joint", "inbound_nodes": [{{"args": [{args}], "kwargs": {{}}}}]}}"#,
        layer.strip_suffix('}').unwrap_or(&layer)
    );
    format!(
        r#"{{"module": "keras", "class_name": "Functional", "config": {{"name": "m", "layers": [{}, {}, {layer}],
        "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["joint", 0, 0]]}}}}"#,
        source("a"),
        source("b"),
    )
}

/// Returns all models as `.keras` archives, by the class of their layer.
///
/// # Errors
/// When one of them can't be built or saved.
pub fn archives() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let single = LAYERS.iter().map(|(class, config, shape, dtype)| (*class, sequential(class, config, shape, dtype)));
    let joining = JOINING.iter().map(|class| (*class, functional(class, "", true)));
    let attending = ATTENDING.iter().map(|(class, config)| {
        (*class, functional(class, config, matches!(*class, "Attention" | "AdditiveAttention" | "Dot")))
    });
    let archive = |(class, config): (&'static str, String)| {
        let model = LoadOptions::new().load_model_from_bytes(config.into_bytes()).at(class)?;
        Ok((class, SaveOptions::new().deterministic(true).save_model_to_bytes(&model).at(class)?))
    };
    single.chain(joining).chain(attending).map(archive).collect()
}
