//! Checks that the table in the README matches the registry: `UPDATE_README=1 cargo test --test readme`
//! rewrites it.

use std::collections::BTreeMap;
use std::path::Path;

use keras_serial::registry::entries;

const BEGIN: &str = "<!-- supported: begin -->\n";
const END: &str = "<!-- supported: end -->";

/// Returns a row for each public module of Keras, with the objects registered in it.
fn table() -> String {
    let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let all = entries();
    for entry in &all {
        if let Some(module) = entry.module().filter(|module| !module.starts_with("keras.src")) {
            modules.entry(module).or_default().push(entry.class_name());
        }
    }
    let rows = modules.into_iter().map(|(module, mut names)| {
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("| `{module}` | {} | {} |\n", names.len(), names.join(" "))
    });
    format!("| module | objects | names |\n|---|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_readme_tells_what_is_registered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (table_there, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{}{END}{tail}", table())).unwrap();
        return;
    }
    assert_eq!(table_there, table(), "run `UPDATE_README=1 cargo test -p keras-serial-tests --test readme`");
}
