//! Runs cases made by real Keras: `conformance FOLDER [--kind KIND] [--filter TEXT] [--programs]`.
//!
//! With `--programs`, models are traced and their programs run, of cases of layers and models.
//!
//! Cases of the kind `found` are whole files, each run in a separate process; they are in FOLDER itself
//! if it has no folder of that name.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use keras_serial_tests::cases::{Failure, Outcome, entries, run};
use keras_serial_tests::{formats, found, layers, objects, process, training};

const KINDS: [&str; 6] = ["layers", "models", "objects", "training", "formats", "found"];

/// The time limit for one case of whole files.
const LIMIT: Duration = Duration::from_secs(120);

/// The exit codes with which a process reports the result of a case; the reason follows on standard
/// output.
const FAILED: u8 = 3;

#[derive(Default)]
struct Arguments {
    folder: Option<PathBuf>,
    kind: Option<String>,
    filter: String,
    programs: bool,
    /// Runs only this case, in this process.
    only: Option<String>,
}

fn main() -> ExitCode {
    let mut given = Arguments::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--kind" => given.kind = arguments.next(),
            "--programs" => given.programs = true,
            "--filter" => given.filter = arguments.next().unwrap_or_default(),
            "--only" => given.only = arguments.next(),
            _ => given.folder = Some(PathBuf::from(argument)),
        }
    }
    let known = given.kind.as_deref().is_none_or(|kind| KINDS.contains(&kind));
    let Some(folder) = given.folder.as_ref().filter(|_| known) else {
        eprintln!("usage: conformance FOLDER [--kind {}] [--filter TEXT] [--programs]", KINDS.join("|"));
        return ExitCode::from(2);
    };
    // A panic is reported as the case's failure.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(name) = &given.only {
        return found_here(folder, name);
    }
    match all(folder, &given) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn all(folder: &Path, given: &Arguments) -> Result<ExitCode, Failure> {
    let mut count = Count::default();
    for kind in KINDS.iter().filter(|known| given.kind.as_ref().is_none_or(|kind| kind == *known)) {
        if *kind == "found" {
            let inside = folder.join(kind);
            let whole = given.kind.is_some() && !inside.is_dir();
            found_cases(if whole { folder } else { &inside }, &given.filter, &mut count)?;
            continue;
        }
        for (name, case) in cases(&folder.join(kind), kind) {
            let name = format!("{kind}/{name}");
            if name.contains(&given.filter) {
                let outcome = match given.programs {
                    true if !matches!(*kind, "layers" | "models") => continue,
                    true => run(|| layers::run_program(&case)),
                    false => run_case(kind, &case),
                };
                count.add(&name, outcome);
            }
        }
    }
    if count.is_zero() {
        return Err(Failure::Differs(format!("no case in {}", folder.display())));
    }
    // All whole files must load.
    let unsupported = given.kind.as_deref() != Some("found");
    println!("{}", count.summary(unsupported));
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    unsupported: usize,
}

impl Count {
    fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Ok => {
                self.passed += 1;
                println!("ok {name}");
            }
            Outcome::Fail(reason) => {
                self.failed += 1;
                println!("FAIL {name} {}", reason.replace('\n', " | "));
            }
            Outcome::Unsupported(what) => {
                self.unsupported += 1;
                println!("unsupported {name} {}", what.replace('\n', " | "));
            }
        }
    }

    fn is_zero(&self) -> bool {
        self.passed + self.failed + self.unsupported == 0
    }

    fn summary(&self, unsupported: bool) -> String {
        let summary = format!("{} passed, {} failed", self.passed, self.failed);
        if unsupported { format!("{summary}, {} unsupported", self.unsupported) } else { summary }
    }
}

/// Runs whole files, each in a separate process, so that names start over and one may abort or hang.
fn found_cases(folder: &Path, filter: &str, count: &mut Count) -> Result<(), Failure> {
    for case in found::cases(folder)? {
        let name = format!("found/{}", case.name);
        if !name.contains(filter) {
            continue;
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(folder).args(["--kind", "found", "--only", &case.name]);
        count.add(
            &name,
            match process::run(command, LIMIT) {
                Ok(ended) if ended.code == Some(0) => Outcome::Ok,
                Ok(ended) if ended.code == Some(i32::from(FAILED)) => Outcome::Fail(ended.stdout.trim().to_owned()),
                Ok(ended) => Outcome::Fail(format!("abort: {}", ended.stderr.trim())),
                Err(reason) => Outcome::Fail(reason),
            },
        );
    }
    Ok(())
}

fn found_here(folder: &Path, name: &str) -> ExitCode {
    let case = found::cases(folder).map(|cases| cases.into_iter().find(|case| case.name == name));
    let outcome = match case {
        Ok(Some(case)) => run(|| found::run(&case)),
        Ok(None) => Outcome::Fail("no such case".into()),
        Err(error) => Outcome::Fail(error.to_string()),
    };
    match outcome {
        Outcome::Ok => ExitCode::SUCCESS,
        Outcome::Fail(reason) | Outcome::Unsupported(reason) => {
            println!("{reason}");
            ExitCode::from(FAILED)
        }
    }
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
