//! Migration of a user's own classes: older registered names, and configurations of older versions.

use keras_serial::json::{Value, value};
use keras_serial::prelude::*;
use keras_serial::registry;

/// A layer whose `size` was `width` in version 1, and a list in version 2.
#[register(package = "Versions", name = "Sized", aliases = ["OldVersions>Sized", "Versions>Wide"])]
#[derive(KerasSerializable)]
#[keras(new, version = 3, upgrade = upgrade, infer_version = infer)]
struct Sized3 {
    base: LayerBase,
    size: usize,
}

fn upgrade(version: u32, config: &mut Config) -> Result<()> {
    match version {
        1 => {
            let width = config.shift_remove("width").unwrap_or_default();
            config.insert("size".into(), Value::List(vec![width]));
        }
        _ => {
            let size = config.shift_remove("size").unwrap_or_default();
            config.insert("size".into(), size[0].clone());
        }
    }
    Ok(())
}

fn infer(config: &Config) -> u32 {
    match config.get("size") {
        None => 1,
        Some(Value::List(_)) => 2,
        Some(_) => 3,
    }
}

impl Layer for Sized3 {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

fn read(form: &Value) -> Result<usize> {
    let layer = LayerRef::deserialize(form, &CustomObjects::new())?;
    Ok(layer.get_config()?["size"].as_i64().unwrap() as usize)
}

#[test]
fn older_versions_are_upgraded_step_by_step() {
    let form = |version: Option<u32>, config: Value| value!({ "class_name": "Sized3", "registered_name": "Versions>Sized", "config": config, "config_version": version });
    assert_eq!(read(&form(Some(1), value!({ "width": 4 }))).unwrap(), 4);
    assert_eq!(read(&form(Some(2), value!({ "size": [5] }))).unwrap(), 5);
    assert_eq!(read(&form(Some(3), value!({ "size": 6 }))).unwrap(), 6);
    // Keras leaves the version out when it writes the file again.
    assert_eq!(read(&form(None, value!({ "width": 4 }))).unwrap(), 4);
    assert_eq!(read(&form(None, value!({ "size": [5] }))).unwrap(), 5);
    assert_eq!(read(&form(None, value!({ "size": 6 }))).unwrap(), 6);

    let error = read(&form(Some(4), value!({ "size": 6 }))).unwrap_err().to_string();
    assert!(error.contains("Expected a version from 1 to 3. Received: version 4"), "{error}");
    let mut wrong = form(Some(1), value!({ "width": 4 }));
    keras_serial::json::Access::set_at(&mut wrong, "config_version", "two").unwrap();
    let error = read(&wrong).unwrap_err().to_string();
    assert!(error.contains("wrong type for `config_version`"), "{error}");
}

#[test]
fn an_older_version_is_edited_as_it_is_read() {
    let mut form = value!({ "class_name": "Sized3", "registered_name": "Versions>Sized", "config": { "width": 4 } });
    registry::set(&mut form, "config.width", 5).unwrap();
    assert_eq!(read(&form).unwrap(), 5);
    let error = registry::set(&mut form, "config.width", "wide").unwrap_err().to_string();
    assert!(error.contains("Expected an integer"), "{error}");
    assert_eq!(form["config"]["width"], 5.into());
}

#[test]
fn only_types_that_have_a_version_write_one() {
    let form = Sized3::new(3).shared().serialize().unwrap();
    assert_eq!(form["config_version"], 3.into());
    assert_eq!(form["config"].get("config_version"), None);
    let dense = Dense::new(3).shared().serialize().unwrap();
    assert_eq!(dense.get("config_version"), None);
    assert_eq!(Sized3::description().unwrap().version.unwrap().current, 3);
}

#[test]
fn older_names_are_read_and_the_new_one_is_written() {
    for name in ["Versions>Sized", "OldVersions>Sized", "Versions>Wide"] {
        let form = value!({ "class_name": "Wide", "registered_name": name, "config": { "size": 6 } });
        let layer = LayerRef::deserialize(&form, &CustomObjects::new()).unwrap();
        assert_eq!(layer.serialize().unwrap()["registered_name"], "Versions>Sized".into());
    }
    let ours = registry::get_custom_objects().iter().filter(|entry| entry.class_name() == "Sized3").count();
    assert_eq!(ours, 1, "each object once, whatever its names");
    assert!(registry::describe("OldVersions>Sized").unwrap().to_string().contains("also called OldVersions>Sized"));
}

#[test]
fn an_older_name_is_taken_like_any_other() {
    let _own = registry::isolate();
    let twin = || keras_serial::entry!(Sized3).in_package("Else").also_named(&["OldVersions>Sized"]);
    let error = registry::register(twin()).unwrap_err().to_string();
    assert!(error.contains("`OldVersions>Sized` is registered at"), "{error}");
    assert!(registry::unregister("Versions>Sized"));
    assert!(registry::get_registered_object("OldVersions>Sized").is_err());
    registry::register(twin()).unwrap();
    assert_eq!(registry::get_registered_object("OldVersions>Sized").unwrap().registered_name(), "Else>Sized3");
}
