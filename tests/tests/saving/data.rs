//! NumPy arrays and safetensors as data. `fixtures/data/make.py` creates the files.

use std::path::PathBuf;

use keras_serial::ErrorKind;
use keras_serial::prelude::*;
use keras_serial::saving::{Limits, ZipWriter};
use keras_serial::training::data::{Arrays, DataForm, ReadArrays};

pub fn data_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/data").join(name)
}

pub fn read(name: &str) -> Result<Arrays> {
    ReadArrays::new().read(data_file(name))
}

/// Returns the elements as `f64`.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    ops::multiply(tensor, Tensor::scalar(1.0f64).unwrap()).unwrap().to_vec().unwrap()
}

/// A truncated file is an error, and no flipped bit makes the reader panic.
pub fn cut_and_flipped(form: DataForm, file: &[u8]) {
    let read = |bytes: &[u8]| ReadArrays::new().read_bytes(form, bytes.to_vec());
    read(file).unwrap();
    for end in 0..file.len() {
        let error = read(&file[..end]).expect_err("a part of a file is no file");
        assert!(!error.to_string().is_empty());
    }
    let mut file = file.to_vec();
    for bit in 0..file.len() * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        if let Ok(arrays) = read(&file) {
            assert!(arrays.iter().all(|(_, tensor)| tensor.dtype() == DType::String || tensor.to_bytes().is_ok()));
        }
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Returns a `.npy` file with this header.
fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(elements);
    file
}

fn refused(file: Vec<u8>) -> Error {
    ReadArrays::new().read_bytes(DataForm::Npy, file).unwrap_err()
}

#[test]
fn all_types_and_orders_of_numpy_are_read() {
    let arrays = read("arrays.npz").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (name, tensor) in arrays.iter() {
        let Some((dtype, _)) = name.split_once("_little").or(name.split_once("_big")).filter(|_| !name.contains("uni"))
        else {
            continue;
        };
        assert_eq!(tensor.dtype().name(), dtype, "{name}");
        assert_eq!(tensor.shape().to_string(), "(2, 3)", "{name}");
        let expected = if dtype == "bool" { [0., 1., 1., 1., 1., 1.] } else { [0., 1., 2., 3., 4., 5.] };
        assert_eq!(numbers(tensor), expected, "{name}");
        seen.insert(name.to_owned());
    }
    assert_eq!(seen.len(), 48);
    assert_eq!(arrays.names().next(), Some("bool_little"));
    let scalar = arrays.get("scalar").unwrap();
    assert_eq!((scalar.rank(), scalar.item::<f32>().unwrap()), (0, 7.0));
    assert_eq!(arrays.get("empty").unwrap().shape().to_string(), "(0, 3)");
    let expected: Vec<i16> = (0..24).collect();
    assert_eq!(arrays.get("cube").unwrap().to_vec::<i16>().unwrap(), expected);
}

#[test]
fn texts_of_numpy_are_tensors_of_strings() {
    let arrays = read("arrays.npz").unwrap();
    assert_eq!(arrays.get("unicode").unwrap().strings().unwrap(), ["größer", "", "日本", "a b"]);
    assert_eq!(arrays.get("unicode").unwrap().shape().to_string(), "(2, 2)");
    assert_eq!(arrays.get("unicode_big").unwrap().strings().unwrap(), ["größer", "x"]);
    assert_eq!(arrays.get("bytes").unwrap().strings().unwrap(), ["one", "", "three"]);
    assert!(refused(npy("'<U1'", "(1,)", &[0, 0, 0x11, 0])).to_string().contains("element 0: not a text"));
    assert!(refused(npy("'|S1'", "(1,)", &[0xff])).to_string().contains("element 0: not a text"));
}

#[test]
fn all_versions_of_the_format_are_read() {
    for version in 1..=3 {
        let arrays = read(&format!("version{version}.npy")).unwrap();
        assert_eq!(numbers(arrays.single().unwrap()), [0., 1., 2., 3., 4., 5.]);
        assert_eq!(arrays.names().collect::<Vec<_>>(), ["arr_0"]);
    }
    let mut file = npy("'<f4'", "()", &[0; 4]);
    file[6] = 4;
    assert!(refused(file).to_string().contains("1.0, 2.0 or 3.0"));
}

#[test]
fn packed_archives_and_safetensors_hold_the_same() {
    for name in ["small.npz", "arrays.safetensors"] {
        let arrays = read(name).unwrap();
        assert_eq!(numbers(arrays.get("x").unwrap()), [0., 1., 2., 3., 4., 5.]);
        assert_eq!(arrays.get("y").unwrap().to_vec::<i64>().unwrap(), [0, 1]);
        let error = arrays.get("z").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains("Expected `"), "{error}");
        assert_eq!(arrays.single().unwrap_err().kind(), ErrorKind::Data);
    }
    let flags = read("arrays.safetensors").unwrap().get("inner/flag").unwrap().to_vec::<bool>().unwrap();
    assert_eq!(flags, [false, true, true, true, true, true]);
}

#[test]
fn only_what_is_asked_for_is_read() {
    // The other arrays of the archive could not be read.
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add("good.npy", &npy("'|u1'", "(2,)", &[7, 8])).unwrap();
    writer.add("bad.npy", b"no array").unwrap();
    let file = writer.finish().unwrap().into_inner();
    let read = |options: ReadArrays| options.read_bytes(DataForm::Npz, file.clone());
    for options in [ReadArrays::new().only(["good"]), ReadArrays::new().only(..1), ReadArrays::new().only(0..=0)] {
        assert_eq!(read(options).unwrap().single().unwrap().to_vec::<u8>().unwrap(), [7, 8]);
    }
    assert_eq!(read(ReadArrays::new()).unwrap_err().path(), "bad");
    let error = read(ReadArrays::new().only(["goood"])).unwrap_err();
    assert!(error.to_string().contains("did you mean `good`?"), "{error}");
    let error = read(ReadArrays::new().only(1..3)).unwrap_err();
    assert!(error.to_string().contains("a part of 0..2. Received: 1..3"), "{error}");
    let options = ReadArrays::new().only(["y"]);
    assert_eq!(options.read(data_file("arrays.safetensors")).unwrap().names().collect::<Vec<_>>(), ["y"]);
}

#[test]
fn code_and_foreign_types_are_refused() {
    for name in ["objects.npy", "objects.npz"] {
        let error = read(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CodeRefused);
        assert!(error.to_string().contains("pickled objects are not read") && error.path().contains(name), "{error}");
    }
    assert_eq!(refused(b"\x80\x04pickle".to_vec()).kind(), ErrorKind::CodeRefused);
    for name in ["records.npy", "complex.npy", "dates.npy"] {
        let error = read(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    for descr in ["'<f16'", "'<V2'", "'<b2'", "'<U0'", "'|S0'"] {
        assert_eq!(refused(npy(descr, "(0,)", &[])).kind(), ErrorKind::Unsupported, "{descr}");
    }
    for descr in ["'f4'", "'=f4'", "'|f4'", "'<f+4'", "'<f'", "''"] {
        assert_eq!(refused(npy(descr, "(0,)", &[])).kind(), ErrorKind::Data, "{descr}");
    }
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let huge = "(0, 9223372036854775807, 9223372036854775807)";
    for (descr, shape) in [("'<f4'", "(9223372036854775807, 8)"), ("'<f4'", huge), ("'|S1'", "(999999999999999999,)")] {
        assert_eq!(refused(npy(descr, shape, &[])).kind(), ErrorKind::Limit, "{shape}");
    }
    for descr in ["'<U9223372036854775807'", "'|S18446744073709551615'"] {
        assert_eq!(refused(npy(descr, "(1,)", &[])).kind(), ErrorKind::Limit, "{descr}");
    }
    let deep = Tensor::from_slice(&[7u8], vec![1; 64]).unwrap();
    let read =
        ReadArrays::new().read_bytes(DataForm::Npy, npy("'|u1'", &format!("({})", "1,".repeat(64)), &[7])).unwrap();
    assert_eq!(read.single().unwrap().shape(), deep.shape());
    let limits = Limits::default().with_max_dataset_bytes(23);
    for name in ["version1.npy", "small.npz", "arrays.safetensors"] {
        let error = ReadArrays::new().limits(limits.clone()).read(data_file(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{name}: {error}");
    }
    let limits = Limits::default().with_max_config_bytes(10);
    let error = ReadArrays::new().limits(limits).read(data_file("version2.npy")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    // A header of 4 GiB, in a file of some bytes.
    let error = refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec());
    assert_eq!(error.kind(), ErrorKind::Limit);
    let bytes = refused(npy("'<i2'", "(2,)", &[0; 6])).to_string();
    assert!(bytes.contains("bytes follow the array. Expected 4 bytes of elements. Received: 6 bytes"), "{bytes}");
}

#[test]
fn broken_files_are_errors() {
    for (form, name) in
        [(DataForm::Npy, "version1.npy"), (DataForm::Npz, "small.npz"), (DataForm::Safetensors, "arrays.safetensors")]
    {
        cut_and_flipped(form, &std::fs::read(data_file(name)).unwrap());
    }
}

#[test]
fn members_that_are_no_arrays_are_named() {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add("notes.txt", b"text").unwrap();
    let error = ReadArrays::new().read_bytes(DataForm::Npz, writer.finish().unwrap().into_inner()).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (ErrorKind::Data, "notes.txt"));
    let error = ReadArrays::new().read("data.txt").unwrap_err();
    assert!(error.to_string().contains(".npy, .npz, .safetensors, .csv, .parquet"), "{error}");
    assert_eq!(ReadArrays::new().read("none.npz").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn what_is_read_is_trained_on() {
    let data = read("small.npz").unwrap();
    let model = Sequential::new([Input::new([3]).layer(), Dense::new(2).activation("softmax").into()]).unwrap();
    model.compile(Compile::new("sgd", "sparse_categorical_crossentropy")).unwrap();
    let (x, y) = (data.get("x").unwrap(), data.get("y").unwrap());
    let history = model.fit((x, y), Fit::new().epochs(2).verbose(0)).unwrap();
    assert!(history.history["loss"].iter().all(|loss| loss.is_finite()));
}

#[test]
fn columns_are_joined_to_a_matrix() {
    let column = |numbers: &[f32]| Tensor::from_slice(numbers, [numbers.len()]).unwrap();
    let names = ["a", "b", "short"].map(str::to_owned);
    let columns = [column(&[1.0, 2.0]), column(&[3.0, 4.0]), column(&[5.0])];
    let arrays: Arrays = names.into_iter().zip(columns).collect();
    let matrix = arrays.matrix(["b", "a"]).unwrap();
    assert_eq!(matrix.shape().to_string(), "(2, 2)");
    assert_eq!(numbers(&matrix), [3.0, 1.0, 4.0, 2.0]);
    assert_eq!(numbers(&arrays.matrix(..2).unwrap()), [1.0, 3.0, 2.0, 4.0]);
    let error = arrays.matrix(..).unwrap_err();
    assert!(error.to_string().starts_with("column `short`: column does not fit the others"), "{error}");
    assert_eq!(arrays.matrix(0..0).unwrap_err().kind(), ErrorKind::Data);
}
