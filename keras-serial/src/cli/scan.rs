//! `scan`: what an untrusted file holds, needs and hides.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::progress::Waiting;
use super::terminal::{CYAN, RED, Terminal, YELLOW, styled};
use super::{Status, input, json, sarif};
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::Look;
use crate::files::{Code, Finding, Limits, ModelFile, ScanReport, Severity};

/// Check files from an untrusted source: what they contain, need and hide.
///
/// No object is made from a file, and no code of it is run. Findings have stable codes, which `--codes` lists. The
/// exit status is 1 if there are warnings or errors, or other findings with a code that `--deny` names.
#[derive(Debug, Args)]
pub(super) struct Scan {
    /// The files to check; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "codes")]
    files: Vec<PathBuf>,
    /// Print JSON: a list with an entry for each file.
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0, for the code scanning of GitHub and others.
    #[arg(long)]
    sarif: bool,
    /// Let findings with this code make the exit status 1, though they are notes; `all` stands for all codes.
    #[arg(long, value_name = "CODE", value_parser = codes)]
    deny: Vec<Vec<Code>>,
    /// Let findings with this code not make the exit status 1.
    #[arg(long, value_name = "CODE", value_parser = codes)]
    allow: Vec<Vec<Code>>,
    /// Also read all weights: checksums, broken data, NaN and infinities.
    #[arg(long)]
    weights: bool,
    /// Also make the model, as a program would that loads the file.
    #[arg(long)]
    load: bool,
    /// List the codes and their meanings.
    #[arg(long)]
    codes: bool,
}

/// The result for one file.
#[derive(Serialize)]
pub(super) struct Scanned {
    pub(super) file: String,
    #[serde(flatten)]
    pub(super) report: ScanReport,
}

/// Parses the name of a code, or `all`.
fn codes(text: &str) -> Result<Vec<Code>, String> {
    if text == "all" {
        return Ok(Code::ALL.to_vec());
    }
    let known = Code::ALL.iter().find(|code| code.name().eq_ignore_ascii_case(text));
    known.map(|code| vec![*code]).ok_or_else(|| {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        format!("the codes are {}, all", names.join(", "))
    })
}

impl Scan {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        if self.codes {
            return list(terminal);
        }
        let mut scanned = Vec::new();
        let mut failed = false;
        let waiting = Waiting::new("scanning", terminal);
        for file in &self.files {
            match self.scan(file, limits) {
                Ok(report) => scanned.push(Scanned { file: input::name(file), report }),
                Err(error) => {
                    failed = true;
                    waiting.pause(|| terminal.error(&error));
                }
            }
        }
        drop(waiting);
        if self.sarif {
            json::print(&sarif::log(&scanned), terminal)?;
        } else if self.json {
            json::print(&scanned, terminal)?;
        } else {
            scanned.iter().try_for_each(|one| print(one, terminal))?;
        }
        let counts = |finding: &Finding| self.counts(finding);
        Ok(match scanned.iter().flat_map(|one| &one.report.findings).any(counts) {
            _ if failed => Status::Failed,
            true => Status::Findings,
            false => Status::Fine,
        })
    }

    /// Scans a file.
    ///
    /// # Errors
    /// When it can't be read for a reason that says nothing about its contents: there is none, or its name tells no
    /// format.
    fn scan(&self, path: &Path, limits: &Limits) -> Result<ScanReport> {
        let look = if self.weights { Look::Checked } else { Look::Names };
        let mut report = ScanReport::new();
        match input::open(path, limits, look) {
            Ok(file) => {
                report.look_at(&file);
                if self.weights {
                    report.read_weights(&file);
                }
                if self.load && file.config().is_some() {
                    load(&file, limits, &mut report)?;
                }
            }
            Err(error) if error.kind() == ErrorKind::InvalidArgument || is_of_system(path, &error) => {
                return Err(error);
            }
            Err(error) => report.refuse(&error),
        }
        report.sort();
        Ok(report)
    }

    /// Returns true for a finding that makes the exit status 1.
    fn counts(&self, finding: &Finding) -> bool {
        let has = |lists: &[Vec<Code>]| lists.iter().flatten().any(|code| *code == finding.code);
        has(&self.deny) || finding.severity > Severity::Note && !has(&self.allow)
    }
}

/// Returns true for an error of opening the file itself, which says nothing about its contents.
fn is_of_system(path: &Path, error: &Error) -> bool {
    error.kind() == ErrorKind::Io && error.path() == input::name(path)
}

/// Makes the model of a file; adds a finding if that fails.
#[cfg(feature = "archive")]
fn load(file: &ModelFile, limits: &Limits, report: &mut ScanReport) -> Result<()> {
    if let Err(error) = crate::saving::LoadOptions::new().limits(limits.clone()).load_model_file(file) {
        let code = if error.kind() == ErrorKind::Weights { Code::KS402 } else { Code::KS403 };
        report.add(code, error.path(), error.to_string());
    }
    Ok(())
}

#[cfg(not(feature = "archive"))]
fn load(_: &ModelFile, _: &Limits, _: &mut ScanReport) -> Result<()> {
    Err(super::lacks("scan --load", "archive"))
}

/// Prints the codes.
fn list(terminal: &Terminal) -> Result<Status> {
    for code in Code::ALL {
        terminal.print(&format!("{} {:7} {}\n", code.name(), code.severity().name(), code.meaning()))?;
    }
    Ok(Status::Fine)
}

/// Returns the place of a finding in its file, and its text, without what the other parts say.
pub(super) fn parts<'a>(scanned: &'a Scanned, finding: &'a Finding) -> (&'a str, &'a str) {
    let place = finding.place.as_str();
    let text = finding.text.strip_prefix(place).and_then(|text| text.strip_prefix(": ")).unwrap_or(&finding.text);
    let inside = place.strip_prefix(&*scanned.file).map(|inside| inside.trim_start_matches('/'));
    (inside.unwrap_or(place), text)
}

/// Prints the findings of a file, and how many there are.
fn print(scanned: &Scanned, terminal: &Terminal) -> Result<()> {
    let mut text = String::new();
    for finding in &scanned.report.findings {
        let style = match finding.severity {
            Severity::Note => CYAN,
            Severity::Warning => YELLOW,
            Severity::Error => RED,
        };
        let kind = styled(style, &format!("{} {}", finding.code.name(), finding.severity.name()));
        let (place, what) = parts(scanned, finding);
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        text.push_str(&format!(
            "{}: {kind}: {}\n",
            styled(anstyle::Style::new(), &scanned.file),
            styled(anstyle::Style::new(), &format!("{place}{what}"))
        ));
    }
    if !terminal.is_quiet() {
        let count = match scanned.report.findings.len() {
            0 => "no findings".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        text.push_str(&styled(anstyle::Style::new(), &format!("{}: {count}\n", scanned.file)));
    }
    terminal.print_styled(&text)
}
