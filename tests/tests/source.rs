//! How the library's sources hang together: each module uses those that stand before it, only a few name
//! the engine or test for symbols, and no file is too long to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library in order: each uses those before it, and none after it.
const ORDER: &[&str] = &[
    "error",
    "utils",
    "warnings",
    "json",
    "config",
    "object",
    "registry",
    "serde",
    "array",
    "files",
    "tensor",
    "dtype_policies",
    "program",
    "inference",
    "functions",
    "ops",
    "random",
    "initializers",
    "regularizers",
    "constraints",
    "variable",
    "activations",
    "losses",
    "optimizers",
    "metrics",
    "quantizers",
    "layers",
    "models",
    "training",
    "saving",
    "export",
    "cli",
];

/// Uses that point the other way: from, to, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[("utils", "layers", "`FeatureSpace` is exported here too, as in Keras")];

/// The modules that may name the engine's crates.
const ENGINE: &[&str] = &["tensor", "program"];

/// The modules that may ask whether a tensor is a symbol: elsewhere, symbols flow through the primitives, or
/// `program::infer_or_compute` decides.
const SYMBOLS: &[&str] = &["tensor", "program"];

/// Other files that ask whether a tensor is a symbol, and why.
const SYMBOL_EXCEPTIONS: &[(&str, &str)] = &[
    ("layers/masks.rs", "only symbols are cast before a layer's call is recorded, with their masks"),
    ("models/graph.rs", "a model that is called on symbols keeps recorded arguments, to be recorded again"),
    ("models/planned.rs", "a plan computes from values"),
    ("training/data/into_data.rs", "data are values"),
    ("training/predict.rs", "predictions are made from values"),
];

/// Files that a program wrote.
const GENERATED: &[&str] = &[];

const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files of Rust below a folder, but for what is built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module of a file of the library, by the first part of its path: `ops` of `ops/conv.rs`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("keras-serial/src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// What is compiled into the library: no comments, and no tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.lines().map(|line| line.find("//").map_or(line, |comment| &line[..comment]));
    let mut code: Vec<&str> = code.collect();
    // Tests stand last; a `use` before them that only they need has the same attribute.
    let is_tests =
        |pair: &[&str]| pair[0].starts_with("#[cfg(") && pair[0].contains("test") && pair[1].starts_with("mod");
    if let Some(tests) = code.windows(2).position(is_tests) {
        code.truncate(tests);
    }
    code.join("\n")
}

/// The modules that the code names after `crate::`.
fn uses(code: &str) -> Vec<String> {
    let is_part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|character: char| is_part_of_name(character) || character == ':') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            // The first names at depth 1: `crate::{a::b, c::{d, e}}` names `a` and `c`.
            let (mut depth, mut begins) = (1, true);
            for (i, character) in list.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => begins = true,
                    character if begins && is_part_of_name(character) => {
                        found.push(list[i..].chars().take_while(|c| is_part_of_name(*c)).collect());
                        begins = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.push(rest.chars().take_while(|character| is_part_of_name(*character)).collect());
        }
    }
    found
}

fn library() -> Vec<PathBuf> {
    let mut files = Vec::new();
    sources(&root().join("keras-serial/src"), &mut files);
    files.retain(|path| {
        !path.ends_with("src/lib.rs")
            && !path.starts_with(root().join("keras-serial/src/bin"))
            && !path.ends_with("src/prelude.rs")
            && !path.ends_with("tests.rs")
    });
    assert!(files.len() > 300, "{} files", files.len());
    files
}

#[test]
fn modules_use_those_before_them() {
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    for path in library() {
        let from = module(&path);
        let Some(own) = place(&from) else {
            wrong.push(format!("{}: `{from}` has no place in ORDER", path.display()));
            continue;
        };
        for to in uses(&code(&path)) {
            if place(&to).is_none_or(|to| to <= own) {
                continue;
            }
            match EXCEPTIONS.iter().position(|(a, b, _)| *a == from && *b == to) {
                Some(exception) => _ = excused.insert(exception),
                None => wrong.push(format!("{}: `{from}` uses `{to}`, which stands after it", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(excused.len(), EXCEPTIONS.len(), "an exception is needed no more");
}

#[test]
fn paths_are_found() {
    let found = uses("use crate::{error::{Error, Result}, json::Value,\n tensor};\nx(crate::ops::add, my_crate::not);");
    assert_eq!(found, ["error", "json", "tensor", "ops"]);
}

#[test]
fn few_modules_name_the_engine() {
    for path in library() {
        if !ENGINE.contains(&module(&path).as_str()) {
            assert!(!code(&path).contains("burn_"), "{} names the engine", path.display());
        }
    }
}

#[test]
fn few_files_test_for_symbols() {
    let mut excused = BTreeSet::new();
    for path in library() {
        if SYMBOLS.contains(&module(&path).as_str()) || !code(&path).contains("is_symbolic") {
            continue;
        }
        match SYMBOL_EXCEPTIONS.iter().position(|(file, _)| path.ends_with(file)) {
            Some(exception) => _ = excused.insert(exception),
            None => panic!("{} tests for symbols; see `program::infer_or_compute`", path.display()),
        }
    }
    assert_eq!(excused.len(), SYMBOL_EXCEPTIONS.len(), "an exception is needed no more");
}

#[test]
fn no_file_is_too_long() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let mut long = Vec::new();
    for path in files {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > LONGEST_FILE && !GENERATED.iter().any(|generated| path.ends_with(generated)) {
            long.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
