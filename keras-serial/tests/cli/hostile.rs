//! Hostile and broken files end every command for files soon, within little memory, and with a message that names them.
//!
//! `KERAS_SERIAL_HOSTILE` names another folder of such files than the fixtures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Home, fixtures, small};

const TIME: Duration = Duration::from_secs(2);
const MEMORY: u64 = 256 << 20;

/// The hostile files of the fixtures, and others that are made of a sound one.
fn files(home: &Home) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_model = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            [".keras", ".h5", ".weights.json"].iter().any(|end| name.ends_with(end))
        };
        entries.filter(is_model).collect()
    };
    if let Some(folder) = std::env::var_os("KERAS_SERIAL_HOSTILE") {
        return list(Path::new(&folder));
    }
    let mut files = [list(&fixtures("saving")), list(&fixtures("scan"))].concat();
    // Cut short at every kind of place, and with wrong bytes.
    for end in [".keras", ".h5", ".weights.h5"] {
        let bytes = std::fs::read(small(end)).unwrap();
        for part in [0, 1, 9, 100, bytes.len() / 2, bytes.len() - 1] {
            files.push(home.at(&format!("cut_{part}{end}")).into());
            std::fs::write(files.last().unwrap(), &bytes[..part]).unwrap();
        }
        for step in [17, 101, 997] {
            let mut broken = bytes.clone();
            broken.iter_mut().skip(step).step_by(step).for_each(|byte| *byte ^= 0x55);
            files.push(home.at(&format!("broken_{step}{end}")).into());
            std::fs::write(files.last().unwrap(), &broken).unwrap();
        }
    }
    files
}

#[test]
fn hostile_files_end_commands_with_a_message() {
    let home = Home::new();
    let files = files(&home);
    assert!(files.len() > 40, "{}", files.len());
    let mut wrong = Vec::new();
    let mut refused = 0;
    for file in &files {
        let file = file.to_str().unwrap();
        let end = if file.ends_with(".weights.json") { ".weights.json" } else { &file[file.rfind('.').unwrap()..] };
        let weights = if file.ends_with(".weights.h5") { ".weights.h5" } else { end };
        for (place, command) in commands(file, weights).into_iter().enumerate() {
            let out = Home::new();
            let command: Vec<String> = command.iter().map(|argument| argument.replace("OUT", &out.at("out"))).collect();
            let start = Instant::now();
            let ended = limited(&command).output().unwrap();
            let time = start.elapsed();
            let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
            let told = if command[0] == "scan" { format!("{stdout}{stderr}") } else { stderr.into_owned() };
            let status = ended.status.code();
            let left = std::fs::read_dir(&out.0).unwrap().count();
            let sound = match status {
                Some(0) => true,
                Some(1) => told.contains(file) || command[0] == "diff",
                Some(2) => told.contains(file) && left == 0,
                _ => false,
            };
            refused += usize::from(place == 0 && status == Some(2));
            if !sound || time > TIME {
                wrong.push(format!("{command:?} ended with {status:?} after {time:?}, left {left} files: {told}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 10, "{refused}");
}

/// The commands for files; `OUT` is replaced by a path in a folder that is empty.
fn commands(file: &str, end: &str) -> Vec<Vec<String>> {
    let all = format!(
        "inspect FILE|inspect FILE --json|summary FILE|plot FILE -o OUT.svg|scan FILE|scan FILE --weights --sarif|diff FILE FILE|convert FILE OUT.json|\
         convert FILE OUT.keras|convert FILE OUT.weights.h5|convert FILE OUT.h5|convert FILE OUT.safetensors|\
         edit FILE -o OUT{end} --rename dense=other"
    );
    all.split('|').map(|line| line.split(' ').map(|argument| argument.replace("FILE", file)).collect()).collect()
}

/// Returns the command line with a limit for its memory.
fn limited(arguments: &[String]) -> Command {
    let mut command = Command::new("sh");
    // Every thread's heap reserves address space, which the limit counts.
    command.env("MALLOC_ARENA_MAX", "1").env("RAYON_NUM_THREADS", "1");
    command.arg("-c").arg(format!("ulimit -v {}; exec \"$0\" \"$@\"", MEMORY / 1024));
    command.arg(env!("CARGO_BIN_EXE_keras-serial")).args(arguments);
    command
}
