//! Tests with fixtures made by `testdata/make.py`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::array::{DType, TensorBytes};
use crate::error::Result;
use crate::files::Limits;

macro_rules! fixture {
    ($name:literal) => {
        Bytes::from_static(include_bytes!(concat!("../testdata/", $name)))
    };
}

fn open(file: Bytes) -> Result<H5Group> {
    H5Reader::open(file, &Limits::default()).map(H5Reader::into_root)
}

fn read_all(group: &H5Group) -> Result<()> {
    for dataset in group.datasets.values() {
        let read = dataset.dtype().and_then(|dtype| match dtype {
            DType::String => dataset.read_strings().map(drop),
            _ => dataset.read().map(drop),
        });
        read?;
    }
    group.groups.values().try_for_each(read_all)
}

fn floats(tensor: &TensorBytes) -> Vec<f32> {
    tensor.data.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn types_are_those_of_numpy() {
    let file = fixture!("dtypes.h5");
    let root = open(file.clone()).unwrap();
    for dtype in DType::ALL.iter().filter(|dtype| !matches!(dtype, DType::String | DType::BFloat16)) {
        let tensor = root.datasets[dtype.name()].read().unwrap();
        assert_eq!((tensor.dtype, tensor.shape.as_slice()), (*dtype, &[2, 2][..]));
        assert_eq!(tensor.data.len(), 4 * dtype.size());
        // A slice of the file, not a copy.
        assert!(file.as_ptr_range().contains(&tensor.data.as_ptr()), "{dtype}");
    }
    assert_eq!(root.datasets["bool"].read().unwrap().data.as_ref(), [0, 1, 1, 1]);
    assert_eq!(root.datasets["int16"].read().unwrap().data.as_ref(), [0, 0, 1, 0, 2, 0, 3, 0]);
    // np.array([1, -2], ml_dtypes.bfloat16).view("uint16") == [0x3F80, 0xC000]
    let half = root.datasets["bfloat16"].read().unwrap();
    assert_eq!((half.dtype, half.data.as_ref()), (DType::BFloat16, &[0x80, 0x3F, 0x00, 0xC0][..]));
    let scalar = root.datasets["scalar"].read().unwrap();
    assert_eq!((floats(&scalar), scalar.shape.len()), (vec![7.0], 0));
    assert_eq!(root.datasets["empty"].read().unwrap().shape, [0, 3]);
    assert_eq!(root.datasets["fixed"].read_strings().unwrap(), ["ab", "c"]);
    assert_eq!(root.datasets["texts"].read_strings().unwrap(), ["ü", "", "xyz"]);
    assert!(root.datasets["texts"].read().is_err() && root.datasets["int8"].read_strings().is_err());
    let error = root.datasets["complex"].read().unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Hdf5, "complex"));
}

#[test]
fn attributes_are_those_of_h5py() {
    let attrs = open(fixture!("dtypes.h5")).unwrap().attrs;
    let list = || H5Attr::StrList(vec!["a".into(), "bc".into()]);
    assert_eq!(attrs["text"], H5Attr::Str("äö".into()));
    assert_eq!(attrs["fixed"], H5Attr::Str("plain".into()));
    assert_eq!((&attrs["list"], &attrs["bytes"]), (&list(), &list()));
    assert_eq!(attrs["none"], H5Attr::StrList(vec![]));
    assert_eq!((&attrs["int"], &attrs["float"]), (&H5Attr::Int(-3), &H5Attr::Float(0.5)));
    assert!(matches!(attrs["complex"], H5Attr::Other(_)));
}

#[test]
fn packed_data_is_unpacked() {
    let root = open(fixture!("packed.h5")).unwrap();
    let ramp: Vec<f32> = (0..64).map(|x| x as f32).collect();
    for name in ["gzip", "lzf", "big"] {
        assert_eq!(floats(&root.datasets[name].read().unwrap()), ramp, "{name}");
    }
    assert_eq!(floats(&root.datasets["compact"].read().unwrap()), [1.0, 2.0]);
    assert_eq!(floats(&root.datasets["unwritten"].read().unwrap()), [4.0, 4.0]);
}

#[test]
fn groups_of_the_newest_format_are_read() {
    let root = open(fixture!("dense.h5")).unwrap();
    assert_eq!(root.group("g").unwrap().attrs["a19"], H5Attr::Int(19));
    assert_eq!(floats(&root.dataset("g/19").unwrap().read().unwrap()), [19.0]);
}

#[test]
fn what_leads_elsewhere_is_refused() {
    for (file, words) in [
        (fixture!("soft_earliest.h5"), "g: link in a group is not followed"),
        (fixture!("soft_latest.h5"), "g: link in a group is not followed"),
        (fixture!("soft_dense.h5"), "g: link in a group is not followed"),
        (fixture!("external_earliest.h5"), "an external link"),
        (fixture!("external_latest.h5"), "an external link"),
        (fixture!("cycle.h5"), "a/b/loop: group holds itself"),
        (fixture!("storage.h5"), "external files"),
        (fixture!("virtual.h5"), "x: virtual dataset"),
    ] {
        let error = open(file).and_then(|root| read_all(&root)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hdf5);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    for file in [fixture!("bomb_unwritten.h5"), fixture!("bomb_chunk.h5")] {
        let error = open(file).and_then(|root| read_all(&root)).unwrap_err();
        assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Limit, "x"), "{error}");
    }
    // 16 MiB of zeros from 17 KiB: above the ratio, but below the default floor; refused with a lower
    // floor.
    read_all(&open(fixture!("bomb_gzip.h5")).unwrap()).unwrap();
    let limits = Limits::default().with_ratio_floor(1 << 20);
    assert_eq!(H5Reader::open(fixture!("bomb_gzip.h5"), &limits).unwrap_err().kind(), ErrorKind::Limit);
}

/// The library would allocate 4 GiB.
#[test]
fn chunks_that_lie_about_their_size_are_refused() {
    let mut file = fixture!("packed.h5").to_vec();
    let node = file.windows(5).position(|bytes| bytes == b"TREE\x01").unwrap();
    file[node + 24..node + 28].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = open(file.into()).and_then(|root| read_all(&root)).unwrap_err();
    assert!(error.to_string().contains("chunk of the dataset is cut short"), "{error}");
}

#[test]
fn limits_hold() {
    let refused = |file, limits: Limits| H5Reader::open(file, &limits).unwrap_err().kind() == ErrorKind::Limit;
    assert!(refused(fixture!("deep.h5"), Limits::default().with_max_depth(9)));
    assert!(refused(fixture!("deep.h5"), Limits::default().with_max_groups(10)));
    assert!(refused(fixture!("deep.h5"), Limits::default().with_max_path_bytes(18)));
    assert!(refused(fixture!("dense.h5"), Limits::default().with_max_datasets(19)));
    assert!(refused(fixture!("dense.h5"), Limits::default().with_max_total_bytes(79)));
    assert!(refused(fixture!("dense.h5"), Limits::default().with_max_dataset_bytes(3)));
    let fits = Limits::default().with_max_depth(10).with_max_groups(11).with_max_path_bytes(19);
    H5Reader::open(fixture!("deep.h5"), &fits).unwrap();
}

/// Broken files give errors or other data, never a panic.
#[test]
fn broken_files_do_no_harm() {
    let files = [
        fixture!("dtypes.h5"),
        fixture!("packed.h5"),
        fixture!("dense.h5"),
        fixture!("soft_dense.h5"),
        fixture!("cycle.h5"),
        fixture!("external_earliest.h5"),
    ];
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for file in files {
        for length in (0..file.len()).step_by(131) {
            assert!(open(file.slice(..length)).is_err(), "{length}");
        }
        for _ in 0..300 {
            let mut broken = file.to_vec();
            for _ in 0..=random(3) {
                let place = random(broken.len());
                broken[place] ^= 1 << random(8);
            }
            let _ = open(broken.into()).and_then(|root| read_all(&root));
        }
    }
}

#[test]
fn what_is_written_is_read() {
    let mut root = H5Builder::new();
    let mut written = BTreeMap::new();
    for dtype in DType::ALL.iter().filter(|dtype| **dtype != DType::String) {
        for (name, shape) in [("scalar", vec![]), ("empty", vec![0, 3]), ("matrix", vec![2, 3])] {
            let size = shape.iter().product::<usize>() * dtype.size();
            let data: Vec<u8> = (0..size).map(|byte| byte as u8).collect();
            let tensor = TensorBytes { dtype: *dtype, shape, data: data.into() };
            root.group(&format!("{dtype}/vars")).unwrap().dataset(name, tensor.clone()).unwrap();
            written.insert(format!("{dtype}/vars/{name}"), tensor);
        }
    }
    root.group("layers/void/vars").unwrap().attr("name", H5Attr::Str("größe".into()));
    root.attr("list", H5Attr::StrList(vec!["a".into(), String::new()])).attr("none", H5Attr::StrList(vec![]));
    root.attr("long", H5Attr::Str("x".repeat(100_000))).attr("int", H5Attr::Int(-1)).attr("float", H5Attr::Float(0.1));
    for number in 0..1000 {
        root.group(&format!("many/{number}/vars")).unwrap();
    }
    let attrs = root.attrs.clone();
    let mut file = Vec::new();
    root.clone().write(&mut file).unwrap();
    let mut again = Vec::new();
    root.write(&mut again).unwrap();
    assert!(file == again, "equal trees make equal files");

    let read = open(file.into()).unwrap();
    for (path, tensor) in written {
        assert_eq!(read.dataset(&path).unwrap().read().unwrap(), tensor, "{path}");
    }
    assert_eq!(read.attrs, attrs);
    assert_eq!(read.group("layers/void/vars").unwrap().attrs["name"].as_str(), Some("größe"));
    assert_eq!(read.groups["many"].groups.len(), 1000);
}

#[test]
fn what_does_not_fit_is_not_written() {
    let tensor = |size: usize| TensorBytes { dtype: DType::Float32, shape: vec![2], data: vec![0; size].into() };
    let mut root = H5Builder::new();
    assert!(root.dataset("0", tensor(7)).is_err());
    for name in ["", ".", "..", "a/b", "a\0b"] {
        assert!(root.dataset(name, tensor(8)).is_err(), "{name:?}");
    }
    root.dataset("0", tensor(8)).unwrap();
    assert!(root.dataset("0", tensor(8)).is_err());
    assert!(root.group("0/vars").is_err() && root.group("a/../b").is_err());
    root.attr("x", H5Attr::Other("complex".into()));
    assert_eq!(root.write(Vec::new()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn readers_go_between_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<H5Reader>();
    is_send_and_sync::<H5Builder>();
    is_send_and_sync::<crate::files::ZipReader>();
}
