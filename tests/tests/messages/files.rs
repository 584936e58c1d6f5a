//! Mistakes with files.

use std::path::Path;

use keras_serial::prelude::*;
use keras_serial::saving::{FileEditor, Limits, convert, scan};

use crate::{Page, one, two};

/// Adds the messages of errors about files in one directory, which they do not name.
struct Files<'a> {
    page: &'a mut Page,
    home: &'a Path,
}

impl Files<'_> {
    #[track_caller]
    fn error<T>(&mut self, mistake: &str, result: Result<T>) {
        match result {
            Ok(_) => panic!("no error: {mistake}"),
            Err(error) => self.entry(mistake, &error.to_string()),
        }
    }

    fn entry(&mut self, mistake: &str, text: &str) {
        let home = self.home.display().to_string();
        self.page.entry(mistake, &text.replace(&format!("{home}/"), "").replace(&home, "."));
    }
}

pub fn add(page: &mut Page) {
    page.section("Files");
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let mut page = Files { page, home };
    let (model, weights) = (home.join("model.keras"), home.join("model.weights.h5"));
    one().save(&model).unwrap();
    one().save(home.join("model.h5")).unwrap();
    one().save_weights(&weights).unwrap();
    names_and_contents(&mut page, &model, &weights);
    weights_of_other_models(&mut page, &model, &weights);
    tools(&mut page, &model, &weights);
}

fn names_and_contents(page: &mut Files<'_>, model: &Path, weights: &Path) {
    let home = page.home;
    let bytes = std::fs::read(model).unwrap();
    let with = |name: &str, contents: &[u8]| {
        std::fs::write(home.join(name), contents).unwrap();
        load_model(home.join(name))
    };
    page.error("A file that is not there.", load_model(home.join("modle.keras")));
    page.error("A file without an ending that is not there.", load_model(home.join("model")));
    page.error("A directory that is no model.", load_model(home));
    page.error("A file that is cut short.", with("cut.keras", &bytes[..bytes.len() / 2]));
    page.error("An empty file.", with("empty.keras", b""));
    page.error("A text by the name of a model.", with("notes.keras", b"These are notes."));
    page.error("A pointer of Git LFS.", with("lfs.keras", b"version https://git-lfs.github.com/spec/v1\n"));
    let old = std::fs::read(home.join("model.h5")).unwrap();
    page.error("An `.h5` file by the name of a `.keras` file.", with("old.keras", &old));
    page.error("A `.keras` file by the name of an `.h5` file.", with("new.h5", &bytes));
    page.error("Another ending.", one().save(home.join("model.kears")));
    page.error("A directory that does not exist.", one().save(home.join("models/model.keras")));
    page.error("Weights as a model.", load_model(weights));
    page.error("Weights by the name of a model.", one().save_weights(home.join("weights.h5")));
}

fn weights_of_other_models(page: &mut Files<'_>, model: &Path, weights: &Path) {
    page.error("The weights of another model.", two().load_weights(weights));
    let longer =
        layers![Input::new([4]), Dense::new(8).name("body"), Dense::new(2).name("head"), Dense::new(2).name("more"),];
    let longer = Sequential::named("model", longer).unwrap();
    page.error("Weights for a layer less.", longer.load_weights(weights));
    let unbuilt = Sequential::named("model", layers![Dense::new(8), Dense::new(2)]).unwrap();
    page.error("Weights for a model that is not built.", unbuilt.load_weights(weights));
    let only = LoadOptions::new().only("bdoy").load_weights(&one(), weights);
    page.error("A misspelt rule: `LoadOptions::new().only(\"bdoy\")`.", only);
    let file = page.home.join("less.keras");
    let mut editor = FileEditor::open(model).unwrap();
    editor.delete_weight("layers/dense_1", "1").unwrap();
    editor.save(&file).unwrap();
    page.error("A file without one of its weights.", load_model(&file));
}

fn tools(page: &mut Files<'_>, model: &Path, weights: &Path) {
    let home = page.home;
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    page.error("A form that is none.", convert(model, home.join("model.onx"), &load, &save));
    page.error("Weights alone to a model.", convert(weights, home.join("other.keras"), &load, &save));
    let renamed = |old: &str, new: &str| {
        let mut editor = FileEditor::open(model)?;
        editor.rename_object(old, new)?;
        editor.save(home.join("renamed.keras"))
    };
    page.error("A misspelt object for the editor.", renamed("dens", "classifier"));
    page.error("A name that is taken.", renamed("body", "head"));
    let limits = Limits::default().with_max_config_bytes(10);
    page.error("A file beyond the limits.", LoadOptions::new().limits(limits).load_model(model));
    let report = scan(home.join("cut.keras"), &Limits::default());
    page.entry("What `scan` prints about a file that is cut short.", &report.to_string());
}
