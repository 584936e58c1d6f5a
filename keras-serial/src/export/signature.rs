//! The signature of an exported graph: names and shapes of inputs and outputs, and the extents with which
//! the model is traced where they are unknown.

use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::program::Program;
use crate::program::onnx::{Graph, Port, build};
use crate::tensor::{Nested, Shape, Tensor};

/// The number of programs that are compared to find what depends on an unknown extent.
const PROGRAMS: usize = 3;

/// The batches of the programs: primes, which are not likely to be other extents or their products.
const BATCHES: [usize; PROGRAMS] = [13, 17, 29];

/// Other unknown extents in the programs. The first that suit the model are taken: small primes, large ones for
/// models of large images, and multiples of 32 for those that halve their input and double it again.
const EXTENTS: [[[usize; PROGRAMS]; 6]; 3] = [
    [[37, 41, 59], [43, 61, 47], [53, 67, 71], [79, 73, 83], [89, 101, 97], [103, 109, 107]],
    [[211, 223, 241], [227, 251, 229], [233, 257, 263], [271, 269, 277], [281, 293, 283], [307, 313, 311]],
    [[96, 160, 128], [192, 96, 224], [256, 320, 288], [352, 416, 384], [448, 480, 512], [544, 576, 608]],
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
            for extents in &EXTENTS {
                let unknown = self.unknown(tied);
                match self.traced(model, (&unknown, tied), extents, opset) {
                    Ok(graph) => return Ok(graph),
                    Err(error) => _ = first.get_or_insert(error),
                }
                // Without other unknown extents than the batch, the next attempts would be the same.
                if unknown.len() <= 1 {
                    break;
                }
            }
        }
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::Graph, "the model has no inputs")))
    }

    /// Returns the names of the unknown extents: the batch is one for all inputs, and so are, if they are `tied`,
    /// those of the same axis.
    fn unknown(&self, tied: bool) -> Vec<String> {
        let mut unknown: Vec<String> = Vec::new();
        for (name, shape) in self.names.iter().zip(&self.shapes) {
            for extent in port(name, shape, tied).unknown.into_iter().flatten() {
                if !unknown.contains(&extent) {
                    unknown.push(extent);
                }
            }
        }
        unknown
    }

    fn traced(
        &self,
        model: &Model,
        (unknown, tied): (&[String], bool),
        extents: &[[usize; PROGRAMS]],
        opset: i64,
    ) -> Result<Graph> {
        let ports: Vec<Port> =
            self.names.iter().zip(&self.shapes).map(|(name, shape)| port(name, shape, tied)).collect();
        let count = if unknown.is_empty() { 1 } else { PROGRAMS };
        let mut programs: Vec<Program> = Vec::with_capacity(count);
        let others: Vec<&String> = unknown.iter().filter(|name| *name != BATCH).collect();
        for program in 0..count {
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
            let mut shapes = Vec::with_capacity(ports.len());
            for (port, shape) in ports.iter().zip(&self.shapes) {
                let known = shape.dims().iter().zip(&port.unknown).map(|(extent, name)| match (extent, name) {
                    (Some(extent), _) => Ok(*extent),
                    (None, Some(name)) => value(name),
                    (None, None) => Ok(1),
                });
                shapes.push(Shape::from(known.collect::<Result<Vec<usize>>>()?));
            }
            programs.push(model.program_with_loops(&shapes)?);
        }
        let count = programs.first().map_or(0, |program| program.outputs().leaves().len());
        let given = self.outputs.len() == count;
        let outputs: Vec<String> =
            if given { self.outputs.clone() } else { (0..count).map(|i| format!("output_{i}")).collect() };
        build(&programs, &ports, &outputs, opset)
    }
}

/// The name of the first extent, if it is unknown.
const BATCH: &str = "batch";

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
