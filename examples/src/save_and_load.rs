//! Saves a compiled, trained model and loads it again: it predicts the same, and `fit` continues as if
//! it had not been interrupted.

use keras_serial::prelude::*;
use keras_serial::random::set_random_seed;

/// `Input(32) → Dense(1)`, with Adam and the mean squared error.
fn model() -> Result<Model> {
    let inputs = Input::new([32]).tensor()?;
    let outputs = Dense::new(1).apply(&inputs)?;
    let model = Functional::new(inputs, outputs)?;
    model.compile(Compile::new("adam", "mean_squared_error"))?;
    Ok(model)
}

/// Runs the example.
pub fn main() -> Result<()> {
    set_random_seed(1);
    let model = model()?;
    let numbers = |count: usize, step: f32| (0..count).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    let x = Tensor::from_vec(numbers(128 * 32, 0.7), [128, 32])?;
    let y = Tensor::from_vec(numbers(128, 0.3), [128, 1])?;
    model.fit((&x, &y), Fit::new())?;

    let path = std::env::temp_dir().join(format!("keras_serial_my_model_{}.keras", std::process::id()));
    model.save(&path)?;
    let loaded = load_model(&path)?;
    std::fs::remove_file(&path)?;
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);

    // The optimizer's state was loaded too, so both models train alike.
    let more = || Fit::new().epochs(2).shuffle(false).verbose(2);
    let (uninterrupted, resumed) = (model.fit((&x, &y), more())?, loaded.fit((&x, &y), more())?);
    assert_eq!(uninterrupted.history, resumed.history);
    assert_eq!(loaded.predict(&x)?.to_vec::<f32>()?, model.predict(&x)?.to_vec::<f32>()?);
    assert_eq!(loaded.optimizer().map(|optimizer| optimizer.iterations()).transpose()?, Some(12));
    println!("loss after each epoch: {:?}", resumed.get("loss"));
    Ok(())
}
