//! Counterparts of `keras/src/utils/summary_utils_test.py`, with the same names.

use keras_serial::models::Summary;
use keras_serial::ops::Axes;
use keras_serial::prelude::*;
use keras_serial::training::CompileOptimizer;

use crate::{named, ones, symbol, zeros};

fn assert_has(summary: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(summary.contains(part), "no `{part}` in\n{summary}"));
}

#[test]
fn test_print_model_summary() {
    let inputs = symbol([2]);
    let model = Functional::new(inputs.clone(), Dense::new(3).apply(&inputs).unwrap()).unwrap();
    let summary = model.summary().unwrap();
    assert_has(&summary, &["Total params: 9", "Trainable params: 9", "Non-trainable params: 0"]);
    assert!(!summary.contains("Optimizer params"));
    // Compiled without an optimizer it is the same.
    model.compile(Compile::new(CompileOptimizer::none(), "mse").metrics(["mse"])).unwrap();
    assert_eq!(model.summary().unwrap(), summary);
    // The first step makes the optimizer's variables.
    model.compile(Compile::new("adam", "mse").metrics(["mse"])).unwrap();
    model.fit((zeros(&[4, 2]), zeros(&[4, 3])), Fit::new().verbose(0)).unwrap();
    let parts = ["Total params: 29", "Trainable params: 9", "Non-trainable params: 0", "Optimizer params: 20"];
    assert_has(&model.summary().unwrap(), &parts);
}

/// Builds two of its layers itself; the third stays unbuilt.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct MyModel {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(4).activation("relu").shared()))]
    dense1: LayerRef,
    #[keras(sublayer(init = Dense::new(2).activation("softmax").shared()))]
    dense2: LayerRef,
    #[keras(sublayer(init = Dense::new(1).shared()))]
    unbuilt_dense: LayerRef,
}

impl Layer for MyModel {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.dense1, input)?;
        let between = self.dense1.compute_output_shape(input.clone())?.into_single()?;
        cx.build_layer(&self.dense2, &between)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dense2.call(self.dense1.call(inputs.inputs()?, cx)?, cx)
    }
}

#[test]
fn test_print_model_summary_custom_build() {
    let model = Model::from(MyModel::new());
    model.build([None, Some(2)]).unwrap();
    let parts = ["(None, 4)", "(None, 2)", "?", "Total params: 22", "Trainable params: 22", "Non-trainable params: 0"];
    assert_has(&model.summary().unwrap(), &parts);
}

#[test]
fn test_print_model_summary_op_as_layer() {
    let inputs = symbol([2]);
    let x = Dense::new(4).apply(&inputs).unwrap();
    let model = Functional::new(inputs, ops::mean(&x, Axes::all(), false).unwrap()).unwrap();
    let summary = Summary::of(&model).show_trainable(true).render().unwrap();
    let parts =
        ["(None, 4)", " Y ", " () ", " - ", "Total params: 12", "Trainable params: 12", "Non-trainable params: 0"];
    assert_has(&summary, &parts);
}

/// Applies attention to its input.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Attending {
    base: LayerBase,
    #[keras(sublayer(init = MultiHeadAttention::new(2, 2).output_shape([4]).shared()))]
    mha: LayerRef,
}

impl Layer for Attending {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?.clone();
        self.mha.call(CallArgs::one(x.clone()).and(x.clone()).and(x), cx)
    }
}

#[test]
fn test_print_model_summary_with_mha() {
    let model = Model::from(Attending::new());
    model.predict(ones(&[1, 2, 2])).unwrap();
    let parts = ["(1, 2, 4)", "Total params: 56", "Trainable params: 56", "Non-trainable params: 0"];
    assert_has(&model.summary().unwrap(), &parts);
}

/// Returns a dict.
#[derive(KerasSerializable)]
#[keras(new)]
struct DictHead {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(10).shared()))]
    head1: LayerRef,
}

impl Layer for DictHead {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        Ok(Nested::dict([("head1", self.head1.call(inputs.inputs()?, cx)?.into_single()?)]))
    }
}

/// A model whose output is a dict.
#[derive(KerasSerializable)]
#[keras(model, new)]
struct WithDictHead {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(32).shared()))]
    dense: LayerRef,
    #[keras(sublayer(init = DictHead::new().shared()))]
    dict_head: LayerRef,
}

impl Layer for WithDictHead {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.dict_head.call(self.dense.call(inputs.inputs()?, cx)?, cx)
    }
}

#[test]
fn test_print_model_summary_dict_output() {
    let model = Model::from(WithDictHead::new());
    model.predict_all(zeros(&[1, 16])).unwrap();
    assert_has(&model.summary().unwrap(), &["(1, 32)", "(1, 10)"]);
}

#[test]
fn expanded_and_trainable_as_keras_prints() {
    let a = named("input_layer", [3]);
    let inner = BatchNormalization::new().name("bn").apply(Dense::new(3).name("d").apply(&a).unwrap()).unwrap();
    let inner = Functional::named("inner", a, inner).unwrap();
    inner.set_trainable(false);
    let c = named("in", [3]);
    let y = Dense::new(2).name("out").apply(inner.apply(&c).unwrap()).unwrap();
    let model = Functional::named("outer", c, y).unwrap();
    let summary = Summary::of(&model).line_length(60).expand_nested(true).show_trainable(true).render().unwrap();
    assert_eq!(summary, EXPANDED);
}

/// `model.summary(line_length=60, expand_nested=True, show_trainable=True)` in Keras.
const EXPANDED: &str = "\
Model: \"outer\"
┏━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━┓
┃ Layer (type)          ┃ Output Shape     ┃ Param # ┃ Tr… ┃
┡━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━┩
│ in (InputLayer)       │ (None, 3)        │       0 │  -  │
├───────────────────────┼──────────────────┼─────────┼─────┤
│ inner (Functional)    │ (None, 3)        │      24 │  N  │
├───────────────────────┼──────────────────┼─────────┼─────┤
│    └ input_layer      │ (None, 3)        │       0 │  -  │
│ (InputLayer)          │                  │         │     │
├───────────────────────┼──────────────────┼─────────┼─────┤
│    └ d (Dense)        │ (None, 3)        │      12 │  N  │
├───────────────────────┼──────────────────┼─────────┼─────┤
│    └ bn               │ (None, 3)        │      12 │  N  │
│ (BatchNormalization)  │                  │         │     │
├───────────────────────┼──────────────────┼─────────┼─────┤
│ out (Dense)           │ (None, 2)        │       8 │  Y  │
└───────────────────────┴──────────────────┴─────────┴─────┘
 Total params: 32 (128.00 B)
 Trainable params: 8 (32.00 B)
 Non-trainable params: 24 (96.00 B)
";
