//! Loads hostile and broken files, each in a separate process: `attacks [--keep] FOLDER`. With `--keep`, objects
//! whose classes are not registered are kept as placeholders, so that a file that is refused else can be loaded.
//!
//! The folder has a `manifest.json`. A file that makes its process panic, abort, hang or allocate too
//! much memory fails, whatever was expected; so does an error that names no place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use keras_serial::json::{JsonLimits, Value};
use keras_serial::models::Sequential;
use keras_serial::prelude::*;
use keras_serial::registry::Unknown;
use keras_serial_tests::process;
use rustix::process::{Resource, Rlimit, setrlimit};

const TIME: Duration = Duration::from_secs(2);
const MEMORY: u64 = 256 << 20;

/// The exit codes with which the child reports the result of its load; its text follows on standard
/// output.
const LOADED: u8 = 0;
const REFUSED: u8 = 3;
const NO_PLACE: u8 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--load", file] => load(Path::new(file), Unknown::Refuse),
        ["--load", "--keep", file] => load(Path::new(file), Unknown::Keep),
        ["--keep", folder] => run(Path::new(folder), Unknown::Keep),
        [folder] => run(Path::new(folder), Unknown::Refuse),
        _ => {
            eprintln!("usage: attacks [--keep] FOLDER");
            ExitCode::from(2)
        }
    }
}

/// Runs the child: one load under the limits.
fn load(file: &Path, unknown: Unknown) -> ExitCode {
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    if let Err(error) = setrlimit(Resource::As, limit) {
        eprintln!("no memory limit: {error}");
        return ExitCode::from(2);
    }
    match load_as_named(file, unknown) {
        Ok(()) => ExitCode::from(LOADED),
        Err(error) => {
            println!("{error}");
            // Every load puts the file's name in front; an error without it, or with nothing else, is
            // not helpful.
            let named = !error.path().is_empty() && error.to_string().starts_with(&error.path());
            ExitCode::from(if named { REFUSED } else { NO_PLACE })
        }
    }
}

fn load_as_named(file: &Path, unknown: Unknown) -> Result<()> {
    if !file.to_string_lossy().ends_with(".weights.json") {
        return LoadOptions::new().unknown(unknown).load_model(file).map(drop);
    }
    let base = file.with_file_name("ok_base.keras");
    let model = if base.exists() { LoadOptions::new().load_model(base)? } else { base_model()? };
    model.load_weights(file).map(drop)
}

/// Returns a small model for weights files, if the folder has none.
fn base_model() -> Result<Model> {
    let model = Sequential::new([LayerRef::new(Dense::new(4).name("dense"))])?;
    model.build([1, 4])?;
    Ok(model)
}

fn run(folder: &Path, unknown: Unknown) -> ExitCode {
    let entries = match manifest(folder) {
        Ok(entries) => entries,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if entries.is_empty() {
        eprintln!("no case in {}", folder.display());
        return ExitCode::FAILURE;
    }
    let (mut passed, mut failed) = (0, 0);
    for (name, expect) in entries {
        match attack(&folder.join(&name), &expect, unknown) {
            Ok(text) => {
                passed += 1;
                println!("ok {name} {}", one_line(&text));
            }
            Err(reason) => {
                failed += 1;
                println!("FAIL {name} {}", one_line(&reason));
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one_line(text: &str) -> String {
    text.trim().replace('\n', " | ").chars().take(300).collect()
}

/// The files of a folder, and the expected result of each.
fn manifest(folder: &Path) -> Result<Vec<(String, String)>> {
    let text = fs::read(folder.join("manifest.json"))?;
    let manifest = Value::parse_bytes(&text, &JsonLimits::default())?;
    let entry = |value: &Value| {
        let dict = value.as_dict()?;
        let text = |key: &str| Some(dict.get(key)?.as_str()?.to_owned());
        Some((text("file")?, text("expect")?))
    };
    let entries = manifest.as_list().unwrap_or_default().iter().map(|value| {
        entry(value).ok_or_else(|| Error::new(ErrorKind::Config, "not an entry of a manifest").received(value.short()))
    });
    entries.collect()
}

fn attack(file: &Path, expect: &str, unknown: Unknown) -> Result<String, String> {
    let (keep, expect) = match unknown {
        Unknown::Keep => (Some("--keep"), "any"),
        _ => (None, expect),
    };
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let file = file.canonicalize().unwrap_or_else(|_| PathBuf::from(file));
    // Every thread's heap reserves address space, which the memory limit counts.
    let mut command = Command::new(program);
    command.arg("--load").args(keep).arg(&file).current_dir(home.path()).envs([
        ("MALLOC_ARENA_MAX", "1"),
        ("RAYON_NUM_THREADS", "1"),
        ("TMPDIR", "."),
    ]);
    let ended = process::run(command, TIME)?;
    let text = ended.stdout;
    if fs::read_dir(home.path()).is_ok_and(|mut left| left.next().is_some()) {
        return Err("a file was written outside of the archive".into());
    }
    match (ended.code.and_then(|code| u8::try_from(code).ok()), expect) {
        (Some(LOADED), "ok" | "any") => Ok("loaded".into()),
        (Some(REFUSED), "error" | "any") => Ok(text),
        (Some(LOADED), _) => Err("loaded, expected an error".into()),
        (Some(REFUSED), _) => Err(format!("error, expected a model: {text}")),
        (Some(NO_PLACE), _) => Err(format!("the error names no place: {text}")),
        _ => Err(format!("panic or abort: {}", ended.stderr)),
    }
}
