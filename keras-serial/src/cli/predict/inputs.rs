//! The rows of data files as the inputs of a model.

use std::path::Path;

use super::Predict;
use crate::cli::input::{is_standard, name, read_standard};
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::files::Limits;
use crate::models::Model;
use crate::ops;
use crate::tensor::{DType, Nested, Shape, Tensor};
use crate::training::data::{Arrays, ReadArrays, RowReader};

/// Splits an argument into the name of an input, if it has one, and a file.
pub(super) fn split(text: &str) -> (Option<&str>, &Path) {
    // The names of files can have `=` in them, too.
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty() && !Path::new(text).exists());
    pair.map_or((None, Path::new(text)), |(name, file)| (Some(name), Path::new(file)))
}

/// An input of the model.
struct Port {
    name: String,
    shape: Option<Shape>,
    dtype: DType,
}

/// How the arrays of a file make an input.
enum Part {
    /// The array of this name.
    Array(String),
    /// All columns beside each other.
    Columns,
}

/// A file, and the inputs that it gives, by their positions.
struct File {
    name: String,
    reader: RowReader,
    gives: Vec<(usize, Part)>,
}

/// The files that feed a model.
pub(super) struct Feed {
    ports: Vec<Port>,
    structure: Option<Nested<Tensor>>,
    files: Vec<File>,
}

impl Feed {
    /// Opens the files of the arguments, and finds which gives which input.
    ///
    /// # Errors
    /// When a file can't be read, or it is not clear which input it gives.
    pub(super) fn open(model: &Model, arguments: &Predict, limits: &Limits) -> Result<Self> {
        let structure = model.inputs();
        let port = |symbol: &Tensor| Port {
            name: symbol.history().map(|history| history.node.operation.name()).unwrap_or_default(),
            shape: Some(symbol.shape().clone()),
            dtype: symbol.dtype(),
        };
        let mut ports: Vec<Port> =
            structure.iter().flat_map(|inputs| inputs.leaves().into_iter().map(port).collect::<Vec<_>>()).collect();
        if ports.is_empty() {
            // A model without a graph takes what it is given, in order.
            let unknown = |place: usize| Port { name: format!("input_{place}"), shape: None, dtype: DType::Float32 };
            ports = (0..arguments.input.len()).map(unknown).collect();
        }
        let options = ReadArrays::new().limits(limits.clone()).header(!arguments.no_header);
        let mut feed = Self { ports, structure, files: Vec::new() };
        for text in &arguments.input {
            let (port, path) = split(text);
            let form = arguments.input_format.map(super::InputFormat::form);
            let reader = if is_standard(path) {
                let form = form.ok_or_else(|| {
                    Error::new(ErrorKind::InvalidArgument, "standard input has no name that tells the format")
                        .hint("name it with `--input-format`")
                })?;
                read_standard(limits)
                    .and_then(|bytes| RowReader::of_section(bytes::Bytes::from(bytes).into(), form, &options))
                    .at("standard input")?
            } else {
                RowReader::open(path, form, &options)?
            };
            feed.add(port, name(path), reader)?;
        }
        let missing = (0..feed.ports.len()).find(|place| !feed.is_given(*place));
        match missing.and_then(|place| feed.ports.get(place)) {
            None => Ok(feed),
            Some(port) => Err(Error::new(ErrorKind::InvalidArgument, format!("no file for the input `{}`", port.name))
                .hint(format!("add `-i {}=FILE`", port.name))),
        }
    }

    fn is_given(&self, place: usize) -> bool {
        self.files.iter().flat_map(|file| &file.gives).any(|(given, _)| *given == place)
    }

    /// Adds a file, for the input of a name if one is given.
    fn add(&mut self, port: Option<&str>, name: String, mut reader: RowReader) -> Result<()> {
        let gives = self.parts(port, &reader).at_with(|| name.clone())?;
        let mut wanted = Vec::new();
        for (place, part) in &gives {
            let dtype = self.ports.get(*place).map_or(DType::Float32, |port| port.dtype);
            match part {
                Part::Array(array) => wanted.push((array.clone(), dtype)),
                Part::Columns => wanted.extend(reader.names().into_iter().map(|column| (column, dtype))),
            }
        }
        reader.select(&wanted).at_with(|| name.clone())?;
        self.files.push(File { name, reader, gives });
        Ok(())
    }

    /// Returns which inputs a file gives.
    fn parts(&self, port: Option<&str>, reader: &RowReader) -> Result<Vec<(usize, Part)>> {
        let names = reader.names();
        let only = match names.as_slice() {
            _ if reader.is_table() => Some(Part::Columns),
            [one] => Some(Part::Array(one.clone())),
            _ => None,
        };
        let by_name = |port: &Port| names.contains(&port.name).then(|| Part::Array(port.name.clone()));
        if let Some(wanted) = port {
            let place = self.ports.iter().position(|port| port.name == wanted).ok_or_else(|| {
                let known: Vec<&str> = self.ports.iter().map(|port| port.name.as_str()).collect();
                let error = Error::new(ErrorKind::InvalidArgument, format!("the model has no input `{wanted}`"));
                let error = error.expected(known.join(", "));
                match did_you_mean(wanted, known) {
                    Some(near) => error.hint(near),
                    None => error,
                }
            })?;
            let part = self.ports.get(place).filter(|_| !reader.is_table()).and_then(by_name).or(only);
            let part = part.ok_or_else(|| ambiguous(&names, std::slice::from_ref(&wanted)))?;
            return Ok(vec![(place, part)]);
        }
        let wants: Vec<&str> = self.ports.iter().map(|port| port.name.as_str()).collect();
        let found: Vec<(usize, Part)> =
            self.ports.iter().enumerate().filter_map(|(place, port)| Some((place, by_name(port)?))).collect();
        let next = (0..self.ports.len()).find(|place| !self.is_given(*place));
        match (self.ports.len(), only, next) {
            (1, Some(part), Some(place)) => Ok(vec![(place, part)]),
            _ if !found.is_empty() => Ok(found),
            (_, Some(part), Some(place)) if !reader.is_table() => Ok(vec![(place, part)]),
            (_, _, None) => Err(Error::new(ErrorKind::InvalidArgument, "all inputs of the model have files already")),
            _ => Err(ambiguous(&names, &wants)),
        }
    }

    /// Returns the number of rows, if it is known.
    pub(super) fn rows(&self) -> Option<usize> {
        self.files.first()?.reader.rows()
    }

    /// Returns the next batch and its number of rows; `None` at the end.
    ///
    /// # Errors
    /// When a file can't be read, or the files differ in their numbers of rows.
    pub(super) fn next(&mut self, most: usize) -> Result<Option<(usize, Nested<Tensor>)>> {
        let mut batch: Vec<Option<Tensor>> = self.ports.iter().map(|_| None).collect();
        let mut first: Option<(usize, String)> = None;
        for File { name, reader, gives } in &mut self.files {
            let arrays = reader.next(most).at_with(|| name.clone())?;
            for (place, part) in gives.iter() {
                let shape = self.ports.get(*place).and_then(|port| port.shape.as_ref());
                let tensor = make(part, &arrays, shape).at_with(|| name.clone())?;
                let rows = tensor.shape().dim(0)?;
                match &first {
                    None => first = Some((rows, name.clone())),
                    Some((expected, other)) if *expected != rows => {
                        return Err(Error::new(ErrorKind::Shape, "Data cardinality is ambiguous")
                            .expected(format!("as many rows as `{other}` has"))
                            .at(name.clone()));
                    }
                    Some(_) => {}
                }
                if let Some(slot) = batch.get_mut(*place) {
                    *slot = Some(tensor);
                }
            }
        }
        let Some((rows, _)) = first.filter(|(rows, _)| *rows > 0) else { return Ok(None) };
        let mut leaves: Vec<Tensor> = batch.into_iter().flatten().collect();
        let x = match &self.structure {
            Some(structure) => structure.pack(leaves)?,
            None if leaves.len() == 1 => leaves.pop().map_or(Nested::None, Nested::Leaf),
            None => Nested::list(leaves),
        };
        Ok(Some((rows, x)))
    }
}

/// Returns an input from the arrays of a file, with the shape that the model wants, if it has as many elements.
fn make(part: &Part, arrays: &Arrays, shape: Option<&Shape>) -> Result<Tensor> {
    let tensor = match part {
        Part::Array(name) => arrays.get(name)?.clone(),
        Part::Columns => arrays.matrix(..)?,
    };
    let Some(wanted) = shape.filter(|shape| shape.rank() != tensor.rank()) else { return Ok(tensor) };
    let Some(inner) = wanted.dims().get(1..).and_then(|dims| dims.iter().copied().collect::<Option<Vec<usize>>>())
    else {
        return Ok(tensor);
    };
    let extents = tensor.shape().known()?;
    let (rows, held) = (extents.first().copied().unwrap_or_default(), extents.iter().skip(1).product::<usize>());
    if held != inner.iter().product::<usize>() || tensor.dtype() == DType::String {
        return Ok(tensor);
    }
    ops::reshape(&tensor, &std::iter::once(rows).chain(inner).collect::<Vec<usize>>().into())
}

fn ambiguous(names: &[String], wanted: &[&str]) -> Error {
    let some: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
    Error::new(ErrorKind::InvalidArgument, "it is not clear which array is which input")
        .expected(format!("one array, or arrays of the names of inputs: {}", wanted.join(", ")))
        .received(some.join(", "))
        .hint("name the input: `-i NAME=FILE`")
}
