//! The tools for files, in a build without the engine:
//! `cargo test -p keras-serial --no-default-features --features files --test files`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};

use keras_serial::files::{
    Change, Code, DType, FileEditor, H5Reader, Limits, ModelFile, NpyArray, StoredTensor, TensorBytes, WeightTree,
    WriteOptions, convert, diff, inspect, scan, scan_weights,
};

/// The folder of files that Keras has saved.
fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(folder)
}

fn model() -> PathBuf {
    fixtures("saving/small.keras")
}

fn open(path: &Path) -> ModelFile {
    ModelFile::open(path, &Limits::default()).unwrap()
}

/// Returns the elements of all weights by path.
fn weights(path: &Path) -> Vec<(String, TensorBytes)> {
    let file = open(path);
    let tree = file.weights().unwrap();
    let mut paths = tree.paths();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), tree.tensor(&path).unwrap().read().unwrap())).collect()
}

fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (weights(a), weights(b));
    assert_eq!(a.len(), b.len());
    for ((path, one), (other_path, other)) in a.iter().zip(&b) {
        assert_eq!(path, other_path);
        assert!(one == other, "{path} differs");
    }
}

#[test]
fn contents_are_listed() {
    let contents = inspect(model(), &Limits::default()).unwrap();
    assert_eq!(contents.weights.len(), 14);
    assert_eq!(contents.keras_version.as_deref(), Some("3.15.1"));
    assert!(contents.layers.iter().any(|layer| layer.class == "keras.layers.Dense"), "{contents}");
    assert!(contents.to_json().unwrap().contains("\"form\": \"keras\""));
}

#[test]
fn sound_files_of_keras_have_no_warnings() {
    for folder in ["saving", "found", "keras2"] {
        for entry in std::fs::read_dir(fixtures(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_model = [".keras", ".h5"].iter().any(|end| name.ends_with(end));
            // The others were made to be refused.
            let is_sound = folder != "saving" || name.starts_with("small") || name.starts_with("nested");
            if !is_model || !is_sound {
                continue;
            }
            let report = scan_weights(&path, &Limits::default());
            let custom = |code| matches!(code, Code::KS204 | Code::KS302 | Code::KS206 | Code::KS301);
            assert!(report.findings.iter().all(|finding| custom(finding.code)), "{name}: {report}");
        }
    }
}

#[test]
fn harm_is_found() {
    let codes = |name: &str| {
        let report = scan(fixtures("saving").join(name), &Limits::default());
        report.findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("bomb_config.keras"), [Code::KS102]);
    assert_eq!(codes("external_link.weights.h5"), [Code::KS103]);
    assert_eq!(codes("virtual.weights.h5"), [Code::KS103]);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.json");
    let text = open(&model()).config().unwrap().to_json();
    let text = text.replacen("\"class_name\": \"Dense\"", "\"class_name\": \"Lambda\"", 1);
    std::fs::write(&path, text.replacen("\"class_name\": \"Dense\"", "\"class_name\": \"NoSuchLayer\"", 1)).unwrap();
    let report = scan(&path, &Limits::default());
    let codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&Code::KS201) && codes.contains(&Code::KS205), "{report}");
}

#[test]
fn differences_are_found() {
    let home = tempfile::tempdir().unwrap();
    let edited = home.path().join("edited.keras");
    let file = open(&model());
    assert!(diff(&file, &file, 0.0, 0.0).unwrap().is_empty());
    let path = file.weights().unwrap().paths().into_iter().find(|path| path.starts_with("layers/")).unwrap();
    let (object, weight) = path.rsplit_once("/vars/").unwrap();
    let old = file.weights().unwrap().tensor(&path).unwrap().read().unwrap();
    let zeros = TensorBytes { data: vec![0; old.data.len()].into(), ..old };
    let mut editor = FileEditor::of(file.clone()).unwrap();
    editor.add_weights(object, [(weight, zeros)]).unwrap();
    editor.save(&edited).unwrap();
    let difference = diff(&file, &open(&edited), 0.0, 0.0).unwrap();
    let [change] = difference.weights.as_slice() else { panic!("{difference}") };
    assert!(
        change.path == path && matches!(change.change, Change::Values { max_abs } if max_abs > 0.0),
        "{difference}"
    );
}

#[test]
fn objects_are_renamed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("renamed.keras");
    let mut editor = FileEditor::open(model()).unwrap();
    let name = inspect(model(), &Limits::default()).unwrap();
    let dense = name.layers.iter().find(|layer| layer.class == "keras.layers.Dense").unwrap();
    let old = dense.path.rsplit('/').next().unwrap();
    editor.rename_object(old, "renamed").unwrap();
    editor.save(&path).unwrap();
    let contents = inspect(&path, &Limits::default()).unwrap();
    assert!(contents.layers.iter().any(|layer| layer.path.ends_with("/renamed")), "{contents}");
    assert_same(&model(), &path);
}

#[test]
fn formats_are_converted_there_and_back() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (limits, options) = (Limits::default(), WriteOptions::new());
    let directory = WriteOptions::new().zipped(false);
    convert(model(), at("a.weights.h5"), &limits, &options).unwrap();
    // Split into shards, merged again, and through safetensors.
    let largest = inspect(model(), &limits).unwrap().weights.iter().map(|weight| weight.bytes).max().unwrap();
    let small = WriteOptions::new().max_shard_size(largest as f64 / f64::from(1 << 30));
    convert(at("a.weights.h5"), at("b.weights.json"), &limits, &small).unwrap();
    let shards = std::fs::read_dir(home.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("b_"));
    assert!(shards.count() > 1);
    convert(at("b.weights.json"), at("c.safetensors"), &limits, &options).unwrap();
    convert(at("c.safetensors"), at("d.weights.h5"), &limits, &options).unwrap();
    convert(model(), at("e"), &limits, &directory).unwrap();
    convert(at("e"), at("f.keras"), &limits, &options).unwrap();
    for name in ["a.weights.h5", "b.weights.json", "c.safetensors", "d.weights.h5", "e", "f.keras"] {
        assert_same(&model(), &at(name));
    }
    convert(at("f.keras"), at("g.json"), &limits, &options).unwrap();
    assert_eq!(open(&at("g.json")).config(), open(&model()).config());
    let error = convert(model(), at("h.h5"), &limits, &options).unwrap_err();
    assert!(error.to_string().contains("only the model can tell"), "{error}");
    assert!(!at("h.h5").exists());
}

#[test]
fn legacy_files_are_upgraded_without_their_classes() {
    let file = open(&fixtures("keras2/compiled_dict_h5.h5"));
    let optimizer = file.config().unwrap().get("compile_config").and_then(|compile| compile.get("optimizer")).unwrap();
    assert_eq!(optimizer.get("module").and_then(|module| module.as_str()), Some("keras.optimizers"));
    // Keras 3 writes operations in legacy files without their modules.
    let contents = inspect(fixtures("found/legacy_operations.h5"), &Limits::default()).unwrap();
    assert!(contents.layers.iter().any(|layer| layer.class.starts_with("keras.ops.")), "{contents}");
}

#[test]
fn arrays_are_read() {
    let home = tempfile::tempdir().unwrap();
    let mut tree = WeightTree::default();
    tree.insert("vars/0", TensorBytes { dtype: DType::BFloat16, shape: vec![1, 2], data: vec![1, 2, 3, 4].into() })
        .unwrap();
    let path = home.path().join("w.weights.h5");
    tree.save(&path).unwrap();
    assert_eq!(weights(&path)[0].1, tree.tensor("vars/0").unwrap().read().unwrap());
    let error = NpyArray::from_bytes(vec![0x80, 4], &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), keras_serial::ErrorKind::CodeRefused);
}

#[test]
fn an_error_of_a_weight_names_its_path_once() {
    let home = tempfile::tempdir().unwrap();
    let mut tree = WeightTree::default();
    let short = TensorBytes { dtype: DType::Float32, shape: vec![2, 3], data: vec![0; 8].into() };
    tree.insert("layers/dense/vars/0", short).unwrap();
    let path = home.path().join("a.weights.h5");
    let error = tree.save(&path).unwrap_err();
    assert_eq!(error.path(), format!("{}/layers/dense/vars/0", path.display()));
    // What can't be read from another file has its path there.
    let dtypes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/files/testdata/dtypes.h5")).unwrap();
    let dtypes = H5Reader::open(dtypes.into(), &Limits::default()).unwrap();
    let complex = dtypes.root().dataset("complex").unwrap().clone();
    let mut tree = WeightTree::default();
    tree.insert("layers/dense/vars/0", StoredTensor::Hdf5(complex)).unwrap();
    assert_eq!(tree.save(&path).unwrap_err().path(), format!("{}/complex", path.display()));
    // A name that HDF5 does not take.
    let mut tree = WeightTree::default();
    let one = TensorBytes { dtype: DType::UInt8, shape: vec![1], data: vec![0].into() };
    tree.make_group("layers/dense").unwrap().tensors.insert("..".to_owned(), one.into());
    assert_eq!(tree.save(&path).unwrap_err().path(), format!("{}/layers/dense/..", path.display()));
}
