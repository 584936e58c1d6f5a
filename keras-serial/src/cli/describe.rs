//! `describe`: one class or function, as Python's `help` does.

use clap::Args;

use super::terminal::Terminal;
use super::{Status, json, objects};
use crate::error::Result;
use crate::registry;

/// Describe a class or function: signature, arguments with their defaults, state, documentation.
#[derive(Debug, Args)]
pub(super) struct Describe {
    /// The name, alone or with its module or package: `Dense`, `keras.layers.Dense`, `MyLayers>Scale`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Describe {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<Status> {
        objects::check_any()?;
        let description = registry::describe(&self.name)?;
        if self.json {
            json::print(&description.to_value()?, terminal)?;
        } else {
            terminal.print(&description.to_string())?;
        }
        Ok(Status::Fine)
    }
}
