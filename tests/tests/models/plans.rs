//! Compiled plans: the same outputs as the program, by the kernels that are meant.

use keras_serial::inference::Plan;
use keras_serial::prelude::*;
use keras_serial::program::Program;
use proptest::prelude::*;

fn numbers(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>(), shape).unwrap()
}

/// Gives all weights values that are not those of a new layer: statistics, biases and factors matter then.
fn stir(model: &Model) {
    for (index, weight) in model.weights().iter().enumerate() {
        let shape = weight.shape().known().unwrap();
        let count: usize = shape.iter().product();
        let number = |i: usize| 0.4 + 0.3 * ((i * 31 + index * 7) as f32).sin();
        let is_positive = weight.path().ends_with("variance");
        let values = (0..count).map(|i| if is_positive { number(i) } else { number(i) - 0.35 });
        weight.assign(&Tensor::from_vec(values.collect::<Vec<f32>>(), shape).unwrap()).unwrap();
    }
}

/// Checks that a model's plan gives what its program gives; returns the plan as text.
fn planned(model: &Model, shape: &[usize]) -> String {
    stir(model);
    let program = model.program(&[Shape::from(shape.to_vec())]).unwrap();
    let plan = Plan::compile(&program).unwrap();
    let x = numbers(shape);
    let expected = program.eval(std::slice::from_ref(&x)).unwrap();
    // Twice: the second run finds the memory of the first.
    for _ in 0..2 {
        let found = plan.run(std::slice::from_ref(&x)).unwrap();
        assert_close(&found, &expected, &program, &plan);
    }
    plan.to_string()
}

fn assert_close(found: &Nested<Tensor>, expected: &Nested<Tensor>, program: &Program, plan: &Plan) {
    for (found, expected) in found.leaves().into_iter().zip(expected.leaves()) {
        assert_eq!(found.shape(), expected.shape());
        let pairs = found.to_vec::<f32>().unwrap().into_iter().zip(expected.to_vec::<f32>().unwrap());
        for (found, expected) in pairs {
            let tolerance = 2e-5 + 1e-4 * expected.abs();
            assert!((found - expected).abs() <= tolerance, "{found} is not {expected}\n{program}\n{plan}");
        }
    }
}

/// A layer of images, some of them with what fusion looks for.
fn image_layer() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0u8..20, 1..7)
}

/// Applies the layers that the numbers stand for, one after the other.
fn image_model(kinds: &[u8], height: usize, width: usize, channels: usize) -> Result<Model> {
    let input = Input::new([height, width, channels]).tensor()?;
    let mut x = input.clone();
    for kind in kinds {
        let channels = x.shape().last()?;
        x = match kind {
            0 => Conv2D::new(5, 3).padding(Padding::Same).apply(&x)?,
            1 => Conv2D::new(33, 1).use_bias(false).apply(&x)?,
            2 => Conv2D::new(4, [3, 2]).strides([2, 1]).padding(Padding::Same).activation("relu").apply(&x)?,
            3 => DepthwiseConv2D::new(3).padding(Padding::Same).depth_multiplier(2).apply(&x)?,
            4 => BatchNormalization::new().apply(&x)?,
            5 => ReLU::new().max_value(6.0).apply(&x)?,
            6 => layers::Activation::new("silu").apply(&x)?,
            7 => layers::Activation::new("gelu").apply(&x)?,
            8 => {
                let y = Conv2D::new(channels, 3).padding(Padding::Same).apply(&x)?;
                let y = BatchNormalization::new().apply(&y)?;
                Add::new().apply(Nested::list([x.clone(), y]))?
            }
            9 => ZeroPadding2D::new().padding([(0, 1), (2, 1)]).apply(&x)?,
            10 => MaxPooling2D::new(2).padding(Padding::Same).apply(&x)?,
            11 => AveragePooling2D::new([3, 2]).padding(Padding::Same).apply(&x)?,
            12 => {
                // Squeeze and excitation.
                let y = GlobalAveragePooling2D::new().keepdims(true).apply(&x)?;
                let y = Conv2D::new(channels, 1).activation("sigmoid").apply(&y)?;
                Multiply::new().apply(Nested::list([x.clone(), y]))?
            }
            13 => Concatenate::new().apply(Nested::list([x.clone(), Conv2D::new(3, 1).apply(&x)?]))?,
            14 => Permute::new([2, 1, 3]).apply(&x)?,
            15 => LayerNormalization::new().apply(&x)?,
            16 => Rescaling::new(1.0 / 3.0).offset(-0.5).apply(&x)?,
            17 => UnitNormalization::new().axis(1).apply(&x)?,
            18 => Softmax::new().axis(1).apply(&x)?,
            _ => Dense::new(6).activation("tanh").apply(&x)?,
        };
    }
    Functional::new(input, x)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn plans_of_image_models_compute_their_programs(
        kinds in image_layer(),
        (batch, height, width, channels) in (1usize..3, 3usize..9, 3usize..9, 1usize..5),
    ) {
        let model = image_model(&kinds, height, width, channels).unwrap();
        planned(&model, &[batch, height, width, channels]);
    }

    #[test]
    fn plans_of_sequence_models_compute_their_programs(
        (batch, steps, width, heads) in (1usize..3, 1usize..9, 1usize..9, 1usize..4),
        (causal, backwards, all_steps, rms) in any::<(bool, bool, bool, bool)>(),
    ) {
        let input = Input::new([steps, width]).tensor().unwrap();
        let args = CallArgs::from(&input).and(input.clone()).with_value("use_causal_mask", causal);
        let x = MultiHeadAttention::new(heads, 3).apply(args).unwrap();
        let x = Add::new().apply(Nested::list([input.clone(), x])).unwrap();
        let x = LayerNormalization::new().rms_scaling(rms).apply(&x).unwrap();
        let x = LSTM::new(4).return_sequences(all_steps).go_backwards(backwards).apply(&x).unwrap();
        let model = Functional::new(input, x).unwrap();
        planned(&model, &[batch, steps, width]);
    }
}

/// Counts lines of a plan that compute with this kernel.
fn count(plan: &str, kernel: &str) -> usize {
    plan.lines().filter(|line| line.contains(&format!(" = {kernel}("))).count()
}

#[test]
fn a_residual_block_is_two_convolutions() {
    let input = Input::new([8, 8, 16]).tensor().unwrap();
    let x = ZeroPadding2D::new().padding(1).apply(&input).unwrap();
    let x = Conv2D::new(16, 3).use_bias(false).apply(&x).unwrap();
    let x = BatchNormalization::new().apply(&x).unwrap();
    let x = ReLU::new().apply(&x).unwrap();
    let x = Conv2D::new(16, 1).apply(&x).unwrap();
    let x = BatchNormalization::new().apply(&x).unwrap();
    let x = Add::new().apply(Nested::list([input.clone(), x])).unwrap();
    let x = ReLU::new().apply(&x).unwrap();
    let plan = planned(&Functional::new(input, x).unwrap(), &[1, 8, 8, 16]);
    assert_eq!(plan.lines().count(), 3, "{plan}");
    assert_eq!(count(&plan, "conv") + count(&plan, "conv_winograd"), 2, "{plan}");
}

#[test]
fn zeros_around_what_relu_gives_are_padding_of_a_maximum() {
    for (activation, steps) in [("relu", 2), ("tanh", 4)] {
        let input = Input::new([7, 7, 4]).tensor().unwrap();
        let x = Conv2D::new(4, 1).activation(activation).apply(&input).unwrap();
        let x = ZeroPadding2D::new().padding(1).apply(&x).unwrap();
        let y = MaxPooling2D::new(3).apply(&x).unwrap();
        let plan = planned(&Functional::new(input, y).unwrap(), &[1, 7, 7, 4]);
        assert_eq!(plan.lines().count(), steps + 1, "{plan}");
    }
}

#[test]
fn a_transformer_block_is_nine_kernels() {
    let input = Input::new([6, 8]).tensor().unwrap();
    let attended = MultiHeadAttention::new(2, 4).apply(CallArgs::from(&input).and(input.clone())).unwrap();
    let x = LayerNormalization::new().apply((&input + &attended).unwrap()).unwrap();
    let hidden = Dense::new(16).activation("gelu").apply(&x).unwrap();
    let hidden = Dense::new(8).apply(&hidden).unwrap();
    let y = LayerNormalization::new().apply((&x + &hidden).unwrap()).unwrap();
    let plan = planned(&Functional::new(input, y).unwrap(), &[2, 6, 8]);
    assert_eq!(count(&plan, "dense"), 6, "{plan}");
    assert_eq!(count(&plan, "attention"), 1, "{plan}");
    assert_eq!(count(&plan, "layer_normalization"), 2, "{plan}");
    assert_eq!(plan.lines().count(), 10, "{plan}");
}

#[test]
fn normalization_that_a_layer_writes_out_is_recognized() {
    let input = Input::new([5]).tensor().unwrap();
    let over = |x: &Tensor| ops::mean(x, -1, true).unwrap();
    let centered = (&input - &over(&input)).unwrap();
    let variance = over(&ops::square(&centered).unwrap());
    let deviation = ops::sqrt(&(&variance + 1e-3).unwrap()).unwrap();
    let y = (&centered / &deviation).unwrap();
    let plan = planned(&Functional::new(input, y).unwrap(), &[3, 5]);
    assert_eq!(count(&plan, "layer_normalization"), 1, "{plan}");
    assert_eq!(plan.lines().count(), 2, "{plan}");
}

#[test]
fn programs_count_operations_and_bytes() {
    let input = Input::new([8, 8, 3]).tensor().unwrap();
    let x = Conv2D::new(4, 3).use_bias(false).apply(&input).unwrap();
    let y = Dense::new(5).use_bias(false).apply(Flatten::new().apply(&x).unwrap()).unwrap();
    let program = Functional::new(input, y).unwrap().program(&[Shape::from([2, 8, 8, 3])]).unwrap();
    let (conv, dense) = (2 * 2 * 6 * 6 * 4 * 9 * 3, 2 * 2 * 144 * 5);
    assert_eq!(program.operations(), conv + dense);
    assert_eq!(program.constant_bytes(), 4 * (9 * 3 * 4 + 144 * 5));
    assert_eq!(program.value_bytes() % 4, 0);
    let lstm = Sequential::new([Input::new([7, 3]).layer(), LSTM::new(4).into()]).unwrap();
    let program = lstm.program(&[Shape::from([1, 7, 3])]).unwrap();
    let products = 2 * 7 * 16 * (3 + 4);
    assert!((products..products * 2).contains(&program.operations()), "{}", program.operations());
}

#[test]
fn an_lstm_is_one_kernel() {
    for (all_steps, shape) in [(false, [2, 5, 3]), (true, [1, 4, 3])] {
        let input = Input::new([shape[1], shape[2]]).tensor().unwrap();
        let y = LSTM::new(4).return_sequences(all_steps).apply(&input).unwrap();
        let plan = planned(&Functional::new(input, y).unwrap(), &shape);
        assert_eq!(count(&plan, "lstm"), 1, "{plan}");
        assert_eq!(plan.lines().count(), 2, "{plan}");
    }
}

#[test]
fn outputs_may_share_memory_and_may_be_inputs() {
    let input = Input::new([4]).tensor().unwrap();
    let y = Dense::new(4).activation("relu").apply(&input).unwrap();
    let flat = layers::Reshape::new([2, 2]).apply(&y).unwrap();
    let outputs = Nested::list([y.clone(), flat, input.clone(), y]);
    planned(&Functional::new(input, outputs).unwrap(), &[3, 4]);
}

#[test]
fn large_matrices_are_read_where_they_lie() {
    // 32 MiB each: the first two are packed, the others are not.
    let layer = || Dense::new(4096).use_bias(true).kernel_initializer("zeros").into();
    let model = Sequential::new([
        Input::new([2048]).layer(),
        layer(),
        Dense::new(2048).into(),
        layer(),
        layer_of(2048),
        layer(),
    ])
    .unwrap();
    let plan = Plan::compile(&model.program(&[Shape::from([2, 2048])]).unwrap()).unwrap();
    let weights: usize = model.weights().iter().map(|weight| weight.shape().num_elements().unwrap() * 4).sum();
    assert!(plan.packed_bytes() <= (64 << 20).max(weights / 4), "{}", plan.packed_bytes());
    assert!(plan.to_string().contains("matmul"), "{plan}");
    let x = numbers(&[2, 2048]);
    let expected = model.program(&[Shape::from([2, 2048])]).unwrap().eval(std::slice::from_ref(&x)).unwrap();
    let found = plan.run(std::slice::from_ref(&x)).unwrap().into_single().unwrap();
    assert_eq!(found.to_vec::<f32>().unwrap(), expected.into_single().unwrap().to_vec::<f32>().unwrap());
}

fn layer_of(units: usize) -> LayerRef {
    Dense::new(units).kernel_initializer("zeros").into()
}

#[test]
fn predictions_follow_the_weights_and_masks_the_outputs() {
    let model = Sequential::new([Input::new([3]).layer(), Dense::new(1).kernel_initializer("ones").into()]).unwrap();
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3]).unwrap();
    let predicted = |model: &Model| model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(predicted(&model), [6.0]);
    let kernel = model.weights()[0].clone();
    kernel.assign(&Tensor::from_slice(&[2.0f32, 2.0, 2.0], [3, 1]).unwrap()).unwrap();
    assert_eq!(predicted(&model), [12.0]);
    model.set_compiled_inference(false);
    assert_eq!(predicted(&model), [12.0]);

    let masked = Sequential::new([Input::new([2, 1]).layer(), Masking::new().into()]).unwrap();
    let rows = Tensor::from_slice(&[0.0f32, 5.0], [1, 2, 1]).unwrap();
    let outputs = masked.predict_on_batch(&rows).unwrap().into_single().unwrap();
    assert_eq!(outputs.mask().unwrap().to_vec::<bool>().unwrap(), [false, true]);
}
