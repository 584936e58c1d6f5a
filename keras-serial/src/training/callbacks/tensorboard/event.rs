//! TensorBoard's event files: records of protocol buffers.
//!
//! A record consists of its length (u64), a masked checksum of the length, the event, and a masked
//! checksum of the event. The fields written here are those of TensorFlow's `event.proto`,
//! `summary.proto` and `tensor.proto`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result, ResultExt};
use crate::utils::Message;

/// A summary: the plugin that shows it, its data class, and its tensor.
#[derive(Clone, Debug)]
pub struct Summary {
    plugin: &'static str,
    content: &'static [u8],
    data_class: u64,
    tensor: Message,
}

const DT_FLOAT: u64 = 1;
const DT_DOUBLE: u64 = 2;
const DT_STRING: u64 = 7;

fn tensor(dtype: u64, shape: &[usize]) -> Message {
    let dims = shape
        .iter()
        .fold(Message::default(), |dims, extent| dims.message(2, &Message::default().varint(1, *extent as u64)));
    Message::default().varint(1, dtype).message(2, &dims)
}

impl Summary {
    /// Creates a summary of a number (`tf.summary.scalar`).
    pub fn scalar(value: f64) -> Self {
        let tensor = tensor(DT_FLOAT, &[]).bytes(5, &(value as f32).to_le_bytes());
        Self { plugin: "scalars", content: b"", data_class: 1, tensor }
    }

    /// Creates a histogram (`tf.summary.histogram`): 30 buckets of left bound, right bound and count.
    pub fn histogram(values: &[f64]) -> Self {
        let rows = buckets(values);
        let content: Vec<u8> = rows.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
        let tensor = tensor(DT_DOUBLE, &[rows.len(), 3]).bytes(4, &content);
        Self { plugin: "histograms", content: b"", data_class: 2, tensor }
    }

    /// Creates a summary of images of one size, as PNG files (`tf.summary.image`).
    pub fn images(width: usize, height: usize, pngs: &[Vec<u8>]) -> Self {
        let sizes = [width.to_string(), height.to_string()];
        let tensor = tensor(DT_STRING, &[2 + pngs.len()]);
        let tensor = sizes.iter().fold(tensor, |tensor, size| tensor.bytes(8, size.as_bytes()));
        let tensor = pngs.iter().fold(tensor, |tensor, png| tensor.bytes(8, png));
        Self { plugin: "images", content: b"", data_class: 3, tensor }
    }

    /// Creates a summary of a model's JSON, from which TensorBoard draws the graph.
    pub fn keras_model(json: &str) -> Self {
        let tensor = tensor(DT_STRING, &[]).bytes(8, json.as_bytes());
        Self { plugin: "graph_keras_model", content: b"1", data_class: 0, tensor }
    }

    fn to_event(&self, tag: &str, step: i64, wall_time: f64) -> Message {
        let plugin = Message::default().bytes(1, self.plugin.as_bytes());
        let plugin = if self.content.is_empty() { plugin } else { plugin.bytes(2, self.content) };
        let metadata = Message::default().message(1, &plugin);
        let metadata = if self.data_class == 0 { metadata } else { metadata.varint(4, self.data_class) };
        let value = Message::default().bytes(1, tag.as_bytes()).message(8, &self.tensor).message(9, &metadata);
        let summary = Message::default().message(1, &value);
        // A negative step takes ten bytes, as in protocol buffers.
        Message::default().double(1, wall_time).varint(2, step as u64).message(5, &summary)
    }
}

/// Computes the buckets of a histogram as `tensorboard.plugins.histogram.summary` does.
fn buckets(values: &[f64]) -> Vec<[f64; 3]> {
    const COUNT: usize = 30;
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) =
        finite.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return vec![[0.0; 3]; COUNT];
    }
    if low == high {
        let mut rows = vec![[low - 0.5, low + 0.5, 0.0]; COUNT];
        if let Some([_, _, count]) = rows.last_mut() {
            *count = finite.count() as f64;
        }
        return rows;
    }
    let width = (high - low) / COUNT as f64;
    let edge = |i: usize| if i == COUNT { high } else { low + width * i as f64 };
    let mut rows: Vec<[f64; 3]> = (0..COUNT).map(|i| [edge(i), edge(i + 1), 0.0]).collect();
    for value in finite {
        let bucket = (((value - low) / width) as usize).min(COUNT - 1);
        if let Some([_, _, count]) = rows.get_mut(bucket) {
            *count += 1.0;
        }
    }
    rows
}

/// Computes the CRC-32C (Castagnoli) of a record, masked as in TensorFlow's records.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Frames an event as a record.
fn record(event: &Message) -> Vec<u8> {
    let length = (event.encoded().len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(event.encoded());
    record.extend(masked_crc(event.encoded()).to_le_bytes());
    record
}

/// Writes an event file.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Creates a file in a directory, which is created if needed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(directory: &Path) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned());
        let host: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let (time, process) = (now() as u64, std::process::id());
        let path = directory.join(format!("events.out.tfevents.{time:010}.{host}.{process}.{number}.v2"));
        let create = || -> Result<Self> {
            fs::create_dir_all(directory)?;
            let file = BufWriter::new(File::create_new(&path)?);
            let mut writer = Self { path: path.clone(), file };
            writer.put(&Message::default().double(1, now()).bytes(3, b"brain.Event:2"))?;
            Ok(writer)
        };
        create().at_with(|| path.display().to_string())
    }

    /// Adds a summary.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&mut self, tag: &str, summary: &Summary, step: i64) -> Result<()> {
        self.put(&summary.to_event(tag, step, now()))
    }

    fn put(&mut self, event: &Message) -> Result<()> {
        self.file.write_all(&record(event)).map_err(Error::from).at_with(|| self.path.display().to_string())
    }

    /// Makes everything written so far visible to readers.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(Error::from).at_with(|| self.path.display().to_string())
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs_f64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // google_crc32c.value(b"123456789") == 0xe3069283
    #[test]
    fn checksums_are_masked_crc32c() {
        let crc = 0xe306_9283u32;
        assert_eq!(masked_crc(b"123456789"), crc.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    // event_pb2.Event(wall_time=1.5, step=300, summary=Summary(value=[Summary.Value(tag="a", metadata=SummaryMetadata(
    //     plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1),
    //     tensor=TensorProto(dtype=1, tensor_shape=TensorShapeProto(), float_val=[0.5]))])).SerializeToString()
    #[test]
    fn events_are_those_of_tensorflow() {
        let event = Summary::scalar(0.5).to_event("a", 300, 1.5);
        let mut expected = b"\x09\0\0\0\0\0\0\xf8\x3f\x10\xac\x02\x2a\x20\x0a\x1e\x0a\x01a".to_vec();
        expected.extend(b"\x42\x0a\x08\x01\x12\0\x2a\x04\0\0\0\x3f");
        expected.extend(b"\x4a\x0d\x0a\x09\x0a\x07scalars\x20\x01");
        assert_eq!(event.encoded(), expected);
    }

    // tensorboard.plugins.histogram.summary_v2._buckets([0, 1, 2, 3], 30)
    #[test]
    fn histograms_have_thirty_buckets() {
        let rows = buckets(&[0.0, 1.0, 2.0, 3.0, f64::NAN]);
        assert_eq!(rows.len(), 30);
        let counts: Vec<usize> = rows.iter().enumerate().filter(|(_, row)| row[2] == 1.0).map(|(i, _)| i).collect();
        assert_eq!(counts, [0, 10, 20, 29]);
        assert_eq!((rows[0][0], rows[29][1]), (0.0, 3.0));
        assert_eq!(buckets(&[2.0, 2.0])[29], [1.5, 2.5, 2.0]);
    }
}
