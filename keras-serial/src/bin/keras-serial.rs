//! The command line `keras-serial`.

fn main() -> std::process::ExitCode {
    keras_serial::cli::main()
}
