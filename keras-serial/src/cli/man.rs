//! `man`: the manual pages.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use super::Status;
use super::arguments::Arguments;
use super::terminal::Terminal;
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::files::write_atomically;

/// Print the manual page, or that of a command: `keras-serial man scan | man -l -`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command.
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    command: Option<String>,
    /// Write the pages of all commands into this folder.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<Status> {
        let mut whole = Arguments::command().name(super::completions::program());
        whole.build();
        if let Some(folder) = &self.output {
            std::fs::create_dir_all(folder).map_err(Error::from).at_with(|| folder.display().to_string())?;
            for command in std::iter::once(&whole).chain(commands(&whole)) {
                let page = Page::new(command.clone());
                write_atomically(folder.join(page.get_filename()), |file| Ok(page.render(file)?))?;
            }
            return Ok(Status::Fine);
        }
        let command = match &self.command {
            None => &whole,
            Some(name) => commands(&whole).find(|command| command.get_name() == name).ok_or_else(|| {
                let error = Error::new(ErrorKind::InvalidArgument, format!("there is no command `{name}`"));
                match did_you_mean(name, commands(&whole).map(Command::get_name)) {
                    Some(near) => error.hint(near),
                    None => error,
                }
            })?,
        };
        let mut page = Vec::new();
        Page::new(command.clone()).render(&mut page)?;
        terminal.write(&page)?;
        Ok(Status::Fine)
    }
}

/// Returns the commands that have a page.
fn commands(whole: &Command) -> impl Iterator<Item = &Command> {
    whole.get_subcommands().filter(|command| command.get_name() != "help")
}
