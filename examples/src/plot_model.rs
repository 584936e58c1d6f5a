//! Pictures: models of five kinds, from memory and from a file alone, and training curves.
//!
//! With `PICTURES=book/src/pictures`, it draws those of the book.

use std::path::PathBuf;

use keras_serial::files::plot::{PlotOptions, RankDir, plot_file};
use keras_serial::models::plot_model;
use keras_serial::prelude::*;
use keras_serial::random::set_random_seed;

/// Scales by a learned factor for each feature.
#[register(package = "PlotExample")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Scale {
    base: LayerBase,
    #[keras(weight)]
    factor: Weight,
}

impl Layer for Scale {
    fn build(&self, input: &Shape, cx: &mut BuildContext) -> Result<()> {
        self.factor.create(cx, [input.last()?], None, None)
    }
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, &self.factor.value()?).map(Into::into)
    }
}

/// A chain of layers, one of which is frozen.
fn sequential() -> Result<Model> {
    let frozen = Dense::new(32).activation("relu").name("features");
    let model = Sequential::new([
        Input::new([8, 8, 1]).layer(),
        Flatten::new().name("flat").into(),
        frozen.into(),
        Dropout::new(0.5).name("dropout").into(),
        Dense::new(10).activation("softmax").name("digits").into(),
    ])?;
    model.get_layer("features")?.set_trainable(false);
    Ok(model)
}

/// Two inputs and two outputs.
fn two_ends() -> Result<Model> {
    let image = Input::new([64]).name("image").tensor()?;
    let words = Input::new([12]).dtype(DType::Int32).name("words").tensor()?;
    let seen = Dense::new(16).activation("relu").name("seen").apply(&image)?;
    let read = Embedding::new(1000, 16).name("embedding").apply(&words)?;
    let read = GlobalAveragePooling1D::new().name("mean").apply(&read)?;
    let both = Concatenate::new().name("both").apply(Nested::list([seen, read]))?;
    let label = Dense::new(5).activation("softmax").name("label").apply(&both)?;
    let score = Dense::new(1).activation("sigmoid").name("score").apply(&both)?;
    Functional::new(Nested::list([image, words]), Nested::list([label, score]))
}

/// A model of convolutions with a short cut, inside another model.
fn nested() -> Result<Model> {
    let input = Input::new([16, 16, 8]).name("features").tensor()?;
    let x = Conv2D::new(8, 3).padding(Padding::Same).activation("relu").name("first").apply(&input)?;
    let x = BatchNormalization::new().name("normalize").apply(&x)?;
    let x = Conv2D::new(8, 3).padding(Padding::Same).name("second").apply(&x)?;
    let sum = Add::new().name("short_cut").apply(Nested::list([x, input.clone()]))?;
    let block = Functional::named("block", input, sum)?;
    let image = Input::new([32, 32, 3]).name("image").tensor()?;
    let x = Conv2D::new(8, 3).strides(2).padding(Padding::Same).name("stem").apply(&image)?;
    let x = GlobalAveragePooling2D::new().name("mean").apply(&block.apply(&x)?)?;
    Functional::new(image, Dense::new(10).name("classes").apply(&x)?)
}

/// Recurrent layers and attention.
fn recurrent() -> Result<Model> {
    let words = Input::new([20]).name("words").tensor()?;
    let x = Embedding::new(5000, 32).name("embedding").apply(&words)?;
    let x = Bidirectional::new(LSTM::new(16).return_sequences(true))?.name("both_ways").apply(&x)?;
    let x = MultiHeadAttention::new(2, 16).name("attention").apply(CallArgs::from(&x).and(x.clone()))?;
    let each = TimeDistributed::new(Dense::new(9).activation("softmax")).name("tags").apply(&x)?;
    Functional::new(words, each)
}

/// A custom layer, and a layer that two inputs share.
fn shared() -> Result<Model> {
    let (left, right) = (Input::new([6]).name("left").tensor()?, Input::new([6]).name("right").tensor()?);
    let encoder: LayerRef = Dense::new(4).activation("tanh").name("encoder").into();
    let scale: LayerRef = Scale::new().name("scale").into();
    let (a, b) = (scale.apply(&encoder.apply(&left)?)?, encoder.apply(&right)?);
    let similarity = Dot::new(1).normalize(true).name("similarity").apply(Nested::list([a, b]))?;
    Functional::new(Nested::list([left, right]), similarity)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let folder = std::env::var_os("PICTURES").map(PathBuf::from);
    let home = std::env::temp_dir().join(format!("keras-serial-pictures-{}", std::process::id()));
    let to = folder.as_deref().unwrap_or(&home);
    std::fs::create_dir_all(to)?;

    // The arguments of `keras.utils.plot_model`, with its defaults.
    let names = PlotOptions::new().show_layer_names(true);
    let shapes = names.clone().show_shapes(true);
    let all = shapes.clone().show_dtype(true).show_layer_activations(true).show_trainable(true);
    plot_model(&sequential()?, &all)?.save(to.join("sequential.svg"))?;
    plot_model(&two_ends()?, &shapes)?.save(to.join("two_ends.svg"))?;
    plot_model(&nested()?, &names.clone().expand_nested(true))?.save(to.join("nested.svg"))?;
    plot_model(&recurrent()?, &names.clone().rankdir(RankDir::LeftToRight))?.save(to.join("recurrent.svg"))?;
    plot_model(&shared()?, &shapes.clone().highlight_layers(["encoder"]))?.save(to.join("shared.svg"))?;

    // A file alone is enough, and so is a build without the engine.
    let file = std::env::temp_dir().join(format!("keras-serial-pictures-{}.keras", std::process::id()));
    nested()?.save(&file)?;
    let page = file.with_extension("html");
    plot_file(&file, &page, &shapes)?;
    assert!(std::fs::read_to_string(&page)?.contains("Unfold its 5 layers"));
    [&file, &page].into_iter().try_for_each(std::fs::remove_file)?;

    set_random_seed(1);
    // y = sin(a) + b / 2, which a small network learns.
    let (samples, model) = (96, Sequential::new([Input::new([2]).layer(), Dense::new(24).activation("tanh").into(), Dense::new(1).into()])?);
    let x: Vec<f32> = (0..2 * samples).map(|i| (i as f32 * 0.71).sin() * 3.0).collect();
    let y: Vec<f32> = x.chunks(2).map(|ab| ab[0].sin() + ab[1] / 2.0).collect();
    let (x, y) = (Tensor::from_slice(&x, [samples, 2])?, Tensor::from_slice(&y, [samples, 1])?);
    model.compile(Compile::new("adam", "mse").metrics("mae"))?;
    let history = model.fit((&x, &y), Fit::new().epochs(40).batch_size(8).seed(3).verbose(0).validation_split(0.25))?;
    println!("{}", history.plot().metrics(["loss"])?);
    history.plot().save(to.join("curves.svg"))?;

    println!("pictures in {}", to.display());
    if folder.is_none() {
        std::fs::remove_dir_all(home)?;
    }
    Ok(())
}
