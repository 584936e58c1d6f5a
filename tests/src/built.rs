//! Models built in Rust, with inputs, for Keras to load.

use keras_serial::Result;
use keras_serial::layers::*;
use keras_serial::models::{Functional, Model, Sequential};
use keras_serial::ops::{self, Padding};
use keras_serial::tensor::{CallArgs, DType, Nested, Tensor};
use keras_serial_examples::{custom_model, own_model, own_objects, quickstart};

/// Builds a model and inputs for it.
pub type Build = fn() -> Result<(Model, Nested<Tensor>)>;

/// All models, by name.
pub const MODELS: &[(&str, Build)] = &[
    ("mlp", mlp),
    ("convolutional", convolutional),
    ("two_in_two_out", two_in_two_out),
    ("dict_in", dict_in),
    ("embedding", embedding),
    ("masked", masked),
    ("my_dense", my_dense),
    ("custom_model", custom_in_functional),
    ("own_model", own),
    ("own_objects", own_objects),
    ("nested", nested),
    ("feature_space", feature_space),
    ("operations", operations),
];

/// Returns pseudo-random numbers between -1 and 1.
fn numbers(shape: &[usize]) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| (i as f32 * 1.7).sin()).collect(), shape.to_vec())
}

fn own_objects() -> Result<(Model, Nested<Tensor>)> {
    Ok((own_objects::trained()?.0, own_objects::data()?.0.into()))
}

fn mlp() -> Result<(Model, Nested<Tensor>)> {
    let layers = [
        Input::new([8]).layer(),
        Dense::new(16).activation("gelu").kernel_regularizer("l2").shared(),
        Dropout::new(0.5).seed(3).shared(),
        Dense::new(4).activation("softmax").kernel_constraint("max_norm").shared(),
    ];
    Ok((Sequential::new(layers)?, numbers(&[5, 8])?.into()))
}

fn convolutional() -> Result<(Model, Nested<Tensor>)> {
    let layers = [
        Input::new([12, 12, 3]).layer(),
        Conv2D::new(4, 3).padding(Padding::Same).activation("relu").shared(),
        MaxPooling2D::new(2).shared(),
        DepthwiseConv2D::new(3).strides(2).shared(),
        Conv2DTranspose::new(5, 3).strides(2).shared(),
        GlobalAveragePooling2D::new().shared(),
        Dense::new(2).shared(),
    ];
    Ok((Sequential::new(layers)?, numbers(&[2, 12, 12, 3])?.into()))
}

fn two_in_two_out() -> Result<(Model, Nested<Tensor>)> {
    let (a, b) = (Input::new([4]).name("a").tensor()?, Input::new([6]).name("b").tensor()?);
    let shared = Dense::new(5).name("shared").shared();
    let left = shared.apply(&Dense::new(3).apply(&a)?)?;
    let right = shared.apply(&Dense::new(3).apply(&b)?)?;
    let sum = Add::new().apply(vec![left.clone(), right.clone()])?;
    let joined = Concatenate::new().apply(vec![left, right, sum.clone()])?;
    let outputs = vec![Dense::new(1).name("first").apply(&joined)?, sum];
    let inputs = Nested::list([numbers(&[3, 4])?, numbers(&[3, 6])?]);
    Ok((Functional::named("two", vec![a, b], outputs)?, inputs))
}

fn dict_in() -> Result<(Model, Nested<Tensor>)> {
    let inputs = Nested::dict([("x", Input::new([4]).name("x").tensor()?), ("a", Input::new([4]).name("a").tensor()?)]);
    let parts: Vec<Tensor> = inputs.leaves().into_iter().cloned().collect();
    let product = Multiply::new().apply(parts)?;
    let outputs = Nested::dict([("score", Dense::new(2).apply(&product)?)]);
    let values = Nested::dict([("x", numbers(&[3, 4])?), ("a", numbers(&[3, 4])?)]);
    Ok((Functional::new(inputs, outputs)?, values))
}

fn embedding() -> Result<(Model, Nested<Tensor>)> {
    let inputs = Input::new([6]).dtype(DType::Int32).tensor()?;
    let x = Embedding::new(20, 5).mask_zero(true).apply(&inputs)?;
    let model = Functional::new(inputs, GlobalAveragePooling1D::new().apply(&x)?)?;
    let ids = Tensor::from_slice(&[3i32, 7, 1, 0, 0, 0, 19, 2, 4, 5, 0, 0], [2, 6])?;
    Ok((model, ids.into()))
}

/// Masks computed in the graph, with names that layers also have.
fn masked() -> Result<(Model, Nested<Tensor>)> {
    keras_serial::utils::clear_session();
    let ids = || Input::new([5]).dtype(DType::Int32).tensor();
    let (a, b) = (ids()?, ids()?);
    let embedding = Embedding::new(9, 4).mask_zero(true).shared();
    let (x, y) = (embedding.apply(&a)?, embedding.apply(&b)?);
    let joined = Concatenate::new().apply(vec![x.clone(), y.clone()])?;
    let largest = Maximum::new().apply(vec![x.clone(), y.clone()])?;
    let attended = MultiHeadAttention::new(2, 3).apply(CallArgs::from(&x).and(y.clone()))?;
    let residual = Add::new().apply(vec![x.clone(), attended])?;
    let weighted = Attention::new().apply(vec![residual.clone(), y])?;
    let outputs = vec![
        GRU::new(3).apply(&joined)?,
        LSTM::new(3).apply(&largest)?,
        GRU::new(2).apply(&residual)?,
        GRU::new(2).apply(&weighted)?,
        Bidirectional::new(GRU::new(2).return_sequences(true))?.apply(&x)?,
    ];
    let a_ids = Tensor::from_slice(&[1i32, 2, 3, 0, 0, 4, 5, 6, 7, 0], [2, 5])?;
    let b_ids = Tensor::from_slice(&[1i32, 0, 0, 0, 0, 4, 5, 0, 0, 8], [2, 5])?;
    Ok((Functional::new(vec![a, b], outputs)?, Nested::list([a_ids, b_ids])))
}

fn my_dense() -> Result<(Model, Nested<Tensor>)> {
    let inputs = Input::new([4]).tensor()?;
    let layer = quickstart::MyDense::new(3).kernel_regularizer("l1").kernel_initializer("he_normal");
    let x = layer.apply(&inputs)?;
    let y = Dense::new(2).activation(quickstart::custom_fn).apply(&x)?;
    Ok((Functional::new(inputs, y)?, numbers(&[3, 4])?.into()))
}

fn custom_in_functional() -> Result<(Model, Nested<Tensor>)> {
    let inputs = Input::new([4]).tensor()?;
    let y = custom_model::CustomModel::new(Dense::new(6).shared()).apply(&inputs)?;
    Ok((Functional::new(inputs, y)?, numbers(&[3, 4])?.into()))
}

fn own() -> Result<(Model, Nested<Tensor>)> {
    let model = Model::from(own_model::Residual::new(8).classes(3));
    let x = numbers(&[3, 4])?;
    model.predict(&x)?;
    Ok((model, x.into()))
}

fn nested() -> Result<(Model, Nested<Tensor>)> {
    let block = Sequential::named("block", [Input::new([4]).layer(), Dense::new(4).activation("tanh").shared()])?;
    let inputs = Input::new([4]).tensor()?;
    let once = block.apply(&inputs)?;
    let twice = block.apply(&once)?;
    Ok((Functional::new(inputs, Average::new().apply(vec![once, twice])?)?, numbers(&[3, 4])?.into()))
}

/// The layers of a feature space in front of a model.
fn feature_space() -> Result<(Model, Nested<Tensor>)> {
    let kinds = [("size", "float_normalized"), ("code", "integer_categorical"), ("bin", "float_discretized")];
    let space = FeatureSpace::new(kinds)
        .with("zone", FeatureSpace::integer_hashed(4))
        .with("plain", FeatureSpace::float())
        .crosses([("code", "zone")])
        .crossing_dim(6)
        .num_discretization_bins(3)
        .shared();
    let integers = |step: i32| Tensor::from_vec((0..5).map(|i| i * step % 4).collect::<Vec<i32>>(), [5, 1]);
    let samples = Nested::dict([
        ("size", numbers(&[5, 1])?),
        ("code", integers(3)?),
        ("bin", numbers(&[5, 1])?),
        ("zone", integers(2)?),
        ("plain", numbers(&[5, 1])?),
    ]);
    space.adapt(samples.clone())?;
    let space = FeatureSpace::of(&space)?;
    let outputs = Dense::new(2).activation("tanh").apply(space.get_encoded_features()?.into_single()?)?;
    Ok((Functional::new(space.get_inputs()?, outputs)?, samples))
}

/// Operations that few layers use.
fn operations() -> Result<(Model, Nested<Tensor>)> {
    let (x, y) = (Input::new([6]).name("x").tensor()?, Input::new([6]).name("y").tensor()?);
    let whole = |x: &Tensor| ops::cast_to(x, DType::Int32);
    let (i, j) = (whole(&ops::multiply(&x, 9.0)?)?, whole(&ops::add(&ops::abs(&ops::multiply(&y, 5.0)?)?, 1.0)?)?);
    let outputs = vec![
        ops::arctan2(&x, &y)?,
        ops::modulo(&x, &y)?,
        ops::modulo(&i, &j)?,
        ops::floor_divide(&x, &y)?,
        ops::log1p(&ops::multiply(&ops::square(&x)?, 1e-4)?)?,
        ops::log1p(&ops::square(&x)?)?,
        ops::trunc(&ops::multiply(&x, 3.0)?)?,
        ops::round(&ops::multiply(&x, 3.0)?)?,
        ops::rsqrt(&ops::add(&ops::square(&y)?, 0.1)?)?,
        whole(&ops::is_inf(&ops::divide(&x, ops::trunc(&y)?)?)?)?,
        ops::power(&ops::abs(&x)?, &y)?,
        ops::cumsum(&x, -1)?,
        ops::sort(&x, -1)?,
        ops::argsort(&x, -1)?,
        whole(&ops::argmax(&x, 1, false)?)?,
        ops::flip(&x, 1)?,
        ops::prod(&x, 1, false)?,
        ops::max(&i, 1, true)?,
        ops::bitwise_and(&i, &j)?,
        ops::bitwise_or(&i, &j)?,
        ops::bitwise_xor(&i, &j)?,
        ops::left_shift(&i, &j)?,
        ops::right_shift(&i, &j)?,
        whole(&ops::logical_xor(&ops::greater(&x, 0.0)?, &ops::greater(&y, 0.0)?)?)?,
        whole(&ops::any(&ops::greater(&x, &y)?, 1, false)?)?,
        whole(&ops::all(&ops::greater(&x, &y)?, 1, false)?)?,
        ops::take_along_axis(&x, &ops::argsort(&y, -1)?, -1)?,
        ops::erf(&x)?,
        ops::where_(&ops::less_equal(&x, &y)?, &x, &y)?,
    ];
    let model = Functional::new(Nested::list([x, y]), Nested::list(outputs))?;
    let inputs = [numbers(&[3, 6])?, ops::cos(&numbers(&[3, 6])?)?];
    Ok((model, Nested::list(inputs)))
}
