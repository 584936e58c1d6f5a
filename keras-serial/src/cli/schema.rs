//! `schema`: JSON Schema of configurations, for editors and validators.

use clap::Args;

use super::terminal::Terminal;
use super::{Status, json, objects};
use crate::error::Result;
use crate::object::Kind;
use crate::registry;

/// Print the JSON Schema of a class's serialized objects, of those of a kind, or of whole models.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The name of a class or function, as `describe` takes it, or a kind, such as `layer`; whole models by default.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Schema {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<Status> {
        objects::check_any()?;
        let schema = match &self.name {
            None => registry::model_schema(),
            Some(name) => match kind(name) {
                Some(kind) => registry::schema_of_kind(kind),
                None => registry::schema(name)?,
            },
        };
        json::print(&schema, terminal)?;
        Ok(Status::Fine)
    }
}

/// Returns the kind of objects with this name: `layer`.
fn kind(name: &str) -> Option<Kind> {
    registry::entries().iter().flat_map(|entry| entry.kinds()).find(|kind| kind.to_string() == name)
}
