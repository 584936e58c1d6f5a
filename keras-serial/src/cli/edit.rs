//! `edit`: a file with other names, without some of its objects, or with other arrays.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};

use super::output::Overwrite;
use super::progress::Waiting;
use super::terminal::Terminal;
use super::{Status, input};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::Look;
use crate::files::{FileEditor, FileForm, Layout, Limits, NpyArray, TensorBytes};
use crate::json::Value;

/// Rename, delete and add layers and weights of a file, and set values of its configuration.
///
/// Changes are made in the order of the arguments. An object is named by its path (`layers/dense_1`), or by its name
/// alone if that is unique; a weight by the path that `inspect` lists. The configuration follows: a renamed layer is
/// renamed in all that refers to it.
#[derive(Debug, Args)]
pub(super) struct Edit {
    /// The file to edit; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write, in a format that names weights as FILE does; `-` is standard output.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Rename an object: `--rename dense=classifier`.
    #[arg(long, value_name = "OBJECT=NAME", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// Set a value of the configuration, which its class must accept where it is linked: `--set
    /// 'config/layers[dense]/config/activation="relu"'`. VALUE is JSON, or a text. Paths are those that `diff` prints.
    #[arg(long, value_name = "PATH=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Delete an object with all in it, or a weight.
    #[arg(long, value_name = "PATH")]
    delete: Vec<String>,
    /// Add a weight, or replace one, by an array of NumPy: `--add layers/dense/vars/0=kernel.npy`. Its object is made if
    /// there is none.
    #[arg(long, value_name = "PATH=FILE.npy", value_parser = pair)]
    add: Vec<(String, String)>,
    #[command(flatten)]
    overwrite: Overwrite,
}

/// Splits `A=B`.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(a, b)| !a.is_empty() && !b.is_empty());
    pair.map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(|| "expected two names with `=` between them".to_owned())
}

/// A change to a file.
enum Change<'a> {
    Rename(&'a str, &'a str),
    Set(&'a str, &'a str),
    Delete(&'a str),
    Add(&'a str, &'a str),
}

impl Edit {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal, matches: Option<&ArgMatches>) -> Result<Status> {
        let changes = self.changes(matches);
        if changes.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "there is nothing to change")
                .expected("`--rename`, `--set`, `--delete` or `--add`"));
        }
        let file = input::open(&self.file, limits, Look::Checked)?;
        let suffix = match file.form() {
            FileForm::Directory => FileForm::Keras.suffix(),
            form => form.suffix(),
        };
        let mut editor = FileEditor::of(file).at_with(|| input::name(&self.file))?;
        for change in &changes {
            change.apply(&mut editor, limits).at_with(|| input::name(&self.file))?;
        }
        let added = self.add.iter().map(|(_, file)| Path::new(file));
        let inputs: Vec<&Path> = std::iter::once(self.file.as_path()).chain(added).collect();
        let _waiting = Waiting::new("writing", terminal);
        self.overwrite.write(&self.output, &inputs, suffix, terminal, |path| {
            editor.save(path).map_err(|error| input::from(&self.file, error))
        })?;
        terminal.detail(&format!("{} changes made", changes.len()));
        Ok(Status::Fine)
    }

    /// Returns the changes in the order of the arguments.
    fn changes(&self, matches: Option<&ArgMatches>) -> Vec<Change<'_>> {
        let places = |name: &str| matches.and_then(|matches| matches.indices_of(name)).into_iter().flatten();
        let mut changes: Vec<(usize, Change<'_>)> = Vec::new();
        changes.extend(places("rename").zip(self.rename.iter().map(|(object, name)| Change::Rename(object, name))));
        changes.extend(places("set").zip(self.set.iter().map(|(path, value)| Change::Set(path, value))));
        changes.extend(places("delete").zip(self.delete.iter().map(|path| Change::Delete(path))));
        changes.extend(places("add").zip(self.add.iter().map(|(path, file)| Change::Add(path, file))));
        changes.sort_by_key(|(place, _)| *place);
        changes.into_iter().map(|(_, change)| change).collect()
    }
}

impl Change<'_> {
    fn apply(&self, editor: &mut FileEditor, limits: &Limits) -> Result<()> {
        match *self {
            Change::Rename(object, name) => editor.rename_object(object, name),
            Change::Set(path, value) => {
                let value = Value::parse(value).unwrap_or_else(|_| value.into());
                editor.set_config(path, value)
            }
            Change::Delete(path) if editor.weights().tensor(path).is_some() => {
                let (object, weight) = split(editor, path);
                editor.delete_weight(&object, &weight)
            }
            Change::Delete(object) => editor.delete_object(object),
            Change::Add(path, file) => {
                let (object, weight) = split(editor, path);
                let arrays = [(weight, array(file, limits)?)];
                match editor.weights().group(&object) {
                    Some(_) => editor.add_weights(&object, arrays),
                    None => editor.add_object(&object, arrays),
                }
            }
        }
    }
}

/// Splits the path of a weight into that of its object and the weight's name in it.
fn split(editor: &FileEditor, path: &str) -> (String, String) {
    let path = path.trim_matches('/');
    if editor.layout() == Layout::Legacy {
        // The names of weights are paths, in the groups of layers.
        let (root, rest) = match path.split_once('/') {
            Some((root, rest)) if root == crate::files::legacy::WEIGHTS => (format!("{root}/"), rest),
            _ => (String::new(), path),
        };
        let (layer, weight) = rest.split_once('/').unwrap_or((rest, "0"));
        return (format!("{root}{layer}"), weight.to_owned());
    }
    let (object, weight) = path.rsplit_once('/').unwrap_or((path, "0"));
    (object.strip_suffix("/vars").unwrap_or(object).to_owned(), weight.to_owned())
}

/// Reads the array of a weight.
fn array(file: &str, limits: &Limits) -> Result<TensorBytes> {
    match NpyArray::open(file, limits)? {
        NpyArray::Numbers(array) => Ok(array),
        NpyArray::Texts { .. } => {
            Err(Error::new(ErrorKind::DType, "texts are no weights").expected("numbers").at(file.to_owned()))
        }
    }
}
