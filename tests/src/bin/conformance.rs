//! Runs cases made by real Keras: `conformance FOLDER [--kind KIND] [--filter TEXT]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keras_serial_tests::cases::{Outcome, entries, run};
use keras_serial_tests::{formats, layers, objects, training};

const KINDS: [&str; 5] = ["layers", "models", "objects", "training", "formats"];

fn main() -> ExitCode {
    let mut folder = None;
    let mut kind = None;
    let mut filter = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--kind" => kind = arguments.next(),
            "--filter" => filter = arguments.next().unwrap_or_default(),
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let Some(folder) = folder else {
        eprintln!("usage: conformance FOLDER [--kind {}] [--filter TEXT]", KINDS.join("|"));
        return ExitCode::from(2);
    };
    // A panic is reported as the case's failure.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut failed, mut unsupported) = (0, 0, 0);
    for kind in KINDS.iter().filter(|known| kind.as_ref().is_none_or(|kind| kind == *known)) {
        for (name, case) in cases(&folder.join(kind), kind) {
            let name = format!("{kind}/{name}");
            if !name.contains(&filter) {
                continue;
            }
            match run_case(kind, &case) {
                Outcome::Ok => {
                    passed += 1;
                    println!("ok {name}");
                }
                Outcome::Fail(reason) => {
                    failed += 1;
                    println!("FAIL {name} {}", reason.replace('\n', " | "));
                }
                Outcome::Unsupported(what) => {
                    unsupported += 1;
                    println!("unsupported {name} {}", what.replace('\n', " | "));
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed, {unsupported} unsupported");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cases(folder: &Path, kind: &str) -> Vec<(String, PathBuf)> {
    let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if kind == "objects" {
        let kinds = entries(folder);
        return kinds
            .iter()
            .flat_map(|kind| {
                entries(kind)
                    .into_iter()
                    .map(|case| (format!("{}/{}", name(kind), name(&case)), case))
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    entries(folder).into_iter().filter(|path| path.is_dir()).map(|path| (name(&path), path)).collect()
}

fn run_case(kind: &str, case: &Path) -> Outcome {
    match kind {
        "layers" | "models" => run(|| layers::run(case)),
        "training" => run(|| training::run(case)),
        "formats" => run(|| formats::run(case)),
        "objects" => {
            let kind = case
                .parent()
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            run(|| objects::run(&kind, case))
        }
        other => Outcome::Unsupported(format!("cases of kind `{other}`")),
    }
}
