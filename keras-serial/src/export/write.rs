//! Writing of ONNX files: weights go to the file one after the other, without a second copy of all.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::encode;
use crate::error::{Error, ErrorKind, Result};
use crate::files::write_atomically;
use crate::program::onnx::{Graph, Initializer};
use crate::utils::Message;

/// The bytes of weights above which they go into a file of their own: one message can't have 2 GiB.
const LARGEST_FILE: u64 = 1_900_000_000;
/// The bytes below which a constant stays in the file: shapes are read before data.
const SMALLEST_EXTERNAL: u64 = 1024;
/// Offsets in the file of data are multiples of this, so that it can be mapped.
const ALIGNMENT: u64 = 4096;

/// An initializer that waits to be written.
struct Waiting<'a> {
    initializer: &'a Initializer,
    length: u64,
    /// The place in the file of data.
    offset: Option<u64>,
}

/// Writes a graph to a file, and its weights to one beside it if they are many or `external` is true.
///
/// # Errors
/// [`ErrorKind::Io`] if the system refuses.
pub(super) fn write(graph: &Graph, name: &str, path: &Path, external: bool) -> Result<()> {
    let mut data_name = path.file_name().unwrap_or_default().to_os_string();
    data_name.push(".data");
    let location = data_name.to_str().ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the name of the file is no Unicode text, which ONNX can't refer to")
            .received(path.display().to_string())
    })?;
    let mut all = Vec::with_capacity(graph.initializers().len());
    let mut total = 0u64;
    for initializer in graph.initializers() {
        let length =
            initializer.stored_shape().iter().product::<usize>() as u64 * graph.dtype(initializer.value).size() as u64;
        total += length;
        all.push(Waiting { initializer, length, offset: None });
    }
    let mut end = 0u64;
    if external || total > LARGEST_FILE {
        for waiting in all.iter_mut().filter(|waiting| waiting.length >= SMALLEST_EXTERNAL) {
            let offset = end.next_multiple_of(ALIGNMENT);
            waiting.offset = Some(offset);
            end = offset + waiting.length;
        }
    }
    write_atomically(path, |file| {
        let mut file = BufWriter::new(file);
        write_model(graph, name, location, &all, &mut file)?;
        file.flush()?;
        if end > 0 {
            // The file of data takes effect first, so that a model never refers to one that is not there.
            write_atomically(path.with_file_name(&data_name), |file| {
                let mut file = BufWriter::new(file);
                write_data(&all, &mut file)?;
                Ok(file.flush()?)
            })?;
        }
        Ok(())
    })
}

/// Writes a `ModelProto`: the lengths of all parts are known before the weights are read.
fn write_model(graph: &Graph, name: &str, location: &str, all: &[Waiting], file: &mut impl Write) -> Result<()> {
    let head = encode::graph(graph, name)?;
    let mut parts: Vec<(Message, &Waiting)> = Vec::with_capacity(all.len());
    let mut length = head.encoded().len() as u64;
    for waiting in all {
        let tensor = encode::tensor(graph, waiting.initializer)?;
        let (tensor, inside) = match waiting.offset {
            Some(offset) => (encode::external(tensor, location, offset, waiting.length), 0),
            None => (tensor.header(9, waiting.length), waiting.length),
        };
        let key = Message::default().header(5, tensor.encoded().len() as u64 + inside);
        length += key.encoded().len() as u64 + tensor.encoded().len() as u64 + inside;
        let mut part = key;
        part.extend(tensor.encoded());
        parts.push((part, waiting));
    }
    file.write_all(encode::model(graph).header(7, length).encoded())?;
    file.write_all(head.encoded())?;
    for (part, waiting) in parts {
        file.write_all(part.encoded())?;
        if waiting.offset.is_none() {
            file.write_all(&waiting.initializer.elements()?)?;
        }
    }
    Ok(())
}

fn write_data(all: &[Waiting], file: &mut impl Write) -> Result<()> {
    let mut end = 0u64;
    for waiting in all {
        let Some(offset) = waiting.offset else { continue };
        let gap = usize::try_from(offset.saturating_sub(end)).unwrap_or_default();
        file.write_all(&vec![0; gap])?;
        file.write_all(&waiting.initializer.elements()?)?;
        end = offset + waiting.length;
    }
    Ok(())
}
