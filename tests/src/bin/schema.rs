//! Checks the configurations of all `.keras` files in folders against the JSON Schema of models: `schema FOLDER…`.

use std::path::Path;
use std::process::ExitCode;

use keras_serial::Result;
use keras_serial_tests::schemas;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(folders: impl Iterator<Item = String>) -> Result<bool> {
    let schema = schemas::of_models()?;
    let (mut fit, mut unfit, mut unread) = (0, 0, 0);
    for file in folders.flat_map(|folder| schemas::files(Path::new(&folder))) {
        match schemas::read_config(&file).and_then(|config| schemas::faults(&schema, &config)) {
            Ok(faults) if faults.is_empty() => fit += 1,
            Ok(faults) => {
                unfit += 1;
                println!("{}: {}", file.display(), faults.first().map_or("", String::as_str));
            }
            Err(error) => {
                unread += 1;
                println!("{}: not read: {error}", file.display());
            }
        }
    }
    println!("{fit} fit, {unfit} do not fit, {unread} not read");
    Ok(unfit == 0 && unread == 0 && fit > 0)
}
