//! The table of what can't be exported to ONNX, in the book: `UPDATE_BOOK=1 cargo test onnx_table` rewrites it.

use std::path::Path;

use keras_serial::export::ExportOptions;
use keras_serial::prelude::*;
use keras_serial_tests::cases::entries;

const BEGIN: &str = "<!-- not exported: begin -->\n";
const END: &str = "<!-- not exported: end -->";

fn on(layer: impl Into<LayerRef>, shape: &[Option<usize>], dtype: &str) -> Model {
    let x = Input::new(Shape::from(shape.to_vec())).dtype(dtype).tensor().unwrap();
    let y = layer.into().call(&x, &CallContext::inference()).unwrap();
    Functional::new(x, y).unwrap()
}

/// What is known not to be exported, each with a model that has it.
fn refused() -> Vec<(&'static str, Model)> {
    let states = Input::new([3, 4]).batch_size(2).tensor().unwrap();
    let stateful = LSTM::new(2).stateful(true).apply(&states).unwrap();
    vec![
        ("`Hashing`, `HashedCrossing`", on(Hashing::new(3).shared(), &[Some(2)], "int64")),
        (
            "`StringLookup`, `TextVectorization`",
            on(StringLookup::new().vocabulary(["a"]).shared(), &[Some(2)], "string"),
        ),
        (
            "`IntegerLookup` that refuses unknown integers",
            on(IntegerLookup::new().num_oov_indices(0).vocabulary([1]).shared(), &[Some(2)], "int64"),
        ),
        ("recurrent layers with `stateful=True`", Functional::new(states, stateful).unwrap()),
    ]
}

fn table() -> String {
    let rows = refused().into_iter().map(|(name, model)| {
        let error = model.onnx_graph(&ExportOptions::onnx()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        let text = error.to_string();
        let reason = text.strip_prefix(&format!("{}: ", error.path())).unwrap_or(&text);
        let reason = reason.split(". Received: <Traced").next().unwrap_or(reason);
        format!("| {name} | {reason} |\n")
    });
    format!("| what | reason, as the error tells it |\n|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_book_tells_what_is_not_exported() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/export_onnx.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (there, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{}{END}{tail}", table())).unwrap();
        return;
    }
    assert_eq!(there, table(), "run `UPDATE_BOOK=1 cargo test -p keras-serial-tests --test saving onnx_table`");
}

#[test]
fn all_cases_are_exported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let mut count = 0;
    for kind in ["layers", "models"] {
        for case in entries(&folder.join(kind)) {
            let model = load_model(case.join("model.keras")).unwrap();
            let graph = model.onnx_graph(&ExportOptions::onnx());
            graph.unwrap_or_else(|error| panic!("{}: {error}", case.display()));
            count += 1;
        }
    }
    assert!(count > 60, "{count} cases");
}
