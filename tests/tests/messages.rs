//! What the messages say about mistakes that newcomers make: the page `book/src/messages.md` has the texts that are
//! produced here. `UPDATE_MESSAGES=1 cargo test -p keras-serial-tests --test messages` rewrites it.

#[path = "messages/calls.rs"]
mod calls;
#[path = "messages/compile_time.rs"]
mod compile_time;
#[path = "messages/configurations.rs"]
mod configurations;
#[path = "messages/files.rs"]
mod files;
#[path = "messages/own_objects.rs"]
mod own_objects;
#[path = "messages/training.rs"]
mod training;

use std::fmt::Write as _;
use std::path::Path;

use keras_serial::prelude::*;

const BEGIN: &str = "<!-- messages: begin -->\n";
const END: &str = "<!-- messages: end -->";

/// The sections of the page, as they are produced.
#[derive(Default)]
struct Page(String);

impl Page {
    fn section(&mut self, name: &str) {
        writeln!(self.0, "## {name}\n").unwrap();
    }

    /// Adds a mistake, and the message of the error that it gives.
    #[track_caller]
    fn error<T>(&mut self, mistake: &str, result: Result<T>) {
        match result {
            Ok(_) => panic!("no error: {mistake}"),
            Err(error) => self.entry(mistake, &error.to_string()),
        }
    }

    fn advice(&mut self, text: &str) {
        writeln!(self.0, "{text}\n").unwrap();
    }

    fn entry(&mut self, mistake: &str, message: &str) {
        writeln!(self.0, "{mistake}\n```text\n{}\n```\n", message.trim_end()).unwrap();
    }
}

/// Returns different numbers, the same ones on each call.
fn numbers<const N: usize>(shape: [usize; N]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| i as f32 * 0.1).collect::<Vec<f32>>(), shape).unwrap()
}

/// A model with one input of 4, and layers `body` and `head`.
fn one() -> Model {
    let layers = layers![Input::new([4]).name("x"), Dense::new(8).name("body"), Dense::new(2).name("head")];
    Sequential::named("model", layers).unwrap()
}

/// A model with inputs `a` and `b`, and outputs `y` and `z`.
fn two() -> Model {
    let a = Input::new([2]).name("a").tensor().unwrap();
    let b = Input::new([3]).name("b").tensor().unwrap();
    let both = Concatenate::new().name("both").apply(vec![a.clone(), b.clone()]).unwrap();
    let y = Dense::new(1).name("y").apply(&both).unwrap();
    let z = Dense::new(2).name("z").apply(&both).unwrap();
    Functional::named("two", Nested::dict([("a", a), ("b", b)]), Nested::dict([("y", y), ("z", z)])).unwrap()
}

fn dict<const N: usize>(tensors: [(&str, Tensor); N]) -> Nested<Tensor> {
    Nested::dict(tensors)
}

#[test]
fn the_page_of_messages_has_those_that_are_produced() {
    let mut page = Page::default();
    calls::add(&mut page);
    training::add(&mut page);
    own_objects::add(&mut page);
    configurations::add(&mut page);
    files::add(&mut page);
    compile_time::add(&mut page);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/messages.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (there, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}\n{}{END}{tail}", page.0)).unwrap();
        return;
    }
    let hint = "run `UPDATE_MESSAGES=1 cargo test -p keras-serial-tests --test messages`";
    for (there, produced) in there.trim_start().lines().zip(page.0.lines()) {
        assert_eq!(there, produced, "{hint}");
    }
    assert_eq!(there.trim_start(), page.0, "{hint}");
}
