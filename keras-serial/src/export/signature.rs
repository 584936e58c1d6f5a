//! The signature of an exported graph: names and shapes of inputs and outputs, and the extents with which
//! the model is traced where they are unknown.

use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::program::Program;
use crate::program::onnx::{Graph, Port, build};
use crate::tensor::{Nested, Shape, Tensor};

/// The number of programs that are compared to find what depends on an unknown extent.
const PROGRAMS: usize = 4;

/// The batches of the programs.
const BATCHES: [usize; PROGRAMS] = [13, 18, 31, 28];

/// Other unknown extents in the programs: small and large ones, with all remainders of 2, 3 and 4, so that what
/// depends on an extent differs, as the padding of a strided convolution does. The first that suit the model are
/// taken: large ones suit models of large images, and multiples of 32 those that halve their input and double it
/// again.
const EXTENTS: [[[usize; PROGRAMS]; 6]; 3] = [
    [[7, 40, 33, 50], [43, 6, 32, 81], [54, 29, 11, 76], [31, 73, 18, 20], [24, 53, 62, 91], [5, 30, 39, 64]],
    [
        [211, 225, 242, 260],
        [228, 251, 233, 262],
        [234, 257, 263, 280],
        [271, 269, 278, 300],
        [282, 293, 283, 304],
        [307, 313, 312, 322],
    ],
    [
        [96, 160, 128, 224],
        [192, 96, 224, 288],
        [256, 320, 288, 352],
        [352, 416, 384, 480],
        [448, 480, 512, 544],
        [544, 576, 608, 640],
    ],
];

/// The inputs and outputs of a graph.
pub(super) struct Signature {
    names: Vec<String>,
    shapes: Vec<Shape>,
    outputs: Vec<String>,
}

fn names(ends: &Nested<Tensor>) -> Vec<String> {
    let name = |end: &Tensor| end.history().map(|history| history.node.operation.name()).unwrap_or_default();
    ends.leaves().into_iter().map(name).collect()
}

impl Signature {
    /// Returns the signature of a model.
    ///
    /// # Errors
    /// If its input shapes are not known, or it has another number of inputs.
    pub fn of(model: &Model, shapes: Option<&[Shape]>) -> Result<Self> {
        let inputs = model.inputs();
        let own: Vec<Shape> = match &inputs {
            Some(inputs) => inputs.leaves().into_iter().map(|input| input.shape().clone()).collect(),
            None => built_shapes(model),
        };
        let shapes = shapes.map_or(own, <[Shape]>::to_vec);
        if shapes.is_empty() {
            return Err(Error::new(ErrorKind::NotBuilt, "the shapes of the model's inputs are not known")
                .hint("call or build the model, or give them with `ExportOptions::input_shapes`"));
        }
        let names = match &inputs {
            Some(inputs) => names(inputs),
            None => (0..shapes.len()).map(|position| format!("input_{position}")).collect(),
        };
        if names.len() != shapes.len() {
            return Err(Error::new(ErrorKind::Shape, "wrong number of input shapes")
                .expected(names.len().to_string())
                .received(shapes.len().to_string()));
        }
        let outputs = model.outputs().map(|outputs| self::names(&outputs)).unwrap_or_default();
        Ok(Self { names, shapes, outputs })
    }

    /// Returns the graph of the model.
    ///
    /// # Errors
    /// If the model can't be traced, or not exported; that of the first extents that were tried.
    pub fn graph(&self, model: &Model, opset: i64) -> Result<Graph> {
        let mut first = None;
        for tied in [false, true] {
            let ports: Vec<Port> =
                self.names.iter().zip(&self.shapes).map(|(name, shape)| port(name, shape, tied)).collect();
            let unknown = unknown(&ports);
            let has_others = unknown.iter().any(|name| name != BATCH);
            // Only a model that refuses extents is traced with others: one that computes something else for them is
            // not to be traced with those for which it happens to compute the same.
            let mut programs = Err(Error::new(ErrorKind::Graph, "the model has no inputs"));
            for extents in &EXTENTS {
                programs = self.traced(model, &ports, &unknown, extents);
                match &programs {
                    Err(error) if has_others => _ = first.get_or_insert_with(|| error.clone()),
                    _ => break,
                }
            }
            match programs.and_then(|programs| build(&programs, &ports, &self.outputs(&programs), opset)) {
                Ok(graph) => return Ok(graph),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::Graph, "the model has no inputs")))
    }

    /// Returns the names of the outputs.
    fn outputs(&self, programs: &[Program]) -> Vec<String> {
        let count = programs.first().map_or(0, |program| program.outputs().leaves().len());
        if self.outputs.len() == count {
            return self.outputs.clone();
        }
        (0..count).map(|position| format!("output_{position}")).collect()
    }

    /// Traces the model with the values of the unknown extents.
    fn traced(
        &self,
        model: &Model,
        ports: &[Port],
        unknown: &[String],
        extents: &[[usize; PROGRAMS]],
    ) -> Result<Vec<Program>> {
        let others: Vec<&String> = unknown.iter().filter(|name| *name != BATCH).collect();
        let trace = |program: usize| {
            let value = |name: &String| -> Result<usize> {
                let values = match others.iter().position(|other| *other == name) {
                    None => Some(&BATCHES),
                    Some(position) => extents.get(position),
                };
                values.and_then(|values| values.get(program).copied()).ok_or_else(|| {
                    Error::new(ErrorKind::Unsupported, "too many unknown extents")
                        .expected(format!("at most {}", extents.len()))
                        .received(unknown.join(", "))
                        .hint("give some with `ExportOptions::input_shapes`")
                })
            };
            let known = |(port, shape): (&Port, &Shape)| {
                let extents = shape.dims().iter().zip(&port.unknown);
                let known = extents.map(|(extent, name)| match (extent, name) {
                    (Some(extent), _) => Ok(*extent),
                    (None, Some(name)) => value(name),
                    (None, None) => Ok(1),
                });
                Ok(Shape::from(known.collect::<Result<Vec<usize>>>()?))
            };
            let shapes = ports.iter().zip(&self.shapes).map(known).collect::<Result<Vec<Shape>>>()?;
            model.program_with_loops(&shapes)
        };
        (0..if unknown.is_empty() { 1 } else { PROGRAMS }).map(trace).collect()
    }
}

/// The name of the first extent, if it is unknown.
const BATCH: &str = "batch";

/// Returns the names of the unknown extents, each once.
fn unknown(ports: &[Port]) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for name in ports.iter().flat_map(|port| port.unknown.iter().flatten()) {
        if !unknown.contains(name) {
            unknown.push(name.clone());
        }
    }
    unknown
}

/// Returns an input with the names of its unknown extents: the batch is one for all inputs, and so are, if they are
/// `tied`, those of the same axis.
fn port(name: &str, shape: &Shape, tied: bool) -> Port {
    let unknown = shape.dims().iter().enumerate().map(|(axis, extent)| match (extent, axis, tied) {
        (Some(_), ..) => None,
        (None, 0, _) => Some(BATCH.to_owned()),
        (None, axis, true) => Some(format!("axis_{axis}")),
        (None, axis, false) => Some(format!("{name}_axis_{axis}")),
    });
    Port { name: name.to_owned(), unknown: unknown.collect() }
}

/// Returns the shapes that a model without a graph was built with; their batch is unknown.
fn built_shapes(model: &Model) -> Vec<Shape> {
    let shapes = model.as_layer().base().built_shapes().unwrap_or_default();
    let all = shapes.values().flat_map(|shapes| shapes.leaves().into_iter().cloned());
    all.map(|shape| std::iter::once(None).chain(shape.dims().iter().skip(1).copied()).collect()).collect()
}
