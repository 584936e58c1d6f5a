//! Export to ONNX: names, shapes, what is in the files, and what is refused. That runtimes compute Keras's numbers
//! with them is checked by `tests/exchange/onnx`.

use std::path::Path;

use keras_serial::export::ExportOptions;
use keras_serial::prelude::*;
use keras_serial::program::onnx::{Attribute, Dimension, Graph};

fn graph(model: &Model) -> Graph {
    model.onnx_graph(&ExportOptions::onnx()).unwrap()
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.operators().iter().map(|operator| operator.name).collect()
}

fn named(name: &str) -> Dimension {
    Dimension::Named(name.to_owned())
}

fn classifier() -> Model {
    let x = Input::new([4]).name("features").tensor().unwrap();
    let y = Dense::new(3).activation("relu").name("hidden").apply(&x).unwrap();
    Functional::named("classifier", x, Dense::new(300).name("head").apply(&y).unwrap()).unwrap()
}

/// The fields of a message: number, and the bytes of those that have a length.
type Fields = Vec<(u64, Vec<u8>)>;

fn fields(mut bytes: &[u8]) -> Fields {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => varint(&mut bytes).to_string().into_bytes(),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                value.to_vec()
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, value));
    }
    found
}

fn all(fields: &[(u64, Vec<u8>)], number: u64) -> Vec<&[u8]> {
    fields.iter().filter(|(found, _)| *found == number).map(|(_, value)| value.as_slice()).collect()
}

/// The tensors of a file by name, each with its fields.
fn tensors(path: &Path) -> Vec<(String, Fields)> {
    let model = fields(&std::fs::read(path).unwrap());
    let graph = fields(all(&model, 7)[0]);
    let tensors = all(&graph, 5).into_iter().map(fields);
    tensors.map(|tensor| (String::from_utf8(all(&tensor, 8)[0].to_vec()).unwrap(), tensor)).collect()
}

fn bytes_of(model: &Model, path: &str) -> Vec<u8> {
    model.weight(path).unwrap().value().unwrap().to_bytes().unwrap().data.to_vec()
}

#[test]
fn inputs_outputs_and_weights_keep_their_names_and_the_batch_is_free() {
    let graph = graph(&classifier());
    let [input, output] = [graph.inputs()[0], graph.outputs()[0]];
    assert_eq!((graph.name(input), graph.name(output)), ("features", "head"));
    assert_eq!(graph.dimensions(input), [named("batch"), Dimension::Known(4)]);
    assert_eq!(graph.dimensions(output), [named("batch"), Dimension::Known(300)]);
    let mut names: Vec<&str> = graph.initializers().iter().map(|weight| graph.name(weight.value)).collect();
    names.sort_unstable();
    assert_eq!(names, ["head/bias", "head/kernel", "hidden/bias", "hidden/kernel"]);
    assert_eq!(operators(&graph), ["MatMul", "Add", "Relu", "MatMul", "Add"]);
    assert_eq!(graph.name(graph.operators()[2].outputs[0]), "classifier/hidden/Relu");
}

#[test]
fn fixed_shapes_leave_nothing_free() {
    let graph = classifier().onnx_graph(&ExportOptions::onnx().input_shapes([[2, 4]])).unwrap();
    assert_eq!(graph.dimensions(graph.outputs()[0]), [Dimension::Known(2), Dimension::Known(300)]);
    let wrong = classifier().onnx_graph(&ExportOptions::onnx().input_shapes([[2, 4], [2, 4]])).unwrap_err();
    assert!(wrong.to_string().contains("wrong number of input shapes"), "{wrong}");
}

#[test]
fn a_chain_of_convolutions_is_transposed_at_its_ends_only() {
    let x = Input::new([None, None, Some(3)]).name("image").tensor().unwrap();
    let mut y = x.clone();
    for _ in 0..3 {
        y = Conv2D::new(4, [3, 3]).padding(Padding::Same).apply(&y).unwrap();
        y = BatchNormalization::new().apply(&y).unwrap();
        y = ReLU::new().apply(&y).unwrap();
    }
    let pooled = MaxPooling2D::new([2, 2]).apply(&y).unwrap();
    let graph = graph(&Functional::new(x, GlobalAveragePooling2D::new().apply(&pooled).unwrap()).unwrap());
    let names = operators(&graph);
    let count = |name: &str| names.iter().filter(|operator| **operator == name).count();
    // The input's, and one of the means, of extent 1.
    assert_eq!((count("Conv"), count("MaxPool"), count("Transpose")), (3, 1, 2), "{names:?}");
    assert_eq!(graph.dimensions(graph.inputs()[0])[1], named("image_axis_1"));
}

#[test]
fn recurrent_layers_are_loops_of_any_number_of_steps() {
    let x = Input::new([None, Some(4)]).tensor().unwrap();
    let masked = Masking::new().apply(&x).unwrap();
    for layer in [GRU::new(3).shared(), LSTM::new(3).shared(), SimpleRNN::new(3).shared()] {
        let graph = graph(&Functional::new(x.clone(), layer.apply(&masked).unwrap()).unwrap());
        let scan = graph.operators().iter().find(|operator| operator.name == "Scan").unwrap();
        assert!(scan.attributes.iter().any(|(name, value)| *name == "body" && matches!(value, Attribute::Body(_))));
        // The loop stands once, however many steps there are.
        assert_eq!(operators(&graph).iter().filter(|name| **name == "Scan").count(), 1);
    }
}

#[test]
fn a_file_holds_the_weights_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let model = classifier();
    model.export(&path, ExportOptions::onnx().opset(21)).unwrap();
    let fields = fields(&std::fs::read(&path).unwrap());
    // The format's version and the operator set's.
    assert_eq!(all(&fields, 1), [b"10"]);
    assert!(all(&fields, 8)[0].ends_with(&[0x10, 21]));
    let tensors = tensors(&path);
    assert_eq!(tensors.len(), 4);
    for (name, tensor) in &tensors {
        assert_eq!(all(tensor, 9), [bytes_of(&model, name)], "{name}");
    }
    let first = std::fs::read(&path).unwrap();
    model.export(&path, ExportOptions::onnx().opset(21)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn large_weights_can_go_into_a_file_beside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let model = classifier();
    model.export(&path, ExportOptions::onnx().external_data(true)).unwrap();
    let data = std::fs::read(folder.path().join("m.onnx.data")).unwrap();
    let mut outside = 0;
    for (name, tensor) in tensors(&path) {
        let entries: Vec<(String, String)> = all(&tensor, 13)
            .into_iter()
            .map(|entry| {
                let entry = fields(entry);
                let text = |number| String::from_utf8(all(&entry, number)[0].to_vec()).unwrap();
                (text(1), text(2))
            })
            .collect();
        if entries.is_empty() {
            // Small tensors stay, so that shapes can be read without the data.
            assert!(all(&tensor, 9)[0].len() < 1024);
            continue;
        }
        let entry = |key: &str| entries.iter().find(|(found, _)| found == key).unwrap().1.clone();
        assert_eq!(entry("location"), "m.onnx.data");
        let (offset, length): (usize, usize) = (entry("offset").parse().unwrap(), entry("length").parse().unwrap());
        assert_eq!(offset % 4096, 0);
        assert_eq!(data[offset..offset + length], bytes_of(&model, &name));
        outside += 1;
    }
    assert_eq!(outside, 2);
}

#[test]
fn what_fails_names_the_layer_and_leaves_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, "before").unwrap();
    let x = Input::new([2]).dtype("int64").tensor().unwrap();
    let hashed = Hashing::new(5).name("buckets").apply(&x).unwrap();
    let error = Functional::named("table", x, hashed).unwrap().export(&path, ExportOptions::onnx()).unwrap_err();
    assert_eq!((error.path().as_str(), error.kind()), ("table/buckets", ErrorKind::Unsupported));
    for opset in [12, 24] {
        let error = classifier().export(&path, ExportOptions::onnx().opset(opset)).unwrap_err();
        assert!(error.to_string().contains("13 to 23"), "{error}");
    }
    let unbuilt = Sequential::new([Dense::new(2).shared()]).unwrap();
    assert_eq!(unbuilt.export(&path, ExportOptions::onnx()).unwrap_err().kind(), ErrorKind::NotBuilt);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A layer that computes something else for more steps.
#[register(package = "OnnxTests")]
#[derive(KerasSerializable, Default)]
struct ByLength {
    base: LayerBase,
}

impl Layer for ByLength {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let long = x.shape().dims()[1].is_some_and(|steps| steps > 40);
        Ok(if long { ops::square(x)? } else { ops::sqrt(x)? }.into())
    }
}

#[test]
fn a_layer_that_asks_for_an_unknown_extent_is_named() {
    let x = Input::new([None]).name("x").tensor().unwrap();
    let y = ByLength::default().shared().apply(&x).unwrap();
    let model = Functional::named("model", x, y).unwrap();
    let error = model.onnx_graph(&ExportOptions::onnx()).unwrap_err();
    assert_eq!(error.path(), "model/by_length");
    assert!(error.to_string().contains("input_shapes"), "{error}");
    let shape: Shape = [None, Some(5)].into();
    let graph = model.onnx_graph(&ExportOptions::onnx().input_shapes([shape])).unwrap();
    assert_eq!(operators(&graph), ["Sqrt"]);
}

#[test]
fn what_a_layer_makes_for_an_extent_is_made_in_the_graph() {
    // The padding of a strided convolution depends on the extent.
    let image = Input::new([None, Some(2)]).tensor().unwrap();
    let conv = Conv1D::new(2, [3]).strides([2]).padding(Padding::Same).apply(&image).unwrap();
    let conv = Functional::new(image, conv).unwrap();
    let padding = |graph: &Graph| {
        let conv = graph.operators().iter().find(|operator| operator.name == "Conv").unwrap();
        conv.attributes.iter().find(|(name, _)| name.contains("pad")).unwrap().clone()
    };
    assert_eq!(padding(&graph(&conv)), ("auto_pad", Attribute::Text("SAME_UPPER")));
    let fixed = conv.onnx_graph(&ExportOptions::onnx().input_shapes([Shape::from([None, Some(6), Some(2)])])).unwrap();
    assert_eq!(padding(&fixed), ("pads", Attribute::Ints(vec![0, 1])));
    // A causal mask is made of positions.
    let x = Input::new([None, Some(4)]).tensor().unwrap();
    let args = CallArgs::from(&x).and(x.clone()).with_value("use_causal_mask", true);
    let attention = MultiHeadAttention::new(2, 4).apply(args).unwrap();
    let names = operators(&graph(&Functional::new(x, attention).unwrap()));
    assert!(names.contains(&"Range") && names.contains(&"Less"), "{names:?}");
}

/// A model whose layers have one name, as Keras allows.
#[register(package = "OnnxTests")]
#[derive(KerasSerializable)]
#[keras(model, new)]
struct Namesakes {
    base: LayerBase,
    #[keras(sublayer(init = Dense::new(4).name("same").shared()))]
    first: LayerRef,
    #[keras(sublayer(init = Dense::new(4).name("same").shared()))]
    second: LayerRef,
}

impl Layer for Namesakes {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = self.first.call(inputs.inputs()?, cx)?;
        self.second.call(x, cx)
    }
}

#[test]
fn weights_of_one_path_stay_apart() {
    let model = Model::from(Namesakes::new());
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 4]).unwrap();
    let expected = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    let program = model.program(&[x.shape().clone()]).unwrap();
    let found = program.eval(&[x]).unwrap().into_single().unwrap().to_vec::<f32>().unwrap();
    assert_eq!(found, expected);
    assert_eq!(graph(&model).initializers().len(), 4);
}
