//! Pictures of models from their files, in a build without the engine:
//! `cargo test -p keras-serial --no-default-features --features png --test plot`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};

use keras_serial::ErrorKind;
use keras_serial::files::plot::{Plot, PlotOptions, RankDir, plot_file};
use keras_serial::files::{Limits, ModelFile};
use keras_serial::json::{self, Value};

const MODELS: [&str; 7] = ["sequential", "two_ends", "nested", "shared", "wrappers", "custom", "subclassed"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plot").join(name)
}

fn open(model: &str) -> ModelFile {
    ModelFile::open(fixture(&format!("{model}.keras")), &Limits::default()).unwrap()
}

fn all() -> PlotOptions {
    let options = PlotOptions::new().show_shapes(true).show_dtype(true).show_layer_names(true);
    options.show_layer_activations(true).show_trainable(true)
}

/// The options that `make.py` gives to Keras.
fn options(name: &str) -> PlotOptions {
    match name {
        "names" => PlotOptions::new().show_layer_names(true),
        "classes" => PlotOptions::new().rankdir(RankDir::LeftToRight).dpi(72),
        "all" => all(),
        "nested" => all().expand_nested(true),
        _ => panic!("{name}"),
    }
}

fn of_keras(model: &str, options: &str) -> String {
    std::fs::read_to_string(fixture(&format!("{model}.{options}.dot"))).unwrap()
}

#[test]
fn dot_is_that_of_keras() {
    for model in MODELS {
        for name in ["names", "classes"] {
            let file = open(model);
            let dot = Plot::of_file(&file, &options(name)).unwrap().to_dot().unwrap();
            assert_eq!(dot, of_keras(model, name), "{model} {name}");
        }
    }
}

/// A file alone does not tell the outputs of all last layers, but nothing else may differ.
#[test]
fn shapes_of_a_file_are_those_of_keras_or_unknown() {
    let mut unknown = 0;
    let mut known = 0;
    for model in MODELS {
        for name in ["all", "nested"] {
            let file = open(model);
            let dot = Plot::of_file(&file, &options(name)).unwrap().to_dot().unwrap();
            let theirs = of_keras(model, name);
            let (ours, theirs): (Vec<&str>, Vec<&str>) = (dot.split("<b>").collect(), theirs.split("<b>").collect());
            assert_eq!(ours.len(), theirs.len(), "{model} {name}\n{dot}");
            for (own, their) in ours.iter().zip(&theirs) {
                if own.starts_with("?<") && *own != *their {
                    unknown += 1;
                    assert_eq!(own.split_once('<').unwrap().1, their.split_once('<').unwrap().1, "{model} {name}");
                } else {
                    known += usize::from(their.starts_with('('));
                    assert_eq!(own, their, "{model} {name}");
                }
            }
        }
    }
    println!("{known} known, {unknown} unknown");
}
