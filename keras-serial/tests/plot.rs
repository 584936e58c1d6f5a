//! Pictures of models from their files, in a build without the engine:
//! `cargo test -p keras-serial --no-default-features --features png --test plot`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keras_serial::ErrorKind;
use keras_serial::files::plot::{Plot, PlotFormat, PlotOptions, RankDir, plot_file};
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
    let (mut known, mut unknown) = (0, Vec::new());
    for model in MODELS {
        for name in ["all", "nested"] {
            let file = open(model);
            let dot = Plot::of_file(&file, &options(name)).unwrap().to_dot().unwrap();
            let theirs = of_keras(model, name);
            let (ours, theirs): (Vec<&str>, Vec<&str>) = (dot.split("<b>").collect(), theirs.split("<b>").collect());
            assert_eq!(ours.len(), theirs.len(), "{model} {name}\n{dot}");
            let mut layer = "";
            for (own, their) in ours.iter().zip(&theirs) {
                if own.contains("</b> (") {
                    layer = own.split_once('<').unwrap().0;
                }
                if own.starts_with("?<") && own != their {
                    assert_eq!(own.split_once('<').unwrap().1, their.split_once('<').unwrap().1, "{model} {name}");
                    unknown.push(format!("{model}/{layer}"));
                } else {
                    known += usize::from(their.starts_with('('));
                    assert_eq!(own, their, "{model} {name}");
                }
            }
        }
    }
    unknown.sort();
    unknown.dedup();
    assert_eq!(unknown, UNKNOWN);
    assert_eq!(known, KNOWN);
}

/// The layers with outputs that the files do not tell: the last ones, of classes whose outputs must be computed.
const UNKNOWN: [&str; 4] = ["shared/dot", "two_ends/multiply", "wrappers/each", "wrappers/gru"];
/// The number of single shapes that the files tell.
const KNOWN: usize = 115;

#[test]
fn models_without_a_graph_in_files_are_one_box() {
    let file = open("subclassed");
    let svg = Plot::of_file(&file, &PlotOptions::new()).unwrap().to_svg().unwrap();
    assert_eq!(svg.matches("class=\"f\"").count(), 1);
}

#[test]
fn the_ending_tells_the_format_and_files_are_whole_or_not_there() {
    let home = tempfile::tempdir().unwrap();
    let source = fixture("nested.keras");
    let to = |name: &str| home.path().join(name);
    for (name, start) in [("a.svg", "<svg"), ("a.html", "<!doctype html>"), ("a.dot", "digraph G {")] {
        plot_file(&source, to(name), &PlotOptions::new()).unwrap();
        assert!(std::fs::read_to_string(to(name)).unwrap().starts_with(start), "{name}");
    }
    let error = plot_file(&source, to("a.jpg"), &PlotOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("`.svg`, `.png`, `.html` or `.dot`"), "{error}");
    let error = plot_file(&source, to("a.svg"), &PlotOptions::new().highlight_layers(["flatt"])).unwrap_err();
    assert!(error.to_string().contains("did you mean `flat`"), "{error}");
    assert!(std::fs::read_to_string(to("a.svg")).unwrap().ends_with("</svg>\n"), "the picture before is kept");
    let error = plot_file(fixture("../saving/small.weights.h5"), to("b.svg"), &PlotOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(!to("b.svg").exists());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 3);
}

#[cfg(feature = "png")]
#[test]
fn png_has_the_resolution_that_is_asked_for() {
    let file = open("sequential");
    let size = |dpi| {
        let png = Plot::of_file(&file, &PlotOptions::new().dpi(dpi)).unwrap().to_png()?;
        assert!(png.starts_with(b"\x89PNG"));
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        Ok::<_, keras_serial::Error>((number(16), number(20)))
    };
    let (width, height) = size(96).unwrap();
    assert_eq!(size(192).unwrap(), (2 * width, 2 * height));
    assert_eq!(size(0).unwrap_err().kind(), ErrorKind::Limit);
    // Too many pixels: the highest resolution in which there are no more than 20 million.
    let (width, height) = size(100_000).unwrap();
    assert!((19_500_000..=20_000_000).contains(&(width * height)), "{width} x {height}");
}

#[cfg(feature = "png")]
#[test]
fn a_large_graph_has_a_lower_resolution() {
    let n = |i: usize| format!("n{i}");
    let chain = functional((0..800).map(|i| (n(i), (i > 0).then(|| n(i - 1)).into_iter().collect())));
    let png = Plot::of_config(&chain, &PlotOptions::new()).to_png().unwrap();
    let number = |at: usize| u64::from(u32::from_be_bytes(png[at..at + 4].try_into().unwrap()));
    assert!((15_000_000..=20_000_000).contains(&(number(16) * number(20))), "{} x {}", number(16), number(20));
    // Where text would be too small, the error names the resolution that works.
    let wide = functional((0..600).map(|i| (n(i), (i > 0).then(|| n(0)).into_iter().collect())));
    let plot = Plot::of_config(&wide, &all().expand_nested(true));
    if let Err(error) = plot.to_png() {
        let text = error.to_string();
        assert!(error.kind() == ErrorKind::Limit && text.contains("in a `dpi` of"), "{text}");
    }
}

#[test]
fn a_range_of_layers_is_drawn_and_layers_are_highlighted() {
    let file = open("sequential");
    let options = PlotOptions::new().show_layer_names(true).layer_range("norm", "flat").highlight_layers(["pool"]);
    let plot = Plot::of_file(&file, &options).unwrap();
    let dot = plot.to_dot().unwrap();
    assert_eq!(dot.matches("[label=").count(), 3);
    assert_eq!(dot.matches(" -> ").count(), 2);
    assert!(dot.contains("bgcolor=\"orange\"><font point-size=\"16\" color=\"white\"><b>pool</b>"), "{dot}");
    assert_eq!(plot.to_svg().unwrap().matches("class=\"hl\"").count(), 1);
    for (first, last) in [("flat", "norm"), ("norm", "flut")] {
        let plot = Plot::of_file(&file, &PlotOptions::new().layer_range(first, last)).unwrap();
        assert_eq!(plot.to_svg().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_page_folds_nested_models_and_shows_configurations() {
    let file = open("nested");
    let page = |options: &PlotOptions| Plot::of_file(&file, options).unwrap().to_html().unwrap();
    let html = page(&PlotOptions::new());
    // The model folded and unfolded, and the three models in it.
    assert_eq!(html.matches("class=\"view\"").count(), 5);
    assert!(html.contains("<main data-first=\"v0\">"));
    assert!(page(&PlotOptions::new().expand_nested(true)).contains("<main data-first=\"unfolded\">"));
    // Each of the layers and models has details, the model itself too, and each box leads to some.
    assert_eq!(html.matches("<pre>").count(), 12);
    for part in html.split("data-layer=\"").skip(1) {
        let id = part.split('"').next().unwrap();
        assert!(html.contains(&format!("<section id=\"{id}\" hidden>")), "{id}");
    }
    for part in html.split("data-open=\"").skip(1).chain(html.split("data-view=\"").skip(1)) {
        let id = part.split('"').next().unwrap();
        assert!(id.starts_with(']') || html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(html.contains("&quot;kernel_size&quot;: ["));
    // It asks for nothing from elsewhere.
    assert!(html.contains("default-src 'none'"));
    assert_eq!(
        html.matches("http").count(),
        html.matches("http-equiv").count() + html.matches("http://www.w3.org/2000/svg").count()
    );
}

/// A Sequential model of layers with these names.
fn sequential(names: impl Iterator<Item = String>) -> Value {
    let layers = names.map(|name| {
        let class = name.clone();
        let config = json::value!({ "name": name.clone(), "activation": name.clone() });
        json::value!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": name })
    });
    json::value!({ "class_name": "Sequential", "config": { "name": "s", "layers": layers.collect::<Vec<_>>() } })
}

/// A Functional model: each layer with the layers that it reads.
fn functional(layers: impl Iterator<Item = (String, Vec<String>)>) -> Value {
    let layers = layers.map(|(name, sources)| {
        let calls = sources.into_iter().map(|source| {
            let tensor =
                json::value!({ "class_name": "__keras_tensor__", "config": { "keras_history": [source, 0, 0] } });
            json::value!({ "args": [tensor], "kwargs": {} })
        });
        let calls: Vec<Value> = calls.collect();
        json::value!({ "class_name": "Dense", "config": { "name": name }, "inbound_nodes": calls })
    });
    let layers: Vec<Value> = layers.collect();
    let config = json::value!({ "name": "f", "layers": layers, "input_layers": [], "output_layers": [] });
    json::value!({ "class_name": "Functional", "config": config })
}

#[test]
fn text_of_files_is_never_markup() {
    let evil =
        "</text></pre></script><script>alert(1)</script><img src=x onerror='alert(2)'>\" onload=\"alert(3)\u{0}]]>";
    let config = sequential([evil.to_owned()].into_iter());
    for options in [all(), all().rankdir(RankDir::LeftToRight)] {
        let plot = Plot::of_config(&config, &options);
        let (html, svg) = (plot.to_html().unwrap(), plot.to_svg().unwrap());
        for text in [&html, &svg] {
            for part in ["<img", "<script>alert", "\" onload", "</script><", "\u{0}", "]]>"] {
                assert!(!text.contains(part), "{part}\n{text}");
            }
        }
        assert_eq!(html.matches("<script>").count(), 1);
        assert_eq!(html.matches("</script>").count(), 1);
        // A parser of XML accepts it.
        #[cfg(feature = "png")]
        plot.to_png().unwrap();
    }
    assert!(Plot::of_config(&config, &all()).to_dot().unwrap().contains("&lt;script&gt;alert(1)"));
}

fn in_time(what: &str, config: &Value, options: &PlotOptions) -> Vec<Result<Vec<u8>, ErrorKind>> {
    let formats = [PlotFormat::Svg, PlotFormat::Html, PlotFormat::Dot];
    let each = formats.map(|format| {
        let start = Instant::now();
        let bytes = Plot::of_config(config, options).to_bytes(format).map_err(|error| error.kind());
        // Four times what an optimized build may take.
        assert!(start.elapsed() < Duration::from_secs(8), "{what} {format:?}: {:?}", start.elapsed());
        bytes
    });
    each.into()
}

#[test]
fn large_and_hostile_graphs_end_in_a_picture_or_an_error_in_time() {
    let n = |i: usize| format!("n{i}");
    let chain = |count: usize| functional((0..count).map(|i| (n(i), (i > 0).then(|| n(i - 1)).into_iter().collect())));
    let options = all().expand_nested(true);

    let long = chain(1900);
    assert!(in_time("long", &long, &options).iter().all(Result::is_ok));
    let longer = in_time("longer", &chain(19_000), &options);
    assert_eq!(longer[0], Err(ErrorKind::Limit));
    assert_eq!(longer[1], Err(ErrorKind::Limit));
    assert!(longer[2].is_ok());
    let too_long = sequential((0..20_001).map(n));
    assert!(in_time("too long", &too_long, &options).iter().all(|result| *result == Err(ErrorKind::Limit)));

    let wide = |count: usize| functional((0..count).map(|i| (n(i), (i > 0).then(|| n(0)).into_iter().collect())));
    assert!(in_time("wide", &wide(600), &options).iter().all(Result::is_ok));
    assert_eq!(in_time("wider", &wide(1900), &options)[0], Err(ErrorKind::Limit));
    let dense = |count: usize| functional((0..count).map(|i| (n(i), (0..i).map(n).collect())));
    assert!(in_time("dense", &dense(20), &options).iter().all(Result::is_ok));
    assert_eq!(in_time("denser", &dense(120), &options)[0], Err(ErrorKind::Limit));
    let cycle = functional((0..50).map(|i| (n(i), vec![n((i + 49) % 50), n(i)])));
    assert!(in_time("cycle", &cycle, &options).iter().all(Result::is_ok));

    let names = sequential((0..4).map(|i| format!("{i}{}", "ä".repeat(1 << 20))));
    for bytes in in_time("names", &names, &options) {
        assert!(bytes.unwrap().len() < 200_000);
    }
    let unknown = functional([(n(0), vec![n(1)])].into_iter());
    assert!(in_time("unknown", &unknown, &options).iter().all(|result| *result == Err(ErrorKind::Graph)));
}

#[test]
fn deeply_nested_models_end_in_a_picture_or_an_error_in_time() {
    let layer = r#"{"class_name": "Dense", "config": {"name": "dense"}}"#;
    for depth in [1, 5, 20, 80] {
        let mut text = layer.to_owned();
        for i in 0..depth {
            let layers = format!("{layer}, {text}, {layer}");
            text = format!(r#"{{"class_name": "Sequential", "config": {{"name": "s{i}", "layers": [{layers}]}}}}"#);
        }
        let results = in_time("deep", &Value::parse(&text).unwrap(), &PlotOptions::new().expand_nested(true));
        for result in results {
            assert!(matches!(result, Ok(_) | Err(ErrorKind::Limit)), "{depth}");
            assert!(depth > 5 || result.is_ok(), "{depth}");
        }
    }
}
