//! Runs parsers on mutated files: `fuzz TARGET [--seconds N | --executions N] [--seed S] [--start N]
//! [--corpus FOLDER] [--each]`.
//!
//! The inputs come from `tests/fuzz/corpus/TARGET` (or from another folder and those below it). Every
//! execution is determined by the seed and its number, so a failure can be repeated with `--start N
//! --executions 1`. `--each` (for `config`) replaces each value of each configuration by each of a list
//! of strange ones, in order.
//!
//! A panic, an execution of over two seconds and memory over 256 MiB are failures. A child process does
//! the work under these limits; it is restarted after each failure, whose input is kept in
//! `target/fuzz`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keras_serial::json::{JsonLimits, Value};
use keras_serial_tests::fuzzing::{Numbers, TARGETS, Target, archives, replace_member, systematic};
use rustix::process::{Resource, Rlimit, setrlimit};

const TIME: Duration = Duration::from_secs(2);
const MEMORY: u64 = 256 << 20;
/// The child's exit code when it is done.
const DONE: i32 = 0;
/// The exit code when the execution panicked.
const PANICKED: i32 = 10;
/// The exit code when the execution took too long.
const HUNG: i32 = 11;
/// The number of failures that end the run.
const MOST_FAILURES: usize = 200;

struct Options {
    target: &'static Target,
    seconds: u64,
    executions: u64,
    seed: u64,
    start: u64,
    each: bool,
    corpus: PathBuf,
    /// The file in which the child stores the number of its execution; only set for the child.
    progress: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(text) => {
            eprintln!(
                "{text}\nusage: fuzz TARGET [--seconds N | --executions N] [--seed S] [--start N] [--corpus FOLDER] [--each]"
            );
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!("targets: {}", names.join(", "));
            return ExitCode::from(2);
        }
    };
    let mut corpus = corpus(&options.corpus);
    if options.target.name == "config" && options.corpus.starts_with(env!("CARGO_MANIFEST_DIR")) {
        // Models with every layer are generated, not stored.
        match archives() {
            Ok(archives) => corpus.extend(archives.into_iter().map(|(_, archive)| archive)),
            Err(error) => eprintln!("{error}"),
        }
    }
    if corpus.is_empty() {
        eprintln!("no files in {}", options.corpus.display());
        return ExitCode::from(2);
    }
    match &options.progress {
        Some(progress) => work(&options, &corpus, progress),
        None => watch(&options, &corpus),
    }
}

fn options() -> Result<Options, String> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("no target")?;
    let target = TARGETS.iter().find(|target| target.name == name).ok_or(format!("no target `{name}`"))?;
    let mut options = Options {
        target,
        seconds: u64::MAX,
        executions: u64::MAX,
        seed: 1,
        start: 0,
        each: false,
        corpus: Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name),
        progress: None,
    };
    while let Some(flag) = arguments.next() {
        if flag == "--each" {
            options.each = true;
            continue;
        }
        let value = arguments.next().ok_or(format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag} needs a number"));
        match flag.as_str() {
            "--seconds" => options.seconds = number()?,
            "--executions" => options.executions = number()?,
            "--seed" => options.seed = number()?,
            "--start" => options.start = number()?,
            "--corpus" => options.corpus = value.into(),
            "--progress" => options.progress = Some(value.into()),
            _ => return Err(format!("unknown option {flag}")),
        }
    }
    if options.seconds == u64::MAX && options.executions == u64::MAX && !options.each {
        options.seconds = 10;
    }
    Ok(options)
}

/// Returns all files of a folder and those below it, in order.
fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    // Conformance cases have files of inputs beside the models.
    let models = files.iter().any(|file| file.extension().is_some_and(|end| end == "keras"));
    files.retain(|file| !models || file.extension().is_some_and(|end| end == "keras"));
    files.iter().filter_map(|file| fs::read(file).ok()).collect()
}

/// Returns the input of an execution; `None` if there are no more.
fn input(options: &Options, corpus: &[Vec<u8>], execution: u64) -> Option<Vec<u8>> {
    if !options.each {
        let mut numbers = Numbers::of_execution(options.seed, execution);
        let seed = numbers.pick(corpus).clone();
        return Some((options.target.mutate)(&mut numbers, &seed));
    }
    // Each file has a fixed share of the numbers; those after its last change are skipped.
    const SHARE: u64 = 1 << 20;
    let file = corpus.get((execution / SHARE) as usize)?;
    let mut done = true;
    let changed = replace_member(file, "config.json", |data| {
        let config = Value::parse_bytes(data, &JsonLimits::default()).ok();
        match config.and_then(|config| systematic(&config, execution % SHARE)) {
            Some(config) => {
                done = false;
                config.to_json().into_bytes()
            }
            None => Vec::new(),
        }
    });
    if done { Some(Vec::new()) } else { changed }
}

/// Returns the number of the next execution after one without input.
fn next_file(execution: u64) -> u64 {
    ((execution >> 20) + 1) << 20
}

/// Runs the child: executions under the limits, until one fails.
fn work(options: &Options, corpus: &[Vec<u8>], progress: &Path) -> ExitCode {
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    setrlimit(Resource::As, limit).expect("memory can be limited");
    let progress = fs::OpenOptions::new().write(true).open(progress).expect("the file of the parent");
    let note = |place: u64, value: u64| progress.write_all_at(&value.to_le_bytes(), place).expect("a number is kept");
    let beginning = Instant::now();
    let now = move || beginning.elapsed().as_millis() as u64;
    let since = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&since);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(100));
            if now().saturating_sub(watched.load(Ordering::Relaxed)) > TIME.as_millis() as u64 {
                std::process::exit(HUNG);
            }
        }
    });
    let mut execution = options.start;
    let mut count = 0;
    while count < options.executions && now() < options.seconds.saturating_mul(1000) {
        since.store(now(), Ordering::Relaxed);
        note(0, execution);
        note(8, count);
        let Some(input) = input(options, corpus, execution) else { break };
        if input.is_empty() && options.each {
            execution = next_file(execution);
            continue;
        }
        since.store(now(), Ordering::Relaxed);
        if catch_unwind(AssertUnwindSafe(|| (options.target.run)(&input))).is_err() {
            std::process::exit(PANICKED);
        }
        execution += 1;
        count += 1;
    }
    note(8, count);
    ExitCode::SUCCESS
}

/// Runs the parent: starts children, and keeps failing inputs.
fn watch(options: &Options, corpus: &[Vec<u8>]) -> ExitCode {
    let failures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    fs::create_dir_all(&failures).expect("the folder for failures");
    let progress = failures.join(format!("{}-{}.progress", options.target.name, std::process::id()));
    let beginning = Instant::now();
    let (mut count, mut failed, mut start) = (0u64, 0, options.start);
    loop {
        let left = options.seconds.saturating_sub(beginning.elapsed().as_secs());
        if left == 0 || count >= options.executions || failed >= MOST_FAILURES {
            break;
        }
        fs::write(&progress, [0; 16]).expect("the file of the child");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(options.target.name).args(["--seed", &options.seed.to_string(), "--start", &start.to_string()]);
        command.args(["--seconds", &left.to_string(), "--executions", &(options.executions - count).to_string()]);
        command.arg("--corpus").arg(&options.corpus).arg("--progress").arg(&progress);
        command.args(options.each.then_some("--each"));
        // Every thread's heap reserves address space, which the memory limit counts.
        command.envs([("MALLOC_ARENA_MAX", "1"), ("RAYON_NUM_THREADS", "1")]);
        let output = command.stdin(Stdio::null()).output().expect("the child runs");
        let kept = fs::read(&progress).unwrap_or_default();
        let number = |at: usize| kept.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
        let (execution, done) = (number(0), number(8));
        count += done;
        if output.status.code() == Some(DONE) {
            break;
        }
        failed += 1;
        count += 1;
        start = execution + 1;
        let what = match output.status.code() {
            Some(PANICKED) => "panic",
            Some(HUNG) => "time-out",
            _ => "abort",
        };
        let file = failures.join(format!("{}-{}-{execution}", options.target.name, options.seed));
        fs::write(&file, input(options, corpus, execution).unwrap_or_default()).expect("a failure is kept");
        let text = String::from_utf8_lossy(&output.stderr);
        let text: String = text.trim().replace('\n', " | ").chars().take(400).collect();
        println!("FAIL {what} {} {text}", file.display());
    }
    let _ = fs::remove_file(&progress);
    let seconds = beginning.elapsed().as_secs_f64();
    println!("{}: {count} executions, {:.0} a second, {failed} failed", options.target.name, count as f64 / seconds);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
