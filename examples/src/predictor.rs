//! Predictions for a server: a custom layer and a model of one's own are compiled, with no word about it in either
//! of them; threads share a frozen snapshot.

use keras_serial::inference::Plan;
use keras_serial::models::{Predictor, Summary};
use keras_serial::prelude::*;

use crate::export_onnx::Direction;
use crate::own_model::Residual;

/// Runs the example.
pub fn main() -> Result<()> {
    let image = Input::new([32, 32, 3]).tensor()?;
    let x = Conv2D::new(16, 3).padding(Padding::Same).use_bias(false).apply(&image)?;
    let x = ReLU::new().apply(&BatchNormalization::new().apply(&x)?)?;
    let x = GlobalAveragePooling2D::new().apply(&x)?;
    let model = Functional::new(image, Direction::new(3).apply(&x)?)?;

    // `predict` compiles by itself, once for each shape. What a plan does can be read: the normalization is folded
    // into the convolution, and ReLU is fused into its end.
    let program = model.program(&[[1, 32, 32, 3].into()])?;
    let plan = Plan::compile(&program)?;
    println!("{} nodes become {} steps:\n{plan}", program.nodes().len(), plan.to_string().lines().count() - 1);
    assert!(plan.on_engine().is_empty(), "{plan}");
    println!("{}", Summary::of(&model).cost_of([[1, 32, 32, 3]]).render()?);

    // A snapshot, prepared for one and for eight images, on two threads of its own.
    let predictor = Predictor::options().batch_sizes([1, 8]).threads(2).build(&model)?;
    predictor.warm_up()?;
    let images: Vec<f32> = (0..8 * 32 * 32 * 3).map(|i| (i as f32 * 0.01).sin()).collect();
    let mut outputs = vec![0.0f32; 8 * 3];
    predictor.predict_into(&[&images], &mut [&mut outputs])?;
    std::thread::scope(|scope| {
        for (image, expected) in images.chunks(32 * 32 * 3).zip(outputs.chunks(3)) {
            let predictor = &predictor;
            scope.spawn(move || {
                let mut output = [0.0f32; 3];
                let predicted = predictor.predict_into(&[image], &mut [&mut output]);
                assert!(predicted.is_ok() && output.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5));
            });
        }
    });

    // Buffers that do not fit are refused before anything is written.
    let error = predictor.predict_into(&[&images], &mut [&mut outputs[..3]]).err();
    println!("{}", error.map(|error| error.to_string()).unwrap_or_default());

    // A model of one's own, for inputs of the shapes that one names.
    let own = Model::from(Residual::new(8).classes(3));
    own.predict(&Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4])?)?;
    let predictor = Predictor::options().shapes([[2, 4]]).build(&own)?;
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0], [2, 4])?;
    let (fast, plain) = (predictor.predict(std::slice::from_ref(&x))?.into_single()?, own.predict(&x)?);
    assert_eq!(fast.to_vec::<f32>()?, plain.to_vec::<f32>()?);
    Ok(())
}
