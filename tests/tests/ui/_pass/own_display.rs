//! An enum with a `Display` of its own.
use keras_serial::prelude::*;
#[derive(KerasEnum, Clone, Copy)]
pub enum Mode {
    One,
}
impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the first")
    }
}
pub(super) fn main() {
    println!("{}", Mode::One);
}
