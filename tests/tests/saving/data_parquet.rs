//! Parquet tables. `fixtures/data/make.py` creates the files.

use keras_serial::ErrorKind;
use keras_serial::saving::Limits;
use keras_serial::training::data::{DataForm, ReadArrays};

use super::data::{cut_and_flipped, data_file, numbers, read};

#[test]
fn tables_of_pandas_are_read() {
    // Packed pages with dictionaries in three groups of rows; plain ones of the second version.
    for name in ["table.parquet", "plain.parquet"] {
        let table = read(name).unwrap();
        assert_eq!(table.get("width").unwrap().to_vec::<f32>().unwrap(), [0.5, 1.5, -2.25, 0.001, 7.0]);
        assert_eq!(table.get("height").unwrap().to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(table.get("count").unwrap().to_vec::<i64>().unwrap(), [3, 1, 4, 1, 5]);
        assert_eq!(table.get("flag").unwrap().to_vec::<bool>().unwrap(), [true, false, true, true, false]);
        assert_eq!(table.get("int8").unwrap().to_vec::<i8>().unwrap(), [-3, -2, -1, 0, 1]);
        let first = 1u64 << 63;
        assert_eq!(
            table.get("uint64").unwrap().to_vec::<u64>().unwrap(),
            [first, first + 1, first + 2, first + 3, first + 4]
        );
        for dtype in ["int16", "int32", "uint8", "uint16", "uint32", "float16"] {
            let tensor = table.get(dtype).unwrap();
            assert_eq!(tensor.dtype().name(), dtype);
            assert_eq!(numbers(tensor), [0.0, 1.0, 2.0, 3.0, 4.0], "{name}: {dtype}");
        }
        assert_eq!(table.len(), 12);
    }
}

#[test]
fn columns_are_picked_and_joined() {
    let table = ReadArrays::new().only(["flag", "width"]).read(data_file("table.parquet")).unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["flag", "width"]);
    assert_eq!(table.matrix(["width"]).unwrap().shape().to_string(), "(5, 1)");
    let error = ReadArrays::new().only(["with"]).read(data_file("table.parquet")).unwrap_err();
    assert!(error.to_string().contains("did you mean `width`?"), "{error}");
}

#[test]
fn what_no_tensor_holds_is_refused() {
    let only = |name: &str| ReadArrays::new().only([name]).read(data_file("others.parquet"));
    assert_eq!(numbers(only("x").unwrap().single().unwrap()), [1.0, 2.0]);
    let error = only("null").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.path().ends_with("column `null`/row group 0/row 1"), "{error}");
    for name in ["text", "list.list.element", "struct.a", "date", "time", "decimal", "nothing"] {
        let error = only(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        assert!(error.path().ends_with(&format!("column `{name}`")), "{error}");
    }
    let error = read("zstd.parquet").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("compression=\"snappy\""), "{error}");
}

#[test]
fn broken_files_are_errors() {
    cut_and_flipped(DataForm::Parquet, &std::fs::read(data_file("small.parquet")).unwrap());
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    // Forty million zeros in some kilobytes.
    let error = read("zeros.parquet").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let whole =
        ReadArrays::new().limits(Limits::default().with_max_ratio(1000)).read(data_file("zeros.parquet")).unwrap();
    assert_eq!(whole.single().unwrap().shape().to_string(), "(40000000,)");
    for limits in [
        Limits::default().with_max_dataset_bytes(19),
        Limits::default().with_max_total_bytes(20),
        Limits::default().with_max_config_bytes(100),
        Limits::default().with_max_datasets(1),
    ] {
        let error = ReadArrays::new().limits(limits).read(data_file("small.parquet")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
}

#[test]
fn pages_that_announce_too_much_are_refused() {
    let file = std::fs::read(data_file("small.parquet")).unwrap();
    // The first page: a dictionary of five floats, 20 bytes unpacked and 22 packed, in zigzag form.
    assert_eq!(file[4..10], [0x15, 4, 0x15, 40, 0x15, 44]);
    let (head, rest) = file.split_at(4);
    let huge = [0x15, 4, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 44];
    let file: Vec<u8> = [head, &huge, &rest[6..]].concat();
    let error = ReadArrays::new().only(["width"]).read_bytes(DataForm::Parquet, file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains("bytes of a page"), "{error}");
}
