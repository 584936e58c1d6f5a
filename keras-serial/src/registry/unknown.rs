//! Lists all unknown objects in the error about the first one.

use std::collections::HashSet;

use super::SpecialForm;
use super::deserialize::{find_class, find_function};
use crate::error::{Error, ErrorKind};
use crate::json::{Dict, Value};
use crate::object::Form;

/// The number of unknown objects listed besides the first one.
const MOST_UNKNOWN: usize = 50;

/// Adds the names of all other unknown objects to the error about the first one.
pub(super) fn with_all_unknown(error: Error, dict: &Dict) -> Error {
    if error.kind() != ErrorKind::UnknownObject {
        return error;
    }
    let mut found = Unknown::default();
    dict.values().for_each(|value| found.look(value));
    found.names.retain(|name| !error.message().starts_with(&format!("unknown object `{name}`")));
    if found.names.is_empty() {
        return error;
    }
    let more = if found.names.len() > MOST_UNKNOWN { " and more" } else { "" };
    let names: Vec<String> = found.names.iter().take(MOST_UNKNOWN).map(|name| format!("`{name}`")).collect();
    error.and(format!("; unknown, too: {}{more}", names.join(", ")))
}

/// The objects in a value that have no registry entry, each once.
#[derive(Default)]
struct Unknown<'a> {
    names: Vec<&'a str>,
    /// The looked up modules, classes and names: files hold thousands of one class.
    seen: HashSet<[Option<&'a str>; 3]>,
}

impl<'a> Unknown<'a> {
    fn look(&mut self, value: &'a Value) {
        match value {
            // Further ones are not listed.
            _ if self.names.len() > MOST_UNKNOWN + 1 => {}
            Value::List(items) => items.iter().for_each(|item| self.look(item)),
            Value::Dict(dict) => {
                if let Ok(Some(form)) = Form::of(dict) {
                    self.look_up(&form);
                }
                dict.values().for_each(|item| self.look(item));
            }
            _ => {}
        }
    }

    fn look_up(&mut self, form: &Form<'a>) {
        let is_function = form.class_name == "function";
        let name = if is_function { form.config().as_str() } else { form.registered_name() };
        if !self.seen.insert([form.module(), Some(form.class_name), name]) {
            return;
        }
        let is_special =
            inventory::iter::<SpecialForm>.into_iter().any(|special| special.class_name == form.class_name);
        // Operations are looked up elsewhere, with errors of their own.
        let is_operation = form.module().is_some_and(|module| module.contains("keras") && module.contains(".ops"));
        if is_special || is_operation || form.class_name.starts_with("__") {
            return;
        }
        let found = if is_function { find_function(form, false) } else { find_class(form, false) };
        let name = name.unwrap_or(form.class_name);
        if found.is_err_and(|error| error.kind() == ErrorKind::UnknownObject) && !self.names.contains(&name) {
            self.names.push(name);
        }
    }
}
