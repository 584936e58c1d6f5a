//! The parsers, each as a function of bytes.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use keras_serial::json::{JsonLimits, Value};
use keras_serial::models::Functional;
use keras_serial::prelude::*;
use keras_serial::saving::{FileEditor, H5Group, H5Reader, Inspection, Limits, ModelFile, ZipReader, ZipWriter, scan};
use keras_serial::training::data::{DataForm, ReadArrays};

use super::{Numbers, mutate_bytes, mutate_json};

/// A parser, and how its inputs are generated.
pub struct Target {
    /// The name of the parser and of its corpus.
    pub name: &'static str,
    /// Generates an input from one in the corpus.
    pub mutate: fn(&mut Numbers, &[u8]) -> Vec<u8>,
    /// Runs the parser. An error is a valid result; a panic is not.
    pub run: fn(&[u8]),
}

/// All parsers.
pub const TARGETS: &[Target] = &[
    Target { name: "json", mutate: mutate_bytes, run: json },
    Target { name: "zip", mutate: mutate_bytes, run: zip },
    Target { name: "hdf5", mutate: mutate_bytes, run: hdf5 },
    Target { name: "keras", mutate: mutate_archive, run: load },
    Target { name: "config", mutate: mutate_config, run: load_strictly },
    Target { name: "weights", mutate: mutate_bytes, run: weights },
    Target { name: "editor", mutate: mutate_bytes, run: editor },
    Target { name: "legacy", mutate: mutate_bytes, run: load },
    Target { name: "shards", mutate: mutate_bytes, run: shards },
    Target { name: "safetensors", mutate: mutate_bytes, run: weights },
    Target { name: "data", mutate: mutate_bytes, run: data },
];

fn json(bytes: &[u8]) {
    if let Ok(value) = Value::parse_bytes(bytes, &JsonLimits::default()) {
        let text = value.to_json();
        let again = Value::parse(&text).expect("what is written is read");
        assert_eq!(again.to_json(), text);
    }
}

fn zip(bytes: &[u8]) {
    if let Ok(archive) = ZipReader::open(bytes.to_vec().into(), &Limits::default()) {
        for member in archive.members() {
            let _ = archive.read(&member.name);
        }
    }
}

fn hdf5(bytes: &[u8]) {
    if let Ok(file) = H5Reader::open(bytes.to_vec().into(), &Limits::default()) {
        read_all(file.root());
    }
}

fn read_all(group: &H5Group) {
    for dataset in group.datasets.values() {
        let _ = dataset.read();
        let _ = dataset.read_strings();
    }
    group.groups.values().for_each(read_all);
}

/// Loads files of any format as models, not strictly, so that as much as possible is used.
fn load(bytes: &[u8]) {
    match ModelFile::from_bytes(bytes.to_vec(), &Limits::default()) {
        Ok(file) if file.config().is_some() => {
            Inspection::of(&file);
            let _ = LoadOptions::new().strict(false).load_model_file(&file);
        }
        Ok(file) => {
            let _ = LoadOptions::new().strict(false).load_weights_file(&small(), &file);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Loads a file as users do: strictly.
fn load_strictly(bytes: &[u8]) {
    if let Err(error) = LoadOptions::new().load_model_from_bytes(bytes.to_vec()) {
        assert!(!error.path().is_empty(), "the error names no place: {error}");
    }
}

fn weights(bytes: &[u8]) {
    if let Ok(file) = ModelFile::from_bytes(bytes.to_vec(), &Limits::default()) {
        let _ = LoadOptions::new().strict(false).load_weights_file(&small(), &file);
    }
}

/// Reads data files; their first bytes tell the format.
fn data(bytes: &[u8]) {
    let form = match bytes {
        [0x93, ..] => DataForm::Npy,
        [b'P', b'K', ..] => DataForm::Npz,
        [b'P', b'A', ..] => DataForm::Parquet,
        _ => DataForm::Csv,
    };
    for dtype in [DType::Float32, DType::String] {
        let _ = ReadArrays::new().dtype(dtype).read_bytes(form, bytes.to_vec());
    }
}

fn editor(bytes: &[u8]) {
    let Ok(mut editor) = ModelFile::from_bytes(bytes.to_vec(), &Limits::default()).and_then(FileEditor::of) else {
        return;
    };
    editor.summary();
    let _ = editor.compare(&small());
    let _ = editor.rename_object("layers/dense", "renamed");
    let _ = editor.delete_object("layers/dense_1");
    let _ = editor.delete_weight("renamed", "0");
    let _ = editor.save(scratch().join("edited.weights.h5"));
}

/// Reads an index; the shard beside it is sound.
fn shards(bytes: &[u8]) {
    let index = scratch().join("model.weights.json");
    std::fs::write(&index, bytes).expect("the scratch folder can be written");
    scan(&index, &Limits::default());
    let _ = LoadOptions::new().strict(false).load_weights(&small(), &index);
}

/// Returns this process's folder, with a shard.
fn scratch() -> &'static Path {
    use std::sync::OnceLock;
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made").keep();
        small().save_weights(folder.join("model_00000.weights.h5")).expect("weights are saved");
        folder
    })
}

/// Returns the model of the fixtures, with two dense layers; the same one for all executions.
fn small() -> Model {
    thread_local! {
        static MODEL: Model = make();
    }
    MODEL.with(Model::clone)
}

fn make() -> Model {
    let inputs = Input::new([4]).name("in").tensor().expect("a sound input");
    let x = Dense::new(3).activation("relu").name("first").apply(&inputs).expect("a sound layer");
    let y = Dense::new(2).name("second").apply(&x).expect("a sound layer");
    Functional::named("small", inputs, y).expect("a sound model")
}

/// Mutates a member and rewrites the archive, so that its checksums hold; or mutates the bytes.
fn mutate_archive(numbers: &mut Numbers, bytes: &[u8]) -> Vec<u8> {
    let member = match numbers.below(4) {
        0 => return mutate_bytes(numbers, bytes),
        1 => "model.weights.h5",
        _ => "config.json",
    };
    replace_member(bytes, member, |data| mutate_bytes(numbers, data)).unwrap_or_else(|| bytes.to_vec())
}

fn mutate_config(numbers: &mut Numbers, bytes: &[u8]) -> Vec<u8> {
    let change = |data: &[u8]| match Value::parse_bytes(data, &JsonLimits::default()) {
        Ok(config) => mutate_json(numbers, &config).to_json().into_bytes(),
        Err(_) => data.to_vec(),
    };
    replace_member(bytes, "config.json", change).unwrap_or_else(|| bytes.to_vec())
}

/// Returns the archive with another text in one of its members; `None` if it can't be read.
pub fn replace_member(archive: &[u8], name: &str, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let archive = ZipReader::open(archive.to_vec().into(), &Limits::default()).ok()?;
    let mut change = Some(change);
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for member in archive.members() {
        let data = archive.read(&member.name).ok()?;
        match change.take_if(|_| member.name == name) {
            Some(change) => out.add(&member.name, &change(&data)).ok()?,
            None => out.add(&member.name, &data).ok()?,
        }
    }
    Some(out.finish().ok()?.into_inner())
}
