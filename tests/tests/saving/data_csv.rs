//! CSV tables. `fixtures/data/make.py` creates the files.

use keras_serial::ErrorKind;
use keras_serial::prelude::*;
use keras_serial::saving::Limits;
use keras_serial::training::data::{Arrays, DataForm, ReadArrays};

use super::data::{data_file, numbers, read};

fn parse(options: &ReadArrays, text: &str) -> Result<Arrays> {
    options.read_bytes(DataForm::Csv, text.as_bytes().to_vec())
}

#[test]
fn tables_of_pandas_are_read() {
    let options = ReadArrays::new()
        .column_dtype("species", DType::String)
        .column_dtype("flag", DType::Bool)
        .column_dtype("count", DType::Int64);
    let table = options.read(data_file("table.csv")).unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["width", "height", "count", "flag", "species"]);
    assert_eq!(table.get("width").unwrap().to_vec::<f32>().unwrap(), [0.5, 1.5, -2.25, 0.001, 7.0]);
    assert_eq!(table.get("count").unwrap().to_vec::<i64>().unwrap(), [3, 1, 4, 1, 5]);
    assert_eq!(table.get("flag").unwrap().to_vec::<bool>().unwrap(), [true, false, true, true, false]);
    assert_eq!(table.get("species").unwrap().strings().unwrap(), ["a", "b, c", "d \"e\"", "größer", ""]);
    let matrix = table.matrix(["width", "height"]).unwrap();
    assert_eq!(matrix.shape().to_string(), "(5, 2)");
    assert_eq!(numbers(&matrix)[..4], [0.5, 1.0, 1.5, 2.0]);
}

#[test]
fn columns_without_names_have_numbers() {
    let options = ReadArrays::new().header(false).delimiter(b';').only(0..3).dtype(DType::Float64);
    let table = options.read(data_file("no_header.csv")).unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["0", "1", "2"]);
    assert_eq!(table.get("1").unwrap().to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn only_the_columns_that_are_asked_for_are_parsed() {
    let table = ReadArrays::new().only(["height", "width"]).read(data_file("table.csv")).unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["height", "width"]);
    let error = ReadArrays::new().only(["hight"]).read(data_file("table.csv")).unwrap_err();
    assert!(error.to_string().contains("did you mean `height`?"), "{error}");
    let error = ReadArrays::new().column_dtype("x", DType::Int8).read(data_file("table.csv")).unwrap_err();
    assert!(error.to_string().contains("column_dtype: no array of this name"), "{error}");
}

#[test]
fn errors_name_row_and_column() {
    let error = read("table.csv").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.path().ends_with("table.csv/row 0 (line 2)/column `flag`"), "{error}");
    let error = ReadArrays::new().only(["width"]).read(data_file("missing.csv")).unwrap_err();
    assert!(error.path().ends_with("row 1 (line 3)/column `width`"), "{error}");
    assert!(error.to_string().contains("fill in what is missing"), "{error}");
    let options = ReadArrays::new().column_dtype("b", DType::String);
    let error = parse(&options, "a,b\n1,\"x\ny\"\n2\n").unwrap_err();
    assert_eq!(error.to_string(), "row 1 (line 4): wrong number of columns. Expected 2. Received: 1");
    let error = parse(&ReadArrays::new().dtype(DType::UInt8), "a\n255\n256\n").unwrap_err();
    assert!(error.to_string().contains("row 1 (line 3)/column `a`: wrong type of a cell. Expected uint8"), "{error}");
    let error = ReadArrays::new().read_bytes(DataForm::Csv, b"a\n\xff\n".to_vec()).unwrap_err();
    assert_eq!(error.path(), "row 0 (line 2)/column `a`");
}

#[test]
fn every_type_is_read() {
    for dtype in DType::ALL.iter().filter(|dtype| **dtype != DType::String) {
        let table = parse(&ReadArrays::new().dtype(*dtype), "a\n1\n 0\n").unwrap();
        assert_eq!(table.single().unwrap().dtype(), *dtype);
        assert_eq!(numbers(table.single().unwrap()), [1.0, 0.0], "{dtype}");
    }
}

#[test]
fn odd_tables_are_told_apart() {
    assert!(parse(&ReadArrays::new(), "").unwrap_err().to_string().contains("the table is empty"));
    let error = parse(&ReadArrays::new(), "1,1\n2,3\n").unwrap_err();
    assert!(error.to_string().contains("`header(false)`"), "{error}");
    assert_eq!(parse(&ReadArrays::new(), "a,b\n").unwrap().get("a").unwrap().shape().to_string(), "(0,)");
    // A mark of the order of bytes, as spreadsheets write it, and the ends of their lines.
    let table = parse(&ReadArrays::new(), "\u{feff}a,b\r\n1,2\r\n").unwrap();
    assert_eq!(numbers(table.get("a").unwrap()), [1.0]);
}

#[test]
fn tables_beyond_the_limits_are_refused() {
    let file = std::fs::read_to_string(data_file("no_header.csv")).unwrap();
    let options = ReadArrays::new().header(false).delimiter(b';').dtype(DType::String);
    for limits in [
        Limits::default().with_max_total_bytes(file.len() as u64 - 1),
        Limits::default().with_max_total_bytes(file.len() as u64),
        Limits::default().with_max_datasets(3),
    ] {
        assert_eq!(parse(&options.clone().limits(limits), &file).unwrap_err().kind(), ErrorKind::Limit);
    }
    assert!(parse(&options, &file).is_ok());
}

#[test]
fn no_part_of_a_table_and_no_flipped_bit_makes_a_panic() {
    let file = std::fs::read(data_file("table.csv")).unwrap();
    let options = ReadArrays::new().dtype(DType::String);
    let read = |bytes: &[u8]| options.read_bytes(DataForm::Csv, bytes.to_vec());
    // What is cut within a row lacks columns.
    let error = read(&file[..file.len() - "7.0,5.0,5,False,\n".len() + 4]).unwrap_err();
    assert!(error.path().starts_with("row 4 "), "{error}");
    let mut changed = file.clone();
    for bit in 0..file.len() * 8 {
        changed[bit / 8] ^= 1 << (bit % 8);
        let told = [read(&changed), read(&file[..bit / 8])]
            .map(|result| result.map_or_else(|e| e.kind(), |_| ErrorKind::Data));
        assert_eq!(told, [ErrorKind::Data; 2]);
        changed[bit / 8] ^= 1 << (bit % 8);
    }
}
