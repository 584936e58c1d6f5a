//! `summary`, `objects`, `convert` between all formats, `export` and `predict`: commands that need the engine.

use keras_serial::prelude::*;
use keras_serial::training::data::ReadArrays;

use super::{Home, fixtures, json, keras_serial, run, small, stderr, stdout};

/// Trains a model one step, and saves it.
fn train(from: &str, to: &str) {
    let model = LoadOptions::new().load_model(from).unwrap();
    let x = Tensor::from_vec((0..32).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<_>>(), [8, 4]).unwrap();
    let y = Tensor::from_vec((0..16).map(|i| i as f32 / 3.0).collect::<Vec<_>>(), [8, 2]).unwrap();
    model.fit((&x, &y), Fit::new().batch_size(8).verbose(0)).unwrap();
    model.save(to).unwrap();
}

#[test]
fn summaries_are_those_of_keras() {
    for entry in std::fs::read_dir(fixtures("cases/models")).unwrap() {
        let folder = entry.unwrap().path();
        let expected = std::fs::read_to_string(folder.join("summary.txt")).unwrap();
        let file = folder.join("model.keras").display().to_string();
        // Keras printed these with this width, and cut their lines at 80 characters.
        let table = stdout(&run(&["summary", &file, "--line-length", "100"], 0));
        assert_eq!(table.lines().count(), expected.lines().count(), "{file}");
        for (line, expected) in table.lines().zip(expected.lines()) {
            assert!(line.starts_with(expected.trim_end()), "{file}:\n{line}\n{expected}");
        }
    }
    let nested = fixtures("cases/models/nested_and_shared/model.keras").display().to_string();
    let expanded = stdout(&run(&["summary", &nested, "--expand-nested", "--show-trainable"], 0));
    assert!(expanded.contains("└ dense") && expanded.contains("│   Y   │"), "{expanded}");
}

#[test]
fn unknown_classes_are_in_brackets() {
    let file = fixtures("found/blocks.keras").display().to_string();
    let table = stdout(&run(&["summary", &file, "--show-trainable"], 0));
    assert!(table.contains("blocks ([Blocks])") && table.contains(" Total params: 36 (144.00 B)"), "{table}");
    let lambda = fixtures("scan/lambda_deep.keras").display().to_string();
    assert!(stdout(&run(&["summary", &lambda], 0)).contains("outer (Sequential)"));
    let weights = stderr(&run(&["summary", &small(".weights.h5")], 2));
    assert!(weights.contains("the file holds weights"), "{weights}");
}

#[test]
fn objects_are_listed() {
    let dense = stdout(&run(&["objects", "einsum*"], 0));
    assert!(dense.contains("keras.layers.EinsumDense") && dense.lines().count() == 3, "{dense}");
    let all = json(&["objects", "--json"], 0);
    assert!(all.as_array().unwrap().len() > 250);
    let named = stdout(&run(&["objects", "einsumdense"], 0));
    assert!(named.lines().nth(2).unwrap().starts_with("keras.layers.EinsumDense"), "{named}");
    let error = stderr(&run(&["objects", "EinsumDens3"], 1));
    assert!(error.contains("did you mean `EinsumDense`?"), "{error}");
}

#[test]
fn one_object_is_described_and_has_a_schema() {
    let text = stdout(&run(&["describe", "Dense"], 0));
    assert!(
        text.contains("\nDense(units, ")
            && text.contains("use_bias: boolean, true by default")
            && text.contains("keras.layers.Dense"),
        "{text}"
    );
    let described = json(&["describe", "keras.layers.Dense", "--json"], 0);
    let arguments = described["arguments"].as_array().unwrap();
    assert!(arguments.iter().any(|argument| argument["name"] == "units" && argument["required"] == true));
    assert!(stderr(&run(&["describe", "Dens"], 2)).contains("did you mean"));
    assert_eq!(json(&["schema", "keras.layers.Dense"], 0)["$ref"], "#/$defs/keras.layers.Dense");
    assert!(json(&["schema", "layer"], 0)["$defs"].as_object().unwrap().len() > 100);
    assert!(json(&["schema"], 0)["$defs"]["keras.layers.Dense"].is_object());
    // A value that the class does not accept is an error.
    let home = Home::new();
    let set = ["edit", &small(".keras"), "-o", &home.at("a.keras"), "--set", "config/layers[first]/config/units=many"];
    let error = stderr(&run(&set, 2));
    assert!(error.contains("units") && error.contains("xpected a"), "{error}");
}

#[test]
fn a_training_step_shows_in_the_weights() {
    let home = Home::new();
    let (before, after) = (small(".keras"), home.at("after.keras"));
    train(&before, &after);
    let text = stdout(&run(&["diff", &before, &after], 1));
    for weight in ["layers/dense/vars/0", "layers/dense_1/vars/1", "optimizer/vars/0"] {
        assert!(text.contains(&format!("weight {weight}: values differ by up to")), "{text}");
    }
    assert!(!text.contains("config"), "{text}");
}

#[test]
fn every_format_is_converted_there_and_back() {
    let home = Home::new();
    let weights = home.at("expected.weights.h5");
    run(&["convert", &small(".keras"), &weights], 0);
    for first in ["a.keras", "b", "c.h5", "d.safetensors"] {
        run(&["convert", &small(".keras"), &home.at(first), "--quiet"], 0);
        for second in ["e.keras", "f", "g.h5", "h.safetensors"] {
            run(&["convert", &home.at(first), &home.at(second), "--quiet"], 0);
            let back = home.at("back.keras");
            run(&["convert", &home.at(second), &back, "--quiet"], 0);
            // Names of weights are those of the layers again, and every bit is the same.
            let assert = run(&["diff", &small(".keras"), &back], 0);
            assert_eq!(stdout(&assert), "", "{first} {second}");
        }
        let found = home.at("found.weights.h5");
        run(&["convert", &home.at("e.keras"), &found, "--quiet"], 0);
        run(&["diff", &weights, &found], 0);
    }
    let error = stderr(&run(&["convert", &small(".weights.h5"), &home.at("i.h5")], 2));
    assert!(error.contains("only the model can tell"), "{error}");
}

#[test]
fn models_are_exported() {
    let home = Home::new();
    let out = home.at("model.onnx");
    run(&["export", &small(".keras"), &out, "--opset", "17"], 0).stdout("").stderr("");
    assert!(std::fs::metadata(&out).unwrap().len() > 200);
    let assert = run(&["export", &small(".keras"), "-"], 0);
    let by_default = assert.get_output().stdout.clone();
    assert!(by_default.len() > 200);
    run(&["export", &small(".keras"), &out, "--input-shape", "3,4"], 0);
    let error = stderr(&run(&["export", &small(".keras"), &out, "--opset", "99"], 2));
    assert!(error.contains("13 to 23"), "{error}");
}

/// Writes the rows of the test as an array of NumPy.
fn npy(path: &str, rows: usize) -> Tensor {
    let numbers: Vec<f32> = (0..rows * 4).map(|i| i as f32 / 5.0 - 3.0).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 4), }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    std::fs::write(path, file).unwrap();
    Tensor::from_vec(numbers, [rows, 4]).unwrap()
}

#[test]
fn rows_are_predicted() {
    let home = Home::new();
    let x = npy(&home.at("x.npy"), 70);
    let model = LoadOptions::new().load_model(small(".keras")).unwrap();
    let expected = model.predict(&x).unwrap().to_vec::<f32>().unwrap();
    for (out, size) in [("y.npy", "32"), ("y.npy", "7"), ("y.safetensors", "64")] {
        run(&["predict", &small(".keras"), "-i", &home.at("x.npy"), "-o", &home.at(out), "--batch-size", size], 0);
        let y = ReadArrays::new().read(home.at(out)).unwrap();
        let (name, y) = y.iter().next().unwrap();
        assert_eq!(y.shape().dims(), [Some(70), Some(2)]);
        let near = |a: &[f32]| a.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-5 + 1e-4 * b.abs());
        assert!(near(&y.to_vec::<f32>().unwrap()), "{out}");
        assert_eq!(name, if out == "y.npy" { "arr_0" } else { "second" });
    }
    // By name, and from and to standard input and output.
    let bytes = std::fs::read(home.at("x.npy")).unwrap();
    let arguments = ["predict", &small(".keras"), "-i", "in=-", "-o", "-"];
    let formats = ["--input-format", "npy", "--output-format", "npy"];
    let assert = keras_serial(&[&arguments[..], &formats].concat()).write_stdin(bytes).assert().code(0);
    run(&["predict", &small(".keras"), "-i", &home.at("x.npy"), "-o", &home.at("z.npy")], 0);
    assert_eq!(assert.get_output().stdout, std::fs::read(home.at("z.npy")).unwrap());
    let error =
        stderr(&run(&["predict", &small(".keras"), "-i", &format!("inn={}", home.at("x.npy")), "-o", "y.npy"], 2));
    assert!(error.contains("did you mean `in`?"), "{error}");
    let error = stderr(&run(&["predict", &small(".keras"), "-i", &home.at("x.npy"), "-o", &home.at("x.npy")], 2));
    assert!(error.contains("--force"), "{error}");
    // A failure leaves no output.
    std::fs::write(home.at("bad.npy"), "x").unwrap();
    run(&["predict", &small(".keras"), "-i", &home.at("bad.npy"), "-o", &home.at("none.npy")], 2);
    assert!(!std::path::Path::new(&home.at("none.npy")).exists());
}

#[test]
fn inputs_are_taken_by_name() {
    let home = Home::new();
    let (a, b) = (Input::new([4]).name("a").tensor().unwrap(), Input::new([4]).name("b").tensor().unwrap());
    let sum = keras_serial::layers::Add::new().name("sum").apply(vec![a.clone(), b.clone()]).unwrap();
    let double = keras_serial::ops::add(&sum, &sum).unwrap();
    let model = Functional::new(vec![a, b], Nested::list([sum, double])).unwrap();
    model.save(home.at("two.keras")).unwrap();
    let x = npy(&home.at("a.npy"), 5);
    npy(&home.at("b.npy"), 5);
    npy(&home.at("long.npy"), 6);
    let (model, y) = (home.at("two.keras"), home.at("y.safetensors"));
    let by_name = [format!("b={}", home.at("b.npy")), format!("a={}", home.at("a.npy"))];
    for inputs in [[&*by_name[0], &*by_name[1]], [&home.at("a.npy"), &home.at("b.npy")]] {
        run(&["predict", &model, "-i", inputs[0], "-i", inputs[1], "-o", &y, "--batch-size", "2"], 0);
        let arrays = ReadArrays::new().read(&y).unwrap();
        let expected: Vec<f32> = x.to_vec::<f32>().unwrap().iter().map(|x| x + x).collect();
        assert_eq!(arrays.get("sum").unwrap().to_vec::<f32>().unwrap(), expected);
        assert_eq!(arrays.len(), 2);
    }
    // The outputs of one are the inputs of another: arrays by name in one file.
    let error = stderr(&run(&["predict", &model, "-i", &home.at("a.npy"), "-o", &y], 2));
    assert!(error.contains("no file for the input `b`"), "{error}");
    let long = ["predict", &model, "-i", &home.at("a.npy"), "-i", &home.at("long.npy"), "-o", &y];
    assert!(stderr(&run(&long, 2)).contains("cardinality"));
    let error = stderr(&run(&["predict", &model, "-i", &by_name[0], "-i", &by_name[1], "-o", &home.at("y.npy")], 2));
    assert!(error.contains("holds one output"), "{error}");
}

#[cfg(feature = "csv")]
#[test]
fn data_in_tables_are_read_and_written() {
    let home = Home::new();
    let x = npy(&home.at("x.npy"), 40);
    let rows = x.to_vec::<f32>().unwrap();
    let rows: Vec<String> =
        rows.chunks(4).map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(",")).collect();
    std::fs::write(home.at("x.csv"), format!("p,q,r,s\n{}\n", rows.join("\n"))).unwrap();
    std::fs::write(home.at("bare.csv"), format!("{}\n", rows.join("\n"))).unwrap();
    run(&["predict", &small(".keras"), "-i", &home.at("x.npy"), "-o", &home.at("y.csv")], 0);
    let expected = std::fs::read_to_string(home.at("y.csv")).unwrap();
    assert!(expected.starts_with("second_0,second_1\n") && expected.lines().count() == 41, "{expected}");
    let assert = run(&["predict", &small(".keras"), "-i", &home.at("x.csv"), "-o", "-", "--output-format", "csv"], 0);
    assert_eq!(stdout(&assert), expected);
    let bare =
        ["predict", &small(".keras"), "-i", &home.at("bare.csv"), "-o", "-", "--output-format", "csv", "--no-header"];
    assert_eq!(stdout(&run(&bare, 0)), expected);
}

/// Returns the columns of a table, and what they hold as numbers.
#[cfg(feature = "parquet")]
fn columns(path: &str) -> Vec<(String, DType, Vec<f64>)> {
    let arrays = ReadArrays::new().read(path).unwrap();
    let numbers = |y: &Tensor| keras_serial::ops::cast_to(y, DType::Float64).unwrap().to_vec::<f64>().unwrap();
    arrays.iter().map(|(name, y)| (name.to_owned(), y.dtype(), numbers(y))).collect()
}

#[cfg(feature = "parquet")]
#[test]
fn outputs_are_the_columns_of_a_parquet_table() {
    let home = Home::new();
    npy(&home.at("x.npy"), 70);
    let (x, npy, table) = (home.at("x.npy"), home.at("y.npy"), home.at("y.parquet"));
    for size in ["7", "64"] {
        run(&["predict", &small(".keras"), "-i", &x, "-o", &npy, "--batch-size", size], 0);
        run(&["predict", &small(".keras"), "-i", &x, "-o", &table, "--batch-size", size], 0);
        let expected = ReadArrays::new().read(&npy).unwrap().get("arr_0").unwrap().to_vec::<f32>().unwrap();
        let expected = [0, 1].map(|place| {
            let values = expected.iter().skip(place).step_by(2).map(|value| f64::from(*value)).collect();
            (format!("second_{place}"), DType::Float32, values)
        });
        assert_eq!(columns(&table), expected);
    }
    let standard =
        ["predict", &small(".keras"), "-i", &x, "-o", "-", "--output-format", "parquet", "--batch-size", "64"];
    assert_eq!(run(&standard, 0).get_output().stdout, std::fs::read(&table).unwrap());
}

#[cfg(feature = "parquet")]
#[test]
fn outputs_of_all_types_are_columns_of_their_own() {
    use DType::*;
    let home = Home::new();
    let x = npy(&home.at("x.npy"), 3);
    let input = Input::new([4]).name("in").tensor().unwrap();
    let types = [Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16, BFloat16, Float32, Float64];
    let outputs = types.map(|dtype| keras_serial::ops::cast_to(&input, dtype).unwrap());
    let model = Functional::new(input, Nested::list(outputs)).unwrap();
    model.save(home.at("types.keras")).unwrap();
    let table = home.at("y.parquet");
    run(&["predict", &home.at("types.keras"), "-i", &home.at("x.npy"), "-o", &table], 0);
    let columns = columns(&table);
    assert_eq!(columns.len(), 4 * types.len());
    for (place, (name, dtype, values)) in columns.iter().enumerate() {
        let given = types[place / 4];
        // Parquet has no bfloat16.
        assert_eq!(*dtype, if given == BFloat16 { Float32 } else { given }, "{name}");
        let expected = keras_serial::ops::cast_to(&x, given).unwrap();
        let expected = keras_serial::ops::cast_to(&expected, Float64).unwrap().to_vec::<f64>().unwrap();
        let expected: Vec<f64> = expected.iter().copied().skip(place % 4).step_by(4).collect();
        assert_eq!(*values, expected, "{name}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_large_table_has_several_groups_of_rows() {
    let home = Home::new();
    let x = npy(&home.at("x.npy"), 2200);
    let wide = Dense::new(2048).kernel_initializer("ones").name("wide").shared();
    let input = Input::new([4]).tensor().unwrap();
    let model = Functional::new(input.clone(), wide.apply(&input).unwrap()).unwrap();
    model.save(home.at("wide.keras")).unwrap();
    let table = home.at("y.parquet");
    run(&["predict", &home.at("wide.keras"), "-i", &home.at("x.npy"), "-o", &table, "--batch-size", "500"], 0);
    let sums: Vec<f32> = x.to_vec::<f32>().unwrap().chunks(4).map(|row| row.iter().sum()).collect();
    let columns = columns(&table);
    assert_eq!(columns.len(), 2048);
    for (name, _, values) in columns.iter().step_by(511) {
        assert_eq!(values.len(), sums.len(), "{name}");
        let is_near = |(value, sum): (&f64, &f32)| (value - f64::from(*sum)).abs() < 1e-4;
        assert!(values.iter().zip(&sums).all(is_near), "{name}");
    }
}
