//! Seeded mutations of files, and the parsers that run on them: shared by the tests and the fuzzer.

mod bytes;
mod json;
mod models;
mod numbers;
mod targets;

pub use bytes::mutate_bytes;
pub use json::{mutate_json, systematic};
pub use models::archives;
pub use numbers::Numbers;
pub use targets::{TARGETS, Target, replace_member};
