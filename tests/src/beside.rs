//! Measurements of Keras for comparison, shared by the benchmarks.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Seconds by measurement.
pub type Seconds = BTreeMap<String, f64>;

/// Runs a script in `tests/benches` that measures Keras and prints lines `what: seconds`. Returns
/// nothing without the virtual environment named by `KERAS_SERIAL_VENV`.
///
/// # Errors
/// When Python can't be started.
pub fn keras(script: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> std::io::Result<Seconds> {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let venv = std::env::var_os("KERAS_SERIAL_VENV").map_or(tests.join("../target/exchange-venv"), PathBuf::from);
    let python = venv.join("bin/python");
    if !python.exists() {
        println!("no Keras: set KERAS_SERIAL_VENV, or run tests/exchange/run once");
        return Ok(Seconds::new());
    }
    let output = Command::new(python).arg(tests.join("benches").join(script)).args(arguments).output()?;
    if !output.status.success() {
        println!("Keras failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let entry = |line: &str| {
        let (what, seconds) = line.rsplit_once(": ")?;
        Some((what.to_owned(), seconds.parse().ok()?))
    };
    Ok(text.lines().filter_map(entry).collect())
}

/// Prints both in milliseconds with this many decimals, and the ratio of Keras's time to ours.
pub fn print(ours: &Seconds, keras: &Seconds, decimals: usize) {
    println!("{:<24}{:>12}{:>12}{:>10}", "", "ours, ms", "Keras, ms", "ratio");
    for (what, seconds) in ours {
        let (text, ratio) = keras.get(what).map_or_else(Default::default, |theirs| {
            (format!("{:.decimals$}", theirs * 1e3), format!("{:.decimals$}", theirs / seconds))
        });
        println!("{what:<24}{:>12.decimals$}{text:>12}{ratio:>10}", seconds * 1e3);
    }
}
