//! Callbacks: early stopping, saving the best model, reducing the learning rate, logging to a table, and
//! continuing after an interruption.

use keras_serial::callbacks::{
    BackupAndRestore, CSVLogger, Callback, CallbackContext, EarlyStopping, Logs, ModelCheckpoint, ReduceLROnPlateau,
};
use keras_serial::prelude::*;

/// A custom callback that counts batches.
#[register(package = "CallbacksExample")]
#[derive(KerasSerializable)]
#[keras(new, setters)]
pub struct CountBatches {
    #[keras(default = 1)]
    every: usize,
    #[keras(skip)]
    counted: usize,
}

impl Callback for CountBatches {
    fn on_train_batch_end(&mut self, batch: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.counted += usize::from(batch.is_multiple_of(self.every));
        Ok(())
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("keras-serial-callbacks-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;

    // y = 2 a - b + 1, which a Dense layer can learn.
    let samples = 64;
    let x: Vec<f32> = (0..2 * samples).map(|i| (i as f32 * 0.37).sin()).collect();
    let y: Vec<f32> = x.chunks(2).map(|ab| 2.0 * ab[0] - ab[1] + 1.0).collect();
    let (x, y) = (Tensor::from_slice(&x, [samples, 2])?, Tensor::from_slice(&y, [samples, 1])?);

    let model = Sequential::new([Input::new([2]).layer(), Dense::new(1).kernel_initializer("zeros").into()])?;
    model.compile(Compile::new("sgd", "mse"))?;

    let best = directory.join("best.keras");
    let mut early_stopping = EarlyStopping::new().patience(5).min_delta(1e-4).restore_best_weights(true);
    let mut count = CountBatches::new().every(2);
    let history = model.fit(
        (&x, &y),
        Fit::new()
            .epochs(500)
            .batch_size(8)
            .seed(1)
            .verbose(0)
            .validation_split(0.25)
            .callback(&mut early_stopping)
            .callback(&mut count)
            .callback(ModelCheckpoint::new(best.to_string_lossy()).save_best_only(true))
            .callback(ReduceLROnPlateau::new().factor(0.5).patience(3))
            .callback(CSVLogger::new(directory.join("log.csv")))
            .callback(BackupAndRestore::new(directory.join("backup"))),
    )?;

    let epochs = history.epoch.len();
    println!("stopped after {epochs} epochs with val_loss {:.6}", early_stopping.best().unwrap_or(f64::NAN));
    assert!(epochs < 500 && history.last("val_loss").is_some_and(|loss| loss < 1e-2));
    // An epoch has six batches, every second of which is counted.
    assert_eq!(count.counted, 3 * epochs);
    let log = std::fs::read_to_string(directory.join("log.csv"))?;
    assert_eq!(log.lines().count(), epochs + 1);
    assert_eq!(log.lines().next(), Some("epoch,learning_rate,loss,val_loss"));
    // The file holds the best model of all; the restored weights are the best by a margin of
    // `min_delta`.
    let (kept, restored) = (load_model(&best)?.get_weights(), model.get_weights());
    let pairs = kept[0].to_vec::<f32>()?.into_iter().zip(restored[0].to_vec::<f32>()?);
    assert!(pairs.map(|(kept, restored)| (kept - restored).abs()).fold(0.0, f32::max) < 0.01);
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
