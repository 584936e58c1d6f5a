//! Figures beside Keras's: what the benchmarks share.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Seconds by what was measured.
pub type Seconds = BTreeMap<String, f64>;

/// What a script of `tests/benches` measures with Keras: it prints `what: seconds` in lines. Nothing
/// without the virtual environment that `KERAS_SERIAL_VENV` names.
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

/// Prints both as milliseconds with so many decimals, and how many times as fast ours is.
pub fn print(ours: &Seconds, keras: &Seconds, decimals: usize) {
    println!("{:<24}{:>12}{:>12}{:>10}", "", "ours, ms", "Keras, ms", "ratio");
    for (what, seconds) in ours {
        let (text, ratio) = keras.get(what).map_or_else(Default::default, |theirs| {
            (format!("{:.decimals$}", theirs * 1e3), format!("{:.decimals$}", theirs / seconds))
        });
        println!("{what:<24}{:>12.decimals$}{text:>12}{ratio:>10}", seconds * 1e3);
    }
}
