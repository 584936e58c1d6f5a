//! Predictions, beside ONNX Runtime and Keras in the same run: `cargo bench --bench inference [NAME…]`.
//!
//! `inference.py` makes the models and runs the other two, in the virtual environment that `KERAS_SERIAL_VENV` names
//! (with onnx, onnxruntime and tf2onnx; what Keras can't export, we export). Ours and ONNX Runtime take turns in bursts, with pauses between them, since
//! its threads spin for a while after a run. The numbers are medians over all bursts: of a `Predictor` with one and
//! with two threads, of `Model::predict_on_batch`, and of Keras's `predict_on_batch`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use keras_serial::export::ExportOptions;
use keras_serial::models::Predictor;
use keras_serial::prelude::*;

/// The models and the batch sizes.
const CASES: [(&str, usize); 13] = [
    ("mlp", 1),
    ("mlp", 256),
    ("conv", 1),
    ("conv", 8),
    ("depthwise", 1),
    ("lstm", 32),
    ("transformer", 8),
    ("dense4", 1),
    ("mobilenet_v2", 1),
    ("resnet50", 1),
    ("efficientnet_b0", 1),
    ("mobilenet_v2", 8),
    ("lstm", 1),
];

/// Bursts of each side, and how long one lasts.
const BURSTS: usize = 12;
const BURST: Duration = Duration::from_millis(80);
/// The pause after a burst.
const PAUSE: Duration = Duration::from_millis(60);

type Failure = Box<dyn std::error::Error>;

fn main() -> std::result::Result<(), Failure> {
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name == only);
    let cases: Vec<_> = CASES.into_iter().filter(|(name, _)| wanted(name)).collect();
    let home = tempfile::tempdir()?;
    let mut names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let mut peer = Peer::start(home.path(), &names)?;
    println!(
        "{:<22}{:>8}{:>10}{:>10}{:>8}{:>11}{:>10}{:>8}",
        "model, batch", "threads", "ours, ms", "ONNX, ms", "ratio", "predict, ms", "Keras, ms", "ratio"
    );
    for (name, batch) in cases {
        let model = load_model(home.path().join(format!("{name}.keras")))?;
        if !peer.has_onnx(name) {
            println!("{name}: ONNX Runtime runs our export");
            model.export(home.path().join(format!("{name}.onnx")), ExportOptions::onnx())?;
            peer.exported.push(name.to_owned());
        }
        check(&mut peer, &model, name, batch)?;
        for threads in [2, 1] {
            let row = measure(&mut peer, &model, name, batch, threads)?;
            println!("{:<22}{threads:>8}{row}", format!("{name}, {batch}"));
        }
    }
    Ok(())
}

/// Times one model with so many threads; returns the row of the table.
fn measure(
    peer: &mut Peer,
    model: &Model,
    name: &str,
    batch: usize,
    threads: usize,
) -> std::result::Result<String, Failure> {
    let predictor = Predictor::options().batch_sizes([batch]).threads(threads).build(model)?;
    let x = inputs(model, batch)?;
    let values: Vec<f32> = x.to_vec()?;
    let lengths = predictor.plans()[0].outputs().map(|spec| spec.shape.num_elements().unwrap_or(0));
    let mut out: Vec<Vec<f32>> = lengths.leaves().into_iter().map(|length| vec![0.0; *length]).collect();
    let mut once = || -> Result<f64> {
        let mut outputs: Vec<&mut [f32]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        let start = Instant::now();
        predictor.predict_into(&[&values], &mut outputs)?;
        Ok(start.elapsed().as_secs_f64())
    };
    once()?;
    let rounds = ((BURST.as_secs_f64() / once()?.max(1e-6)) as usize).clamp(3, 400);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..BURSTS {
        for round in 0..rounds + 2 {
            let seconds = once()?;
            if round >= 2 {
                ours.push(seconds);
            }
        }
        std::thread::sleep(PAUSE);
        theirs.extend(peer.ask(&format!("onnx {name} {batch} {threads} {rounds}"))?);
        std::thread::sleep(PAUSE);
    }
    let text = |seconds: f64| format!("{:.4}", seconds * 1e3);
    let ours = median(&mut ours);
    let theirs = median(&mut theirs);
    let (onnx, ratio) = (text(theirs), format!("{:.2}", ours / theirs));
    if threads != 2 {
        return Ok(format!("{:>10}{onnx:>10}{ratio:>8}", text(ours)));
    }
    let mut predict = Vec::new();
    for _ in 0..rounds.min(60) {
        let start = Instant::now();
        model.predict_on_batch(&x)?;
        predict.push(start.elapsed().as_secs_f64());
    }
    let predict = median(&mut predict);
    std::thread::sleep(PAUSE);
    let keras = median(&mut peer.ask(&format!("keras {name} {batch} {}", rounds.clamp(3, 30)))?);
    let by_keras = format!("{:.2}", predict / keras);
    Ok(format!("{:>10}{onnx:>10}{ratio:>8}{:>11}{:>10}{by_keras:>8}", text(ours), text(predict), text(keras)))
}

/// Fails if our numbers are not Keras's.
fn check(peer: &mut Peer, model: &Model, name: &str, batch: usize) -> std::result::Result<(), Failure> {
    let expected = peer.ask(&format!("values {name} {batch}"))?;
    let found: Vec<f32> = model.predict_on_batch(inputs(model, batch)?)?.into_single()?.to_vec()?;
    for (found, expected) in found.iter().zip(&expected) {
        if (f64::from(*found) - expected).abs() > 1e-5 + 1e-4 * expected.abs() {
            return Err(format!("{name}: {found} is not Keras's {expected}").into());
        }
    }
    Ok(())
}

fn inputs(model: &Model, batch: usize) -> Result<Tensor> {
    let shape: Shape = match model.inputs() {
        Some(inputs) => inputs.into_single()?.shape().dims().iter().map(|extent| extent.or(Some(batch))).collect(),
        None => Shape::from([batch]),
    };
    let count = shape.num_elements().unwrap_or(0);
    Tensor::from_vec((0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>(), shape)
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The process that runs ONNX Runtime and Keras.
struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The models that Keras could export.
    exported: Vec<String>,
}

impl Peer {
    fn start(folder: &Path, names: &[&str]) -> std::result::Result<Self, Failure> {
        let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let venv = std::env::var_os("KERAS_SERIAL_VENV").map_or(tests.join("../target/exchange-venv"), PathBuf::from);
        let mut child = Command::new(venv.join("bin/python"))
            .arg(tests.join("benches/inference.py"))
            .arg(folder)
            .args(names)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("no Python in {} (set KERAS_SERIAL_VENV): {error}", venv.display()))?;
        let requests = child.stdin.take().ok_or("no pipe to Python")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe from Python")?);
        let mut peer = Self { child, requests, answers, exported: Vec::new() };
        loop {
            let line = peer.line()?;
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["model", name, "onnx"] => peer.exported.push((*name).to_owned()),
                ["model", name, _] => println!("{name}: Keras can't export it"),
                ["ready"] => return Ok(peer),
                _ => return Err(format!("Python said {line:?}").into()),
            }
        }
    }

    fn has_onnx(&self, name: &str) -> bool {
        self.exported.iter().any(|exported| exported == name)
    }

    fn ask(&mut self, request: &str) -> std::result::Result<Vec<f64>, Failure> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        let line = self.line()?;
        Ok(line.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
    }

    fn line(&mut self) -> std::result::Result<String, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the Python process ended; run tests/benches/inference.py by hand to see why".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
