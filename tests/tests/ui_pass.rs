//! Right uses of the macros compile, and what the macros write raises no lint, not even clippy's
//! pedantic ones (`cargo clippy --all-targets` runs those).

#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]
#![allow(dead_code, reason = "the types are here for their expansions")]

#[path = "ui/_pass/everything.rs"]
mod everything;
#[path = "ui/_pass/generic.rs"]
mod generic;
#[path = "ui/_pass/without_imports.rs"]
mod without_imports;

#[test]
fn everything() {
    everything::main();
}

#[test]
fn generic() {
    generic::main();
}

#[test]
fn without_imports() {
    without_imports::main();
}
