//! Counterparts of tests in `keras/src/saving/saving_lib_test.py` below the level of models: groups of
//! tensors in files, and members of archives.

use std::io::{Cursor, Write};

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::saving::{H5Reader, Limits, ModelFile, Source, WeightTree, ZipReader, ZipWriter};
use keras_serial::tensor::TensorBytes;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::{fixture, small};

fn floats(shape: [usize; 2]) -> TensorBytes {
    let count = u16::try_from(shape[0] * shape[1]).unwrap();
    let values = (0..count).map(|i| f32::from(i) / 3.0).collect::<Vec<_>>();
    Tensor::from_vec(values, shape).unwrap().to_bytes().unwrap()
}

fn integers(shape: [usize; 2]) -> TensorBytes {
    let count = i32::try_from(shape[0] * shape[1]).unwrap();
    Tensor::from_vec((0..count).collect::<Vec<i32>>(), shape).unwrap().to_bytes().unwrap()
}

fn number(value: i32) -> TensorBytes {
    Tensor::scalar(value).unwrap().to_bytes().unwrap()
}

fn read(tree: &WeightTree, path: &str) -> TensorBytes {
    tree.tensor(path).unwrap().read().unwrap()
}

fn open(path: &std::path::Path) -> WeightTree {
    ModelFile::open(path, &Default::default()).unwrap().weights().unwrap().clone()
}

/// Returns an archive with compressed members.
fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(data).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn test_h5_io_store_basics() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.h5");
    let (a, b) = (floats([2, 4]), integers([4, 8]));
    let mut store = WeightTree::default();
    store.insert("vars/a", a.clone()).unwrap();
    store.insert("vars/b", b.clone()).unwrap();
    store.insert("vars/c", number(42)).unwrap();
    assert_eq!(
        (read(&store, "vars/a"), read(&store, "vars/b"), read(&store, "vars/c")),
        (a.clone(), b.clone(), number(42))
    );
    // Delete.
    let vars = store.group_mut("vars").unwrap();
    assert!(vars.tensors.shift_remove("c").is_some());
    assert!(!vars.tensors.contains_key("c"));
    store.save(&path).unwrap();
    // Get.
    let store = open(&path);
    assert_eq!((read(&store, "vars/a"), read(&store, "vars/b")), (a, b));
    assert!(store.tensor("vars/c").is_none());
    assert_eq!(store.paths(), ["vars/a", "vars/b"]);
}

#[test]
fn test_h5_io_store_lora() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("layer.lora.h5");
    let x = Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.25, 1.0, 3.0, -0.5, 0.75], [1, 8]).unwrap();
    let built = |layer: Dense| {
        let layer = layer.shared();
        layer.build(&[None, Some(8)].into()).unwrap();
        layer
    };
    let weight =
        |layer: &LayerRef, name: &str| layer.weights().into_iter().find(|weight| weight.name() == name).unwrap();
    let layer = built(Dense::new(16).lora_rank(4usize));
    weight(&layer, "lora_kernel_b").assign(&Tensor::from_bytes(&floats([4, 16])).unwrap()).unwrap();
    let expected = layer.apply(&x).unwrap().to_vec::<f32>().unwrap();

    let mut store = WeightTree::default();
    store.insert("lora/vars/rank", number(4)).unwrap();
    for name in ["lora_kernel_a", "lora_kernel_b"] {
        store.insert(&format!("lora/0/vars/{name}"), weight(&layer, name).read().to_bytes().unwrap()).unwrap();
    }
    store.save(&path).unwrap();

    let store = open(&path);
    let tensor = |path: &str| Tensor::from_bytes(&read(&store, path)).unwrap();
    let rank = usize::try_from(tensor("lora/vars/rank").item::<i32>().unwrap()).unwrap();
    let deserialized = built(Dense::new(16).lora_rank(rank));
    for name in ["kernel", "bias"] {
        weight(&deserialized, name).assign(&weight(&layer, name).read()).unwrap();
    }
    assert_ne!(deserialized.apply(&x).unwrap().to_vec::<f32>().unwrap(), expected);
    for name in ["lora_kernel_a", "lora_kernel_b"] {
        weight(&deserialized, name).assign(&tensor(&format!("lora/0/vars/{name}"))).unwrap();
    }
    assert_eq!(deserialized.apply(&x).unwrap().to_vec::<f32>().unwrap(), expected);
}

#[test]
fn test_sharded_h5_io_store_basics() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("sharded_store.weights.json");
    let (a, b) = (floats([100, 100]), integers([100, 100]));
    let size = 50_000.0 / f64::from(1 << 30);
    let mut store = WeightTree::default();
    store.insert("vars/a", a.clone()).unwrap();
    store.insert("vars/b", b.clone()).unwrap();
    store.insert("vars/c", number(42)).unwrap();
    store.save_sharded(&path, size).unwrap();
    let index = Value::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(index.get("weight_map").unwrap().get("/vars").unwrap().as_list().map(<[Value]>::len), Some(2));
    let all = open(&path);
    assert_eq!(all.group("vars").unwrap().tensors.len(), 3);
    assert_eq!((read(&all, "vars/a"), read(&all, "vars/b"), read(&all, "vars/c")), (a.clone(), b.clone(), number(42)));
    // Delete: the last, then one of an older shard, which comes again.
    let mut store = all;
    let vars = store.group_mut("vars").unwrap();
    vars.tensors.shift_remove("c").unwrap();
    vars.tensors.shift_remove("a").unwrap();
    assert_eq!(vars.tensors.len(), 1);
    store.insert("vars/a", a.clone()).unwrap();
    assert!(store.tensor("vars/a").is_some() && store.tensor("vars/c").is_none());
    let path = home.path().join("again.weights.json");
    store.save_sharded(&path, size).unwrap();
    assert!(path.exists() && home.path().join("again_00000.weights.h5").exists());
    // Get.
    let store = open(&path);
    assert_eq!((read(&store, "vars/a"), read(&store, "vars/b")), (a, b));
    let mut keys: Vec<&String> = store.group("vars").unwrap().tensors.keys().collect();
    keys.sort();
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn test_sharded_h5_io_store_exception_raised() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store.weights.json");
    let mut store = WeightTree::default();
    store.insert("vars/weights", floats([100, 100])).unwrap();
    // Another name.
    let error = store.save_sharded(home.path().join("store.h5"), 1.0).unwrap_err();
    assert!(error.to_string().contains(".weights.json"), "{error}");
    // Too large data.
    let error = store.save_sharded(&path, 0.00001).unwrap_err();
    assert!(error.to_string().contains("exceeds the maximum shard size"), "{error}");
    assert!(!path.exists());
    // Bad `get`, bad `del`.
    store.save_sharded(&path, 1.0).unwrap();
    let mut store = open(&path);
    assert!(store.tensor("vars/abc").is_none());
    assert!(store.group_mut("vars").unwrap().tensors.shift_remove("abc").is_none());
    // An index that says more than its shards hold.
    let index = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, index.replace("/vars", "/abc")).unwrap();
    let error = ModelFile::open(&path, &Default::default()).unwrap_err();
    assert!(error.to_string().contains("the shard has no such group"), "{error}");
    assert!(error.path().contains("weight_map//abc"), "{error}");
}

#[test]
fn test_rejects_decompression_bomb() {
    let limits = Limits::default().with_ratio_floor(64).with_max_ratio(10);
    let file = packed(&[("config.json", &[b'A'; 100_000])]);
    assert!(file.len() < 1000);
    let error = ZipReader::open(file.clone().into(), &limits).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Limit, "config.json"), "{error}");
    // It is the ratio: with the floor above it, the member is read.
    let reader = ZipReader::open(file.into(), &Limits::default()).unwrap();
    assert_eq!(reader.read("config.json").unwrap(), vec![b'A'; 100_000]);
    // A member that claims more than is allowed is refused whatever its ratio.
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.add("config.json", b"{}").unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    let error = ZipReader::open(bytes.into(), &Limits::default().with_max_member_bytes(1)).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Limit, "config.json"), "{error}");
    // Under the limits that hold by default.
    let error = load_model(fixture("bomb_weights.keras")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn test_load_model_rejects_extraction_bomb() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("evil.keras");
    let good = SaveOptions::new().save_model_to_bytes(&small()).unwrap();
    let mut archive = zip::ZipWriter::new_append(Cursor::new(good.clone())).unwrap();
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.start_file("assets/bomb.bin", options).unwrap();
    archive.write_all(&[0; 200_000]).unwrap();
    std::fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
    let load = LoadOptions::new().limits(Limits::default().with_ratio_floor(64));
    load.load_model_from_bytes(good).unwrap();
    let error = load.load_model(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.path().ends_with("assets/bomb.bin"), "{error}");
}

#[test]
fn test_rejects_shape_bomb() {
    let path = fixture("shape_bomb.weights.h5");
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
    let bytes = Source::open(&path).unwrap().into_bytes();
    let refused = |limits: Limits| {
        let opened = H5Reader::open(bytes.clone(), &limits);
        let read = opened.and_then(|file| file.root().dataset("layers/dense/vars/0").unwrap().read());
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        error.to_string()
    };
    assert!(refused(Limits::default()).contains("layers/dense/vars/0"));
    // Where anything may be that large, next to nothing still is not enough for it.
    let anything = Limits::default().with_max_dataset_bytes(u64::MAX).with_max_total_bytes(u64::MAX);
    refused(anything);
}

/// A layer that names its file itself.
#[derive(KerasSerializable)]
#[keras(new)]
struct Named {
    base: LayerBase,
    file: String,
}

impl Layer for Named {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Ok(inputs.tensor()?.clone().into())
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for Named {
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        assets.insert(self.file.clone(), "evil");
        Ok(())
    }
}

#[test]
fn test_disk_io_store_rejects_backslash_traversal() {
    let home = tempfile::tempdir().unwrap();
    for bad in ["..\\escape", "a\\..\\..\\escape"] {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        assert_eq!(archive.add(&format!("assets/{bad}"), b"evil").unwrap_err().kind(), ErrorKind::Archive);
        let model = Sequential::new([Input::new([3]).layer(), Named::new(bad).shared()]).unwrap();
        let error = model.save(home.path().join("m.keras")).unwrap_err();
        assert!(error.path().contains(bad), "{error}");
        let error = SaveOptions::new().zipped(false).save_model(&model, home.path().join("m")).unwrap_err();
        assert!(error.path().contains(bad), "{error}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is written");
        // Nor is an archive read that has such a member.
        let evil = packed(&[(&format!("assets/{bad}"), b"evil")]);
        let error = ZipReader::open(evil.into(), &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
    }
}
