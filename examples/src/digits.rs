//! Trains a small convolutional network on handwritten digits: reads a NumPy file, augments images,
//! evaluates on a test set, saves and loads the model.

use std::ops::Range;
use std::path::Path;

use keras_serial::ops::FillMode;
use keras_serial::optimizers::Adam;
use keras_serial::optimizers::schedules::CosineDecay;
use keras_serial::prelude::*;
use keras_serial::random::set_random_seed;
use keras_serial::training::data::{Arrays, ReadArrays};

const EPOCHS: usize = 30;
const BATCH_SIZE: usize = 32;

/// Of ten images, two are for testing, one is for validation, and the others are for training.
fn part(data: &Arrays, of_ten: Range<usize>) -> Result<(Tensor, Tensor)> {
    let (images, digits) = (data.get("images")?, data.get("digits")?);
    let rows: Vec<i32> = (0..images.shape().dim(0)?).filter(|i| of_ten.contains(&(i % 10))).map(|i| i as i32).collect();
    let rows = Tensor::from_slice(&rows, [rows.len()])?;
    Ok((ops::take(images, &rows, Some(0))?, ops::take(digits, &rows, Some(0))?))
}

/// A convolution block: convolution, normalization and activation.
fn convolution(filters: usize) -> [LayerRef; 3] {
    [
        Conv2D::new(filters, [3, 3]).padding(Padding::Same).use_bias(false).into(),
        BatchNormalization::new().momentum(0.9).into(),
        ReLU::new().into(),
    ]
}

/// The network; it takes the images as stored in the file.
fn network() -> Result<Model> {
    let augmentation: [LayerRef; 3] = [
        Rescaling::new(1.0 / 16.0).into(),
        RandomTranslation::new(0.1, 0.1).fill_mode(FillMode::Constant).into(),
        RandomRotation::new(0.03).fill_mode(FillMode::Constant).into(),
    ];
    let head: [LayerRef; 3] =
        [Flatten::new().into(), Dropout::new(0.4).into(), Dense::new(10).activation("softmax").into()];
    let layers = std::iter::once(Input::new([8, 8, 1]).layer())
        .chain(augmentation)
        .chain(convolution(16))
        .chain(convolution(16))
        .chain([MaxPooling2D::new(2).into()])
        .chain(convolution(32))
        .chain(head);
    Sequential::new(layers)
}

/// Runs the example.
///
/// Network, augmentation and training were chosen by cross-validation without the test images; the seed
/// was fixed before.
pub fn main() -> Result<()> {
    set_random_seed(1);
    let data = ReadArrays::new().read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/digits.npz"))?;
    let (x, y) = part(&data, 3..10)?;
    let (x_validation, y_validation) = part(&data, 2..3)?;
    let (x_test, y_test) = part(&data, 0..2)?;

    let model = network()?;
    let steps = EPOCHS * x.shape().dim(0)?.div_ceil(BATCH_SIZE);
    let adam = Adam::new().learning_rate(CosineDecay::new(0.003, steps as i64));
    model.compile(Compile::new(adam, "sparse_categorical_crossentropy").metrics(["accuracy"]))?;
    let fit = Fit::new().epochs(EPOCHS).batch_size(BATCH_SIZE).verbose(2);
    model.fit((&x, &y), fit.validation_data((&x_validation, &y_validation)))?;

    let results = model.evaluate((&x_test, &y_test), Evaluate::new().verbose(0))?;
    println!("accuracy on the test images: {:.4}", results["accuracy"]);
    assert!(results["accuracy"] > 0.97);

    let path = std::env::temp_dir().join(format!("keras_serial_digits_{}.keras", std::process::id()));
    model.save(&path)?;
    let loaded = load_model(&path)?;
    std::fs::remove_file(&path)?;
    assert_eq!(loaded.evaluate((&x_test, &y_test), Evaluate::new().verbose(0))?, results);
    // One image: how likely is each digit?
    let image = ops::take(&x_test, &Tensor::from_slice(&[0], [1])?, Some(0))?;
    let likely = loaded.predict(&image)?.to_vec::<f32>()?;
    let read = (0..10).max_by(|a, b| likely[*a].total_cmp(&likely[*b]));
    assert_eq!(read.map(|digit| digit as i32), y_test.to_vec::<i32>()?.first().copied());
    Ok(())
}
