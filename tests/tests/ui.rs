//! Wrong uses of the macros give errors that say what is wrong and what to do; the right ones are in
//! `ui_pass.rs`.

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("tests/ui/[a-z]*/*.rs");
}
