//! `completions`: what a shell needs to complete the arguments.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Status;
use super::arguments::Arguments;
use super::terminal::Terminal;
use crate::error::Result;

/// Print the completions for a shell.
///
/// For bash: `keras-serial completions bash > ~/.local/share/bash-completion/completions/keras-serial`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<Status> {
        let mut script = Vec::new();
        let mut command = Arguments::command();
        clap_complete::generate(self.shell, &mut command, program(), &mut script);
        terminal.write(&script)?;
        Ok(Status::Fine)
    }
}

/// Returns the name of this program, which may be a user's own.
pub(super) fn program() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "keras-serial".to_owned())
}
