//! Runs an example by its name: `cargo run -p keras-serial-examples -- quickstart`.

use std::process::ExitCode;

use keras_serial_examples::EXAMPLES;

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    let Some((_, run)) = EXAMPLES.iter().find(|(known, _)| name.as_deref() == Some(known)) else {
        let names: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: keras-serial-examples NAME\nnames: {}", names.join(", "));
        return ExitCode::from(2);
    };
    keras_serial::warnings::print_warnings();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
