//! Counterparts of the tests of `Model.quantize` in `keras/src/models/model_test.py`, with the same names.

use keras_serial::dtype_policies::Quantization;
use keras_serial::models::{QuantizationReport, Quantize, SkipReason};
use keras_serial::prelude::*;

use crate::{assert_close, assert_fails, named, numbers, symbol};

const I8: Quantization = Quantization::Int8;
const I4: Quantization = Quantization::Int4 { block_size: None };
const BLOCKS: Quantization = Quantization::Int4 { block_size: Some(2) };
const F8: Quantization = Quantization::Float8 { amax_history_length: 1024 };

fn two_inputs() -> Model {
    let (a, b) = (named("input_a", [3]), named("input_b", [3]));
    let x = Dense::new(5).apply(ops::add(&a, &b).unwrap()).unwrap();
    Functional::new(vec![a, b], Dense::new(4).apply(&x).unwrap()).unwrap()
}

fn policies(model: &Model) -> Vec<(String, String)> {
    let of_dense = |layer: &LayerRef| layer.downcast_ref::<Dense>().is_some();
    let layers = model.layers().into_iter().filter(of_dense);
    layers.map(|layer| (layer.name().to_owned(), layer.dtype_policy().name().to_owned())).collect()
}

fn names(layers: &[LayerRef]) -> Vec<&str> {
    layers.iter().map(LayerRef::name).collect()
}

#[test]
fn test_quantize() {
    for (mode, count) in [("int8", 6), ("int4", 10), ("float8", 16)] {
        let model = two_inputs();
        let x = || CallArgs::one(vec![numbers(&[2, 3]), numbers(&[2, 3])]);
        let before = model.predict(x()).unwrap();
        model.quantize(mode).unwrap();
        assert_eq!(model.weights().len(), count);
        let policy = if mode == "int4" { "int4/128_from_float32".to_owned() } else { format!("{mode}_from_float32") };
        assert!(policies(&model).iter().all(|(_, name)| *name == policy));
        let after = model.predict(x()).unwrap();
        for (a, b) in after.to_vec::<f32>().unwrap().into_iter().zip(before.to_vec::<f32>().unwrap()) {
            assert!((a - b).abs() < 0.3 && a != b, "{mode}: {a}, {b}");
        }
        // It says in files how it was quantized.
        let loaded = LoadOptions::new().load_model_from_bytes(SaveOptions::new().save_model_to_bytes(&model).unwrap());
        let loaded = loaded.unwrap();
        assert_eq!(loaded.to_json().unwrap(), model.to_json().unwrap());
        assert_eq!(loaded.predict(x()).unwrap().to_vec::<f32>().unwrap(), after.to_vec::<f32>().unwrap());
    }
}

#[test]
fn test_quantize_with_filters() {
    let model = || {
        let inputs = symbol([3]);
        let x = Dense::new(32).name("dense_1").apply(&inputs).unwrap();
        let x = Dense::new(32).name("dense_2").apply(&x).unwrap();
        Functional::new(inputs, Dense::new(32).name("output").apply(&x).unwrap()).unwrap()
    };
    for (how, expected) in [
        (Quantize::new("int8").filters(["dense_1"]), vec!["dense_1"]),
        (Quantize::new("int8").filters(["dense_1", "^out.ut$"]), vec!["dense_1", "output"]),
        (Quantize::new("int8").only(|layer| layer.name().contains("dense")), vec!["dense_1", "dense_2"]),
    ] {
        let model = model();
        model.quantize(how).unwrap();
        for (name, policy) in policies(&model) {
            assert_eq!(policy == "int8_from_float32", expected.contains(&name.as_str()), "{name}: {policy}");
        }
    }
}

/// Creates its layers itself, and builds them when it is called.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct MyModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(32).activation("relu").shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = Dense::new(5).activation("softmax").shared()))]
    dense2: LayerRef,
    #[keras(sublayer(init = Dropout::new(0.5).shared()))]
    dropout: LayerRef,
}

impl Layer for MyModel {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        [&self.dense1, &self.dropout, &self.dense2].into_iter().try_fold(inputs.inputs()?, |x, layer| layer.call(x, cx))
    }
}

#[test]
fn test_quantize_unbuilt() {
    for mode in ["int8", "float8"] {
        let model = Model::from(MyModel::new());
        assert_fails(model.quantize(mode), "Cannot quantize a layer that isn't yet built");
        model.predict(numbers(&[2, 3])).unwrap();
        assert_eq!(model.quantize(mode).unwrap().quantized().len(), 2);
        model.predict(numbers(&[2, 3])).unwrap();
    }
}

#[test]
fn test_quantize_invalid_args() {
    let model = two_inputs();
    for mode in ["abc", "int7"] {
        assert_fails(model.quantize(mode), "Invalid quantization mode");
        assert_fails(model.quantize(mode), "one of int8, float8, int4");
    }
    assert_fails(model.quantize(Quantize::new("int8").filters(["("])), "this regular expression is not supported");
    // Unknown arguments do not compile. What is quantized is not quantized again.
    model.quantize("int8").unwrap();
    assert_fails(model.quantize("float8"), "is already quantized");
}

/// Passes its input through its own layers.
#[derive(KerasSerializable)]
#[keras(new)]
struct NestedLayer {
    base: LayerBase,
    layers: Vec<LayerRef>,
}

impl Layer for NestedLayer {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.layers.iter().try_fold(inputs.inputs()?, |x, layer| layer.call(x, cx))
    }
}

#[test]
fn test_quantize_nested_model() {
    for mode in ["int8", "float8"] {
        let nested = || NestedLayer::new(vec![Dense::new(8).shared()]).shared();
        let double = NestedLayer::new(vec![nested(), nested(), Dense::new(8).shared()]);
        let inputs = symbol([3]);
        let model = Functional::new(inputs.clone(), double.apply(&inputs).unwrap()).unwrap();
        let paths = |model: &Model| -> Vec<String> {
            let kernels = model.weights().into_iter().filter(|weight| weight.name() == "kernel");
            kernels.map(|weight| weight.path().to_owned()).collect()
        };
        let before = paths(&model);
        model.quantize(mode).unwrap();
        assert_eq!((before.len(), paths(&model)), (3, before));
        if mode == "int8" {
            let kernels = model.weights().into_iter().filter(|weight| weight.name() == "kernel");
            assert!(kernels.map(|kernel| kernel.dtype()).all(|dtype| dtype == DType::Int8));
        } else {
            // Kernel, bias, three scales, and what they follow from.
            assert_eq!(model.weights().len(), 3 * 8);
        }
    }
}

fn with_dropout() -> Model {
    let layers = [
        Input::new([3]).layer(),
        Dense::new(4).name("hidden").shared(),
        Dropout::new(0.5).name("dropout").shared(),
        Dense::new(2).name("output").shared(),
    ];
    Sequential::new(layers).unwrap()
}

/// Returns the layers that were skipped, and whether the filters are the reason.
fn skipped(report: &QuantizationReport) -> Vec<(&str, bool)> {
    let is_filtered = |reason: &SkipReason| matches!(reason, SkipReason::Filtered);
    report.skipped().iter().map(|(layer, reason)| (layer.name(), is_filtered(reason))).collect()
}

#[test]
fn test_quantize_returns_and_stores_report() {
    let report = with_dropout().quantize("int8").unwrap();
    assert_eq!(names(report.quantized()), ["hidden", "output"]);
    assert_eq!(skipped(&report), [("dropout", false)]);
}

#[test]
fn test_quantize_report_filtered_reason() {
    let report = with_dropout().quantize(Quantize::new("int8").filters(["hidden"])).unwrap();
    assert_eq!(names(report.quantized()), ["hidden"]);
    assert_eq!(skipped(&report), [("dropout", true), ("output", true)]);
}

#[test]
fn test_quantize_verbose_prints_report() {
    let report = with_dropout().quantize(Quantize::new("int8").only(|layer| layer.name() != "output")).unwrap();
    assert_eq!(
        report.to_string(),
        "1 layers quantized, 2 skipped\n\
         hidden (Dense): int8_from_float32\n\
         output (Dense): skipped, left out by the filters\n\
         dropout (Dropout): skipped, dropout: Layer Dropout does not have a `quantize` method implemented\n"
    );
}

#[test]
fn test_quantize_dense_with_layer_activation() {
    // A layer as activation makes its Dense a layer with layers inside, which Keras 3.15 passes over.
    let activation: LayerRef = ReLU::new().name("rectified").into();
    let dense = Dense::new(2).activation(activation).name("dense");
    let model = Sequential::new([Input::new([3]).layer(), dense.into()]).unwrap();
    let report = model.quantize("int8").unwrap();
    assert_eq!((names(report.quantized()), skipped(&report)), (vec!["dense"], vec![("rectified", false)]));
    assert!(model.predict(numbers(&[4, 3])).unwrap().to_vec::<f32>().unwrap().into_iter().all(|y| y >= 0.0));
}

#[test]
fn test_quantize_visits_nested_model_layers_once() {
    let inner = Sequential::new([Input::new([3]).layer(), Dense::new(3).name("inner").shared()]).unwrap();
    let middle = Sequential::new([inner.clone().into(), Dense::new(3).name("middle").shared()]).unwrap();
    let inputs = symbol([3]);
    let x = middle.apply(inner.apply(&inputs).unwrap()).unwrap();
    let model = Functional::new(inputs, Dense::new(3).name("outer").apply(&x).unwrap()).unwrap();
    let report = model.quantize("int8").unwrap();
    let mut names = names(report.quantized());
    names.sort_unstable();
    assert_eq!(names, ["inner", "middle", "outer"]);
}

/// Fails on quantization with another error than that it is unsupported.
#[derive(KerasSerializable)]
#[keras(new)]
struct Stubborn {
    base: LayerBase,
    #[keras(weight)]
    kernel: Weight,
}

impl Layer for Stubborn {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.kernel.create(cx, [1], None, None)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, &self.kernel.value()?).map(Into::into)
    }

    fn quantizable(&self) -> Option<&dyn Quantizable> {
        Some(self)
    }
}

impl Quantizable for Stubborn {
    fn quantize(&self, _: Quantization, _: &mut BuildContext<'_>) -> Result<()> {
        Err(Error::new(ErrorKind::InvalidArgument, "no attribute `calibration`"))
    }
}

#[test]
fn test_quantize_propagates_attribute_error() {
    let model = Sequential::new([Input::new([3]).layer(), Stubborn::new().name("stubborn").into()]).unwrap();
    assert_fails(model.quantize("int8"), "stubborn: no attribute `calibration`");
    assert_eq!(model.layers()[0].dtype_policy().name(), "float32");
}

#[test]
fn test_quantize_gptq_without_structure_leaves_model_untouched() {
    // There is no calibration here, with a structure or without.
    let model = two_inputs();
    let x = || CallArgs::one(vec![numbers(&[2, 3]), numbers(&[2, 3])]);
    let before = model.predict(x()).unwrap();
    for mode in ["gptq", "awq"] {
        assert_fails(model.quantize(mode), "quantization by calibration is not supported");
        assert!(policies(&model).iter().all(|(_, policy)| policy == "float32"));
        assert_eq!(model.weights().len(), 4);
        assert_eq!(model.predict(x()).unwrap().to_vec::<f32>().unwrap(), before.to_vec::<f32>().unwrap());
    }
}

#[test]
fn test_quantization_summary_int8() {
    let model = with_dropout();
    model.quantize("int8").unwrap();
    // Integers of 8 bits are one byte each.
    for part in ["Total params: 32 (68.00 B)", "Trainable params: 6 (24.00 B)", "Non-trainable params: 26 (44.00 B)"] {
        assert!(model.summary().unwrap().contains(part), "{}", model.summary().unwrap());
    }
}

/// Returns a built layer by its name in the table below, with an input.
fn layer(name: &str) -> (LayerRef, CallArgs) {
    let einsum = |output: &[Option<usize>], input: &[usize]| {
        let layer = EinsumDense::new(name, Shape::from(output.to_vec())).shared();
        (layer, Shape::from(input), CallArgs::one(numbers(input)))
    };
    let (layer, input, args) = match name {
        "dense" => (Dense::new(3).shared(), Shape::from([None, Some(3)]), CallArgs::one(numbers(&[2, 3]))),
        "abc,cd->abd" => einsum(&[None, Some(3)], &[2, 2, 4]),
        "abc,cde->abde" => einsum(&[None, Some(2), Some(2)], &[2, 2, 3]),
        "abde,dec->abc" => einsum(&[None, Some(3)], &[1, 2, 2, 2]),
        "emb" => {
            let x = Tensor::from_slice(&[2i32, 0], [2]).unwrap();
            (Embedding::new(3, 5).shared(), Shape::from([None]), CallArgs::one(x))
        }
        _ => {
            let layer = ReversibleEmbedding::new(4, 3).tie_weights(name == "tied").shared();
            (layer, Shape::from([None]), CallArgs::one(numbers(&[2, 3])).with_value("reverse", true))
        }
    };
    layer.build(&input).unwrap();
    let values: Vec<Tensor> =
        layer.weights().iter().map(|weight| numbers(&weight.shape().known().unwrap().to_vec())).collect();
    layer.set_weights(&values).unwrap();
    (layer, args)
}

#[test]
fn quantized_layers_give_what_keras_gives() {
    for (name, mode, expected) in TABLE {
        let (layer, args) = layer(name);
        layer.quantize(*mode).unwrap();
        let y = layer.apply(args).unwrap().to_vec::<f32>().unwrap();
        for (y, expected) in y.iter().zip(*expected) {
            assert!((y - expected).abs() < 2e-5, "{name}, {mode:?}: {y} and {expected}");
        }
    }
}

#[test]
fn what_can_not_be_quantized_is_skipped_and_unchanged() {
    let layers = [Embedding::new(3, 2).name("embedding").shared(), Dense::new(2).lora_rank(1).name("dense").shared()];
    let model = Sequential::new(layers).unwrap();
    let x = Tensor::from_slice(&[2i32, 0], [1, 2]).unwrap();
    let before = model.predict(&x).unwrap();
    assert_eq!(skipped(&model.quantize("float8").unwrap()), [("embedding", false), ("dense", false)]);
    assert_close(&model.predict(&x).unwrap(), &before);
    assert_fails(Dense::new(2).shared().quantize(I8), "isn't yet built");
    let half = Sequential::new([Input::new([1]).layer(), Dense::new(2).dtype("float16").shared()]).unwrap();
    assert_fails(half.quantize("int8"), "doesn't work well with compute_dtype='float16'");
}

/// The first numbers that Keras's layers return for the same weights and inputs, after
/// `layer.quantize(mode)`; 4-bit modes are `Int4QuantizationConfig(block_size=None)` and `2`.
#[rustfmt::skip]
const TABLE: &[(&str, Quantization, &[f32])] = &[
    ("dense", I8, &[-0.40072, -0.10173, 0.24581, 0.64352, 1.70887, 1.90285]),
    ("abc,cd->abd", I8, &[-0.16393, -0.07405, 0.05459, 0.23018, 0.12433, -0.04665]),
    ("abc,cde->abde", I8, &[-0.27553, -0.03786, 0.218, 0.3642, 0.25464, 0.2937]),
    ("abde,dec->abc", I8, &[-0.16393, -0.07405, 0.05459, 0.23018, 0.12433, -0.04665]),
    ("emb", I8, &[0.85878, 0.98256, 0.6112, -0.07737, -0.72725, 0.0]),
    ("tied", I8, &[1.43088, -0.34502, -1.03297, 1.54813, -0.34502, 0.95037]),
    ("untied", I8, &[-0.27553, -0.03786, 0.218, 0.3642, 0.25464, 0.2937]),
    ("dense", I4, &[-0.39958, -0.07086, 0.28614, 0.64049, 1.70936, 1.91915]),
    ("abc,cd->abd", I4, &[-0.17966, 0.00851, 0.09984, 0.24966, 0.03845, -0.08642]),
    ("abc,cde->abde", I4, &[-0.25826, -0.03393, 0.18337, 0.32078, 0.25906, 0.29903]),
    ("abde,dec->abc", I4, &[-0.17966, 0.00851, 0.09984, 0.24966, 0.03845, -0.08642]),
    ("emb", I4, &[0.8422, 0.98256, 0.56147, -0.14037, -0.70183, 0.0]),
    ("tied", I4, &[1.46226, -0.30659, -1.03591, 1.53902, -0.33496, 0.93849]),
    ("untied", I4, &[-0.25826, -0.03393, 0.18337, 0.32078, 0.25906, 0.29903]),
    ("dense", BLOCKS, &[-0.39911, -0.10547, 0.24448, 0.64064, 1.53169, 1.89887]),
    ("abc,cd->abd", BLOCKS, &[-0.09211, -0.12722, -0.03514, 0.15768, 0.12921, 0.03974]),
    ("abc,cde->abde", BLOCKS, &[-0.27496, -0.01965, 0.24578, 0.36011, 0.25366, 0.32172]),
    ("abde,dec->abc", BLOCKS, &[-0.09211, -0.12722, -0.03514, 0.15768, 0.12921, 0.03974]),
    ("emb", BLOCKS, &[0.12691, 0.12691, 0.59413, -0.0914, -0.72375, 0.0]),
    ("tied", BLOCKS, &[1.43392, -0.35545, -0.43775, 1.35338, -0.34412, 0.76906]),
    ("untied", BLOCKS, &[-0.27496, -0.01965, 0.24578, 0.36011, 0.25366, 0.32172]),
    ("dense", F8, &[-0.378906, -0.119141, 0.242188, 0.646484, 1.743164, 1.898438]),
    ("abc,cd->abd", F8, &[-0.150391, -0.076172, 0.0625, 0.208984, 0.099609, -0.087891]),
    ("abc,cde->abde", F8, &[-0.255859, -0.0625, 0.230469, 0.355469, 0.250977, 0.308594]),
    ("abde,dec->abc", F8, &[-0.150391, -0.076172, 0.0625, 0.208984, 0.099609, -0.087891]),];
