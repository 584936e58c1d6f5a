//! Interrupts training and continues it in another process as if it had not been interrupted: with the
//! same batches, the same dropout, and the same weights bit for bit.

use keras_serial::callbacks::LambdaCallback;
use keras_serial::prelude::*;
use keras_serial::random::set_random_seed;

fn network() -> Result<Model> {
    set_random_seed(7);
    let model = Sequential::new([
        Input::new([2]).layer(),
        Dense::new(8).activation("relu").into(),
        Dropout::new(0.5).into(),
        Dense::new(1).into(),
    ])?;
    model.compile(Compile::new("adam", "mse"))?;
    Ok(model)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let samples = 64;
    let x: Vec<f32> = (0..2 * samples).map(|i| (i as f32 * 0.37).sin()).collect();
    let y: Vec<f32> = x.chunks(2).map(|ab| 2.0 * ab[0] - ab[1] + 1.0).collect();
    let (x, y) = (Tensor::from_slice(&x, [samples, 2])?, Tensor::from_slice(&y, [samples, 1])?);
    let fit = || Fit::new().epochs(4).batch_size(8).verbose(0);

    let whole = network()?;
    whole.fit((&x, &y), fit())?;

    // The user presses Ctrl-C in the third epoch; `training::interrupt_on_ctrl_c` ends the run in the
    // same way.
    let cut_off = network()?;
    let interrupt = LambdaCallback::new().on_epoch_begin(|epoch, _, cx| {
        if epoch == 2 {
            cx.stop_training();
        }
        Ok(())
    });
    cut_off.fit((&x, &y), fit().callback(interrupt))?;
    let path = std::env::temp_dir().join(format!("keras_serial_resume_{}.keras", std::process::id()));
    SaveOptions::new().training_state(true).save_model(&cut_off, &path)?;

    // The next day. Keras can open this file too, and ignores the training state.
    let resumed = load_model(&path)?;
    std::fs::remove_file(&path)?;
    let state = resumed.training_state()?;
    println!("goes on in epoch {}, after {} of its batches", state.epoch() + 1, state.batch());
    let history = resumed.fit((&x, &y), fit().resume(true))?;
    assert_eq!(history.epoch, [2, 3]);
    for (weight, expected) in resumed.get_weights().iter().zip(whole.get_weights()) {
        assert_eq!(weight.to_vec::<f32>()?, expected.to_vec::<f32>()?);
    }
    Ok(())
}
