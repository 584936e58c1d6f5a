//! Loading, saving and inspecting files, beside Keras: `cargo bench --bench files`.
//!
//! A ResNet50-sized file (about 100 MB in many layers) and one of 1 GB; `files.py` does the same
//! with Keras, in the virtual environment that `KERAS_SERIAL_VENV` names. Neither waits for the disk
//! (`fsync` off). Each number is the best of several rounds; memory is the peak of a process that
//! does one thing alone.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use keras_serial::models::Sequential;
use keras_serial::prelude::*;
use keras_serial::saving::{Limits, inspect};
use keras_serial_tests::beside::{self, Seconds};

/// The names of the files, and how often each thing is done.
const FILES: [(&str, usize); 2] = [("100MB", 5), ("1GB", 3)];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [what, path] = arguments.as_slice() {
        return child(what, Path::new(path));
    }
    let home = tempfile::tempdir()?;
    let mut ours = Seconds::new();
    for (name, rounds) in FILES {
        let path = home.path().join(format!("{name}.keras"));
        let model = make(name)?;
        ours.insert(format!("{name} save"), best(rounds, || options().save_model(&model, &path))?);
        ours.insert(
            format!("{name} save weights"),
            best(rounds, || options().save_weights(&model, home.path().join("w.weights.h5")))?,
        );
        drop(model);
        ours.insert(format!("{name} load"), best(rounds, || load_model(&path).map(drop))?);
        let mapped = || LoadOptions::new().memory_map(true).load_model(&path).map(drop);
        ours.insert(format!("{name} load, mapped"), best(rounds, mapped)?);
        ours.insert(format!("{name} inspect"), best(rounds, || inspect(&path, &Limits::default()).map(drop))?);
        for what in ["load", "inspect"] {
            println!("{name} {what}: {} MiB of memory at most", peak(what, &path)? >> 10);
        }
    }
    let names = FILES.iter().map(|(name, rounds)| format!("{name}:{rounds}").into());
    let arguments: Vec<OsString> = [home.path().into()].into_iter().chain(names).collect();
    let keras = beside::keras("files.py", arguments)?;
    // What Keras wrote, whose weights lie at odd places.
    for (name, rounds) in FILES {
        for (what, end) in [("file", ".keras"), ("weights", ".weights.h5")] {
            let path = home.path().join(format!("{name}_of_keras{end}"));
            if !path.exists() {
                continue;
            }
            let seconds = if end == ".keras" {
                println!("{name} load of Keras's file: {} MiB of memory at most", peak("load", &path)? >> 10);
                println!("{name} inspect of Keras's file: {} MiB of memory at most", peak("inspect", &path)? >> 10);
                best(rounds, || load_model(&path).map(drop))?
            } else {
                let model = make(name)?;
                best(rounds, || model.load_weights(&path).map(drop))?
            };
            ours.insert(format!("{name} load Keras's {what}"), seconds);
        }
    }
    beside::print(&ours, &keras, 1);
    Ok(())
}

fn options() -> SaveOptions {
    SaveOptions::new().fsync(false)
}

/// A stack of dense layers with as many bytes as the name says.
fn make(name: &str) -> Result<Model> {
    let (units, layers) = if name == "1GB" { (4096, 16) } else { (400, 156) };
    let layers = (0..layers).map(|i| Dense::new(units).name(format!("d{i}")).kernel_initializer("zeros").shared());
    let model = Sequential::new(layers)?;
    model.build([None, Some(units)])?;
    // Values of their own, which are not all alike.
    for (index, weight) in model.weights().iter().enumerate() {
        let count = weight.shape().num_elements().unwrap_or(0);
        let values: Vec<f32> = (0..count).map(|i| ((i * 31 + index) % 1009) as f32 / 1009.0).collect();
        weight.assign(&Tensor::from_vec(values, weight.shape().known()?)?)?;
    }
    Ok(model)
}

fn best(rounds: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn child(what: &str, path: &Path) -> Result<()> {
    match what {
        "load" => drop(load_model(path)?),
        _ => drop(inspect(path, &Limits::default())?),
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.unwrap_or("0").trim().trim_end_matches(" kB"));
    Ok(())
}

/// KiB that a process held at most, mapped pages counted, while it did one thing.
fn peak(what: &str, path: &Path) -> Result<u64> {
    let output = Command::new(std::env::current_exe()?).arg(what).arg(path).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0))
}
