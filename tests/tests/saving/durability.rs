//! Processes that are killed while they save, and full disks: the complete old or new file remains.
//!
//! The children are this test program, started again with one of its tests and an environment variable.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use keras_serial::prelude::*;
use keras_serial_tests::fuzzing::Numbers;

/// The environment variable that tells a child where to save.
const PLACE: &str = "KERAS_SERIAL_TEST_PLACE";

/// Returns a model whose weights are all one number.
fn constant(value: f64, units: usize) -> Model {
    let model = crate::sequential([Dense::new(units).name("a").shared(), Dense::new(16).name("b").shared()], 64);
    for weight in model.weights() {
        weight.assign(&ops::full(weight.shape(), value, weight.dtype()).unwrap()).unwrap();
    }
    model
}

/// Returns the one number of a file's weights.
fn number(path: &Path) -> f32 {
    let model = if path.extension().is_some_and(|end| end == "safetensors" || end == "h5" || end == "json") {
        let model = constant(0.0, 256);
        model.load_weights(path).unwrap();
        model
    } else {
        load_model(path).unwrap()
    };
    let values: Vec<f32> = model.weights().iter().flat_map(|weight| weight.read().to_vec::<f32>().unwrap()).collect();
    assert!(values.iter().all(|value| *value == values[0]), "a file of two halves: {}", path.display());
    values[0]
}

fn save(model: &Model, path: &Path) -> Result<()> {
    match path.extension().and_then(|end| end.to_str()) {
        None => SaveOptions::new().zipped(false).save_model(model, path),
        Some("keras") => model.save(path),
        // Some 70 kB a shard: the model takes two.
        Some("json") => SaveOptions::new().max_shard_size(7e4 / f64::from(1 << 30)).save_weights(model, path),
        Some(_) => model.save_weights(path),
    }
}

/// Starts this program again as a child that runs one of its tests.
fn child(test: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PLACE, place);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// Returns true for a temporary file, which a killed save leaves behind.
fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".keras-serial-"))
}

fn clear_temporary(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if is_temporary(&path) {
            if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        }
    }
}

/// The child of the next test: saves two models in turn, until it is killed.
#[test]
fn child_that_saves_on_and_on() {
    let Some(place) = place() else { return };
    let models = [constant(1.0, 256), constant(2.0, 256)];
    println!("ready");
    for model in models.iter().cycle() {
        save(model, &place).unwrap();
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_file() {
    let mut names = vec!["m.keras", "m.weights.h5", "m.safetensors", "m.weights.json"];
    if cfg!(target_os = "linux") {
        names.push("directory");
    }
    let home = tempfile::tempdir().unwrap();
    let mut numbers = Numbers::new(7);
    let mut seen = [false; 2];
    for round in 0..200 {
        let path = home.path().join(names[round % names.len()]);
        if !path.exists() {
            save(&constant(1.0, 256), &path).unwrap();
        }
        let mut child = child("durability::child_that_saves_on_and_on", &path).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"ready\n") {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            text.extend(byte);
        }
        sleep(Duration::from_micros(numbers.below(12_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        match number(&path) {
            1.0 => seen[0] = true,
            2.0 => seen[1] = true,
            other => panic!("weights that nobody saved: {other}"),
        }
        clear_temporary(home.path());
    }
    assert_eq!(seen, [true; 2], "old and new files have been seen");
}

/// The child of the next tests: a small file exists; there is no space for a larger one.
#[test]
fn child_that_saves_too_much() {
    let Some(path) = place() else { return };
    if !path.exists() {
        save(&constant(1.0, 8), &path).unwrap();
    }
    let before = std::fs::read(&path).unwrap();
    let error = save(&constant(2.0, 4096), &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.path().contains("m.keras"), "{error}");
    assert!(std::fs::read(&path).unwrap() == before, "the old file is as it was");
    let folder = path.parent().unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing else is left");
    println!("the old file is whole");
}

fn is_whole(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("the old file is whole")
}

/// A limit on the size of files acts like a full disk.
#[cfg(unix)]
#[test]
fn a_file_that_has_no_room_leaves_the_old_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m.keras");
    save(&constant(1.0, 8), &path).unwrap();
    let child = child("durability::child_that_saves_too_much", &path);
    // The signal that comes with the limit is ignored; the write fails then.
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(child.get_program()).args(child.get_args()).env(PLACE, &path);
    let output = shell.output().unwrap();
    assert!(is_whole(&output), "{output:?}");
    assert_eq!(number(&path), 1.0);
}

/// A real full file system, if the system lets users mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file() {
    let home = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=300k tmpfs '{}'", home.path().display());
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command
    };
    if !unshared(&mount).output().is_ok_and(|output| output.status.success()) {
        eprintln!("no file system can be mounted here: the limit on sizes stands for it");
        return;
    }
    let path = home.path().join("m.keras");
    let child = child("durability::child_that_saves_too_much", &path);
    let mut command = unshared(&format!("{mount} && exec \"$0\" \"$@\""));
    command.arg(child.get_program()).args(child.get_args()).env(PLACE, &path);
    let output = command.output().unwrap();
    assert!(is_whole(&output), "{output:?}");
}
