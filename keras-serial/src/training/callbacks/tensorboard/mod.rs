//! A callback that logs curves, histograms and graphs for TensorBoard.

mod event;
mod png;

use std::path::{Path, PathBuf};
use std::time::Instant;

use self::event::{EventWriter, Summary};
use super::rates::{optimizer, with_rates};
use super::{Callback, CallbackContext, Frequency, Logs};
use crate::error::{Error, ErrorKind, Result};
use crate::models::{Functional, Model, Sequential};
use crate::optimizers::{LossScaleOptimizer, Optimizer};
use crate::tensor::{DType, Tensor};

/// A callback that writes event files for TensorBoard: `train` and `validation` below `log_dir`.
///
/// # Arguments
/// - `log_dir`: `logs` by default.
/// - `histogram_freq`: the number of epochs between histograms of the weights; 0, never, by default.
/// - `write_graph`: whether the graph of a Functional or Sequential model is written; true by default.
/// - `write_images`: whether weights are written as images, with the histograms; false by default.
/// - `write_steps_per_second`: whether the training speed is written; false by default.
/// - `update_freq`: after each epoch by default, or also after this many batches.
/// - `profile_batch`, `embeddings_freq`, `embeddings_metadata` are not supported.
///
/// Follows <https://keras.io/api/callbacks/tensorboard>.
///
/// ```
/// use keras_serial::training::callbacks::TensorBoard;
/// let callback = TensorBoard::new().log_dir("logs/run_1").update_freq(100).histogram_freq(1);
/// # let _ = callback;
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    log_dir: PathBuf,
    histogram_freq: usize,
    write_graph: bool,
    write_images: bool,
    write_steps_per_second: bool,
    update_freq: Frequency,
    train: Option<EventWriter>,
    validation: Option<EventWriter>,
    graph_written: bool,
    in_fit: bool,
    train_batch: i64,
    epoch_start: Option<(Instant, i64)>,
    batch_start: Option<Instant>,
}

impl Default for TensorBoard {
    fn default() -> Self {
        Self {
            log_dir: PathBuf::from("logs"),
            histogram_freq: 0,
            write_graph: true,
            write_images: false,
            write_steps_per_second: false,
            update_freq: Frequency::Epoch,
            train: None,
            validation: None,
            graph_written: false,
            in_fit: false,
            train_batch: 0,
            epoch_start: None,
            batch_start: None,
        }
    }
}

/// Returns the writer for a directory, created on first use.
fn writer<'w>(slot: &'w mut Option<EventWriter>, directory: &Path) -> Result<&'w mut EventWriter> {
    match slot {
        Some(writer) => Ok(writer),
        None => Ok(slot.insert(EventWriter::create(directory)?)),
    }
}

impl TensorBoard {
    /// Creates the callback, which writes to `logs` after each epoch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `log_dir`.
    #[must_use]
    pub fn log_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.log_dir = directory.as_ref().to_path_buf();
        self
    }

    /// Sets `histogram_freq`.
    #[must_use]
    pub fn histogram_freq(mut self, epochs: usize) -> Self {
        self.histogram_freq = epochs;
        self
    }

    /// Sets `write_graph`.
    #[must_use]
    pub fn write_graph(mut self, write: bool) -> Self {
        self.write_graph = write;
        self
    }

    /// Sets `write_images`.
    #[must_use]
    pub fn write_images(mut self, write: bool) -> Self {
        self.write_images = write;
        self
    }

    /// Sets `write_steps_per_second`.
    #[must_use]
    pub fn write_steps_per_second(mut self, write: bool) -> Self {
        self.write_steps_per_second = write;
        self
    }

    /// Sets `update_freq`.
    #[must_use]
    pub fn update_freq(mut self, frequency: impl Into<Frequency>) -> Self {
        self.update_freq = frequency.into();
        self
    }

    fn train(&mut self) -> Result<&mut EventWriter> {
        writer(&mut self.train, &self.log_dir.join("train"))
    }

    fn validation(&mut self) -> Result<&mut EventWriter> {
        writer(&mut self.validation, &self.log_dir.join("validation"))
    }

    fn log_epoch(&mut self, epoch: usize, logs: &Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if logs.is_empty() {
            return Ok(());
        }
        let mut of_training = Logs::new();
        for (name, value) in logs {
            match name.strip_prefix("val_") {
                Some(name) => {
                    self.validation()?.write(&format!("epoch_{name}"), &Summary::scalar(*value), epoch as i64)?;
                }
                None => {
                    of_training.insert(name.clone(), *value);
                }
            }
        }
        if let Ok(optimizer) = optimizer(cx) {
            for (name, optimizer) in with_rates(inner(&optimizer)) {
                let entry = name.map_or_else(|| "learning_rate".to_owned(), |name| format!("learning_rate_{name}"));
                of_training.insert(entry, optimizer.learning_rate()?);
            }
            if let Some((start, iterations)) = self.epoch_start {
                let steps = (optimizer.iterations()? - iterations) as f64;
                of_training.insert("steps_per_second".to_owned(), steps / start.elapsed().as_secs_f64());
            }
        }
        for (name, value) in of_training {
            self.train()?.write(&format!("epoch_{name}"), &Summary::scalar(value), epoch as i64)?;
        }
        Ok(())
    }

    fn log_weights(&mut self, epoch: usize, model: &Model) -> Result<()> {
        let with_images = self.write_images;
        let writer = self.train()?;
        for weight in model.layers().iter().flat_map(|layer| layer.weights()) {
            let name = weight.path().replace(':', "_");
            let values = numbers(&weight.read())?;
            writer.write(&format!("{name}/histogram"), &Summary::histogram(&values), epoch as i64)?;
            if let Some(image) = image(&weight.read().shape().known()?, &values).filter(|_| with_images) {
                writer.write(&format!("{name}/image"), &image, epoch as i64)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        [&mut self.train, &mut self.validation].into_iter().flatten().try_for_each(EventWriter::flush)
    }
}

/// Returns the optimizer inside one that scales losses.
fn inner(optimizer: &Optimizer) -> Optimizer {
    let scaling = optimizer.downcast_ref::<LossScaleOptimizer>();
    scaling.map_or_else(|| optimizer.clone(), |scaling| scaling.inner_optimizer().clone())
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    crate::ops::dtypes::cast(tensor, DType::Float64)?.to_vec()
}

/// Converts a weight to grey images: a vector to a column, a matrix with its longer side horizontal, and
/// three axes to one image per index of the last axis. TensorBoard shows at most three of them, as with
/// `tf.summary.image`.
fn image(shape: &[usize], values: &[f64]) -> Option<Summary> {
    let extents: Vec<usize> = shape.iter().copied().filter(|extent| *extent != 1).collect();
    // The number of images, their height and width, and the index of a pixel.
    type Place = Box<dyn Fn(usize, usize, usize) -> usize>;
    let (count, height, width, place): (usize, usize, usize, Place) = match *extents.as_slice() {
        [length] => (1, length, 1, Box::new(|_, row, _| row)),
        [rows, columns] if rows > columns => (1, columns, rows, Box::new(move |_, row, column| column * columns + row)),
        [rows, columns] => (1, rows, columns, Box::new(move |_, row, column| row * columns + column)),
        [rows, columns, pictures] => (
            pictures,
            rows,
            columns,
            Box::new(move |picture, row, column| (row * columns + column) * pictures + picture),
        ),
        _ => return None,
    };
    let picture = |number: usize| {
        let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        let pixels = pixels.map(|(row, column)| {
            let value = values.get(place(number, row, column)).copied().unwrap_or_default();
            // `convert_image_dtype(…, uint8, saturate=True)`
            (value * 255.5).clamp(0.0, 255.0) as u8
        });
        png::grey(width, height, &pixels.collect::<Vec<u8>>())
    };
    let pictures: Option<Vec<Vec<u8>>> = (0..count.min(3)).map(picture).collect();
    Some(Summary::images(width, height, &pictures?))
}

impl Callback for TensorBoard {
    fn on_train_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.in_fit = true;
        self.train_batch = 0;
        let model = cx.model();
        let has_graph = model.downcast_ref::<Functional>().is_some() || model.downcast_ref::<Sequential>().is_some();
        if self.write_graph && has_graph && !self.graph_written {
            let json = model.to_json()?;
            self.train()?.write("keras", &Summary::keras_model(&json), 0)?;
            self.graph_written = true;
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.flush()?;
        (self.in_fit, self.graph_written) = (false, false);
        (self.train, self.validation) = (None, None);
        Ok(())
    }

    fn on_train_batch_begin(&mut self, _: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.train_batch += 1;
        self.batch_start = self.write_steps_per_second.then(Instant::now);
        Ok(())
    }

    fn on_train_batch_end(&mut self, _: usize, logs: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        let Frequency::Batches(every) = self.update_freq else { return Ok(()) };
        let step = self.train_batch;
        if step % i64::try_from(every.max(1)).unwrap_or(i64::MAX) != 0 {
            return Ok(());
        }
        let speed = self.batch_start.map(|start| 1.0 / start.elapsed().as_secs_f64());
        let writer = self.train()?;
        if let Some(speed) = speed {
            writer.write("batch_steps_per_second", &Summary::scalar(speed), step)?;
        }
        logs.iter().try_for_each(|(name, value)| writer.write(&format!("batch_{name}"), &Summary::scalar(*value), step))
    }

    fn on_epoch_begin(&mut self, _: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.write_steps_per_second {
            self.epoch_start = Some((Instant::now(), optimizer(cx)?.iterations()?));
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.log_epoch(epoch, logs, cx)?;
        if self.histogram_freq > 0 && epoch.is_multiple_of(self.histogram_freq) {
            self.log_weights(epoch, cx.model())?;
        }
        self.flush()
    }

    fn on_test_end(&mut self, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if let Some(optimizer) = cx.model().optimizer() {
            let step = optimizer.iterations()?;
            for (name, value) in logs.iter() {
                let tag = format!("evaluation_{name}_vs_iterations");
                self.validation()?.write(&tag, &Summary::scalar(*value), step)?;
            }
        }
        if !self.in_fit {
            self.flush()?;
            self.validation = None;
        }
        Ok(())
    }
}

/// Options of Keras that this crate does not support.
impl TensorBoard {
    /// Sets `profile_batch`. Only 0 is accepted: there is no profiler for TensorBoard.
    ///
    /// # Errors
    /// For any other number.
    pub fn profile_batch(self, batch: usize) -> Result<Self> {
        match batch {
            0 => Ok(self),
            _ => Err(Error::new(ErrorKind::Unsupported, "Profiling is not available")
                .received(format!("profile_batch={batch} (must be 0)"))),
        }
    }

    /// Sets `embeddings_freq`. Only 0 is accepted: TensorBoard reads embeddings only from TensorFlow's
    /// checkpoints.
    ///
    /// # Errors
    /// For any other number.
    pub fn embeddings_freq(self, epochs: usize) -> Result<Self> {
        match epochs {
            0 => Ok(self),
            _ => Err(Error::new(ErrorKind::Unsupported, "embeddings are not written for TensorBoard")
                .received(format!("embeddings_freq={epochs} (must be 0)"))
                .hint("save the weights with `ModelCheckpoint`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::callbacks::testing::model;
    use crate::training::{Compile, Fit};

    /// Returns the payloads of a file's records, which are framed by their lengths.
    fn records(directory: &Path) -> Vec<Vec<u8>> {
        let file = std::fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
        let bytes = std::fs::read(file).unwrap();
        let (mut rest, mut records) = (bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            records.push(rest[12..12 + length].to_vec());
            rest = &rest[16 + length..];
        }
        records
    }

    fn count(records: &[Vec<u8>], tag: &str) -> usize {
        records.iter().filter(|record| record.windows(tag.len()).any(|window| window == tag.as_bytes())).count()
    }

    // With KERAS_SERIAL_TENSORBOARD=DIR the files stay, for
    // [value.tag for event in tf.compat.v1.train.summary_iterator(FILE) for value in event.summary.value]
    #[test]
    fn a_run_is_written() {
        let directory = std::env::var_os("KERAS_SERIAL_TENSORBOARD").map(PathBuf::from);
        let directory = directory
            .unwrap_or_else(|| std::env::temp_dir().join(format!("keras-serial-tensorboard-{}", std::process::id())));
        let model = model();
        model.compile(Compile::new("sgd", "mse")).unwrap();
        let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [4, 2]).unwrap();
        let y = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 5.0], [4, 1]).unwrap();
        let board = TensorBoard::new().log_dir(&directory).update_freq(2).histogram_freq(1).write_images(true);
        let fit = Fit::new().epochs(3).batch_size(2).verbose(0).validation_data((&x, &y));
        model.fit((&x, &y), fit.callback(board.write_steps_per_second(true))).unwrap();

        let train = records(&directory.join("train"));
        assert_eq!(count(&train, "brain.Event:2"), 1);
        assert_eq!(count(&train, "graph_keras_model"), 1);
        assert_eq!(count(&train, "batch_loss"), 3);
        for tag in ["epoch_loss", "epoch_learning_rate", "epoch_steps_per_second", "/kernel/histogram", "/kernel/image"]
        {
            assert_eq!(count(&train, tag), 3, "{tag}");
        }
        // As in Keras, a single number is not an image.
        assert_eq!(count(&train, "/bias/image"), 0);
        let validation = records(&directory.join("validation"));
        assert_eq!((count(&validation, "epoch_loss"), count(&validation, "evaluation_loss_vs_iterations")), (3, 3));
        if std::env::var_os("KERAS_SERIAL_TENSORBOARD").is_none() {
            std::fs::remove_dir_all(directory).unwrap();
        }
        assert!(TensorBoard::new().profile_batch(2).is_err() && TensorBoard::new().embeddings_freq(1).is_err());
    }
}
