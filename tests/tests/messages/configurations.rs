//! Mistakes in configurations: JSON from elsewhere, or written by hand.

use keras_serial::json::Value;
use keras_serial::prelude::*;
use keras_serial::registry;

use crate::Page;

pub fn add(page: &mut Page) {
    page.section("Configurations");
    let object = |class: &str, config: &str| {
        let text = format!(
            r#"{{"module": "keras.layers", "class_name": "{class}", "config": {config}, "registered_name": null}}"#
        );
        registry::deserialize(&Value::parse(&text)?)
    };
    let dense = |config: &str| object("Dense", config);
    page.error("`{\"units\": \"many\"}` for a `Dense`.", dense(r#"{"units": "many"}"#));
    page.error("`{\"units\": 3.5}`", dense(r#"{"units": 3.5}"#));
    page.error("`{\"activation\": \"relu\"}`", dense(r#"{"activation": "relu"}"#));
    page.error("`{\"units\": 3, \"activatoin\": \"relu\"}`", dense(r#"{"units": 3, "activatoin": "relu"}"#));
    page.error("`{\"units\": 3, \"dtype\": \"float99\"}`", dense(r#"{"units": 3, "dtype": "float99"}"#));
    let loss = r#"{"units": 3, "kernel_initializer": {"module": "keras.losses", "class_name": "MeanSquaredError", "config": {}, "registered_name": null}}"#;
    page.error("A loss as an initializer.", dense(loss));
    page.error("A misspelt class.", object("Dens", "{}"));
    let lambda = r#"{"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA"}}}"#;
    page.error("Code of Python.", object("Lambda", lambda));
    page.error("JSON that ends too early.", model_from_json("{\"class_name\": ", &CustomObjects::new()));
    page.error("JSON that is no model.", model_from_json("{}", &CustomObjects::new()));
}
