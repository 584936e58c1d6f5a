//! Right uses of the macros compile, and the generated code raises no lint, not even a pedantic one of
//! clippy (`cargo clippy --all-targets` checks those).

#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]
#![allow(dead_code, clippy::unnecessary_wraps, reason = "types and functions are here for their expansions")]

#[path = "ui/_pass/bounds.rs"]
mod bounds;
#[path = "ui/_pass/default_calls_config.rs"]
mod default_calls_config;
#[path = "ui/_pass/everything.rs"]
mod everything;
#[path = "ui/_pass/forbidden_lints.rs"]
mod forbidden_lints;
#[path = "ui/_pass/generic.rs"]
mod generic;
#[path = "ui/_pass/generic_default.rs"]
mod generic_default;
#[path = "ui/_pass/generic_skip.rs"]
mod generic_skip;
#[path = "ui/_pass/hygiene.rs"]
mod hygiene;
#[path = "ui/_pass/macros.rs"]
mod macros;
#[path = "ui/_pass/names_of_the_prelude.rs"]
mod names_of_the_prelude;
#[path = "ui/_pass/other_crate_name.rs"]
mod other_crate_name;
#[path = "ui/_pass/own_display.rs"]
mod own_display;
#[path = "ui/_pass/own_traits.rs"]
mod own_traits;
#[path = "ui/_pass/raw_names.rs"]
mod raw_names;
#[path = "ui/_pass/unused_setters.rs"]
mod unused_setters;
#[path = "ui/_pass/where_clause.rs"]
mod where_clause;
#[path = "ui/_pass/without_imports.rs"]
mod without_imports;
#[path = "ui/_pass/without_prelude.rs"]
mod without_prelude;

#[test]
fn bounds() {
    bounds::main();
}

#[test]
fn default_calls_config() {
    default_calls_config::main();
}

#[test]
fn everything() {
    everything::main();
}

#[test]
fn forbidden_lints() {
    forbidden_lints::main();
}

#[test]
fn generic() {
    generic::main();
}

#[test]
fn generic_default() {
    generic_default::main();
}

#[test]
fn generic_skip() {
    generic_skip::main();
}

#[test]
fn hygiene() {
    hygiene::main();
}

#[test]
fn macros() {
    macros::main();
}

#[test]
fn names_of_the_prelude() {
    names_of_the_prelude::main();
}

#[test]
fn other_crate_name() {
    other_crate_name::main();
}

#[test]
fn own_display() {
    own_display::main();
}

#[test]
fn own_traits() {
    own_traits::main();
}

#[test]
fn raw_names() {
    raw_names::main();
}

#[test]
fn unused_setters() {
    unused_setters::main();
}

#[test]
fn where_clause() {
    where_clause::main();
}

#[test]
fn without_imports() {
    without_imports::main();
}

#[test]
fn without_prelude() {
    without_prelude::main();
}
