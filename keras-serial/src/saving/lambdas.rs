//! Replaces the Python lambdas of a file with registered functions.

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};
use crate::registry::is_code;
use crate::utils::join;

/// Replaces lambdas with functions, by rules of a place and a registered name. A place is
/// `layer/argument` (`dense/activation`), or `compile_config/loss`.
///
/// # Errors
/// When a rule matches no lambda; lists the places of the lambdas that there are.
pub(super) fn replace(config: &mut Value, rules: &[(String, String)]) -> Result<()> {
    let mut walk = Walk { rules, met: vec![false; rules.len()], places: Vec::new() };
    walk.value(config, "");
    for ((place, _), met) in rules.iter().zip(&walk.met) {
        if !met {
            let places = if walk.places.is_empty() { "none".to_owned() } else { walk.places.join(", ") };
            return Err(Error::new(ErrorKind::InvalidArgument, "no lambda of the file stands at this place")
                .expected(format!("the place of one: {places}"))
                .received(format!("replace_lambda({place:?}, …)")));
        }
    }
    Ok(())
}

struct Walk<'a> {
    rules: &'a [(String, String)],
    met: Vec<bool>,
    places: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value, place: &str) {
        if is_lambda(value) {
            self.places.push(place.to_owned());
            let suits = |rule: &str| place == rule || place.strip_suffix(rule).is_some_and(|rest| rest.ends_with('/'));
            for ((rule, name), met) in self.rules.iter().zip(&mut self.met) {
                if suits(rule) {
                    *met = true;
                    *value = function(name);
                    return;
                }
            }
            return;
        }
        match value {
            Value::List(items) => {
                items.iter_mut().enumerate().for_each(|(i, item)| self.value(item, &join(place, &format!("[{i}]"))));
            }
            Value::Dict(dict) => self.dict(dict, place),
            _ => {}
        }
    }

    fn dict(&mut self, dict: &mut Dict, place: &str) {
        if !dict.contains_key("class_name") {
            dict.iter_mut().for_each(|(key, item)| self.value(item, &join(place, key)));
            return;
        }
        // An object's place is its own name; the model itself, and lists of layers, have none.
        let name = dict.get("config").and_then(|config| config.get("name")).and_then(Value::as_str);
        let own = if place.is_empty() { String::new() } else { name.map_or_else(|| place.to_owned(), str::to_owned) };
        if let Some(Value::Dict(config)) = dict.get_mut("config") {
            config.iter_mut().for_each(|(key, item)| {
                let below = if key == "layers" { "layers".to_owned() } else { join(&own, key) };
                self.value(item, &below);
            });
        }
        if let Some(compile) = dict.get_mut("compile_config") {
            self.value(compile, &join(&own, "compile_config"));
        }
    }
}

/// Returns true if the value is a Python lambda, in one of the forms that Keras writes.
fn is_lambda(value: &Value) -> bool {
    match value {
        Value::Str(name) => name == "<lambda>",
        Value::Dict(dict) => match dict.get("class_name").and_then(Value::as_str) {
            Some("__lambda__") => true,
            Some("function") => dict.get("config").and_then(Value::as_str) == Some("<lambda>"),
            Some(_) => false,
            None => is_code(dict),
        },
        _ => false,
    }
}

fn function(name: &str) -> Value {
    Value::Dict(Dict::from([
        ("module".to_owned(), Value::from("builtins")),
        ("class_name".to_owned(), Value::from("function")),
        ("config".to_owned(), Value::from(name)),
        ("registered_name".to_owned(), Value::from("function")),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_are_found_by_their_places() {
        let text = r#"{"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "Dense", "config": {"name": "d", "activation": {"value": ["code", null, null]}}}]},
            "compile_config": {"loss": "<lambda>", "metrics": [{"class_name": "__lambda__", "config": {}}]}}"#;
        let mut config = Value::parse(text).unwrap();
        let rules =
            ["d/activation", "compile_config/loss", "metrics[0]"].map(|place| (place.to_owned(), "a>f".to_owned()));
        replace(&mut config, &rules).unwrap();
        assert_eq!(config.to_json().matches("a>f").count(), 3);
        let error = replace(&mut Value::parse(text).unwrap(), &[("d/bias".into(), "a>f".into())]).unwrap_err();
        assert!(error.to_string().contains("d/activation, compile_config/loss, compile_config/metrics[0]"), "{error}");
    }
}
