//! The options for loading models and weights.

use std::sync::Arc;

use super::weights::rules::LoadRules;
use crate::files::Limits;
use crate::files::io::Look;
use crate::layers::LayerRef;
use crate::registry::{CustomObjects, Unknown};

/// Options for loading a model or its weights.
///
/// ```no_run
/// use keras_serial::saving::LoadOptions;
/// let model = LoadOptions::new().load_model("model.keras")?;
/// // Transfer learning: all but the head, from a file with another one.
/// let report = LoadOptions::new().skip("head").load_weights(&model, "other.weights.h5")?;
/// println!("{}", report.table());
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`load_model` and its like do the loading"]
pub struct LoadOptions {
    pub(super) custom_objects: CustomObjects,
    pub(super) limits: Limits,
    pub(super) strict: bool,
    pub(super) skip_mismatch: bool,
    pub(super) by_name: bool,
    pub(super) compile: bool,
    pub(super) memory_map: bool,
    pub(super) lambdas: Vec<(String, String)>,
    pub(super) unknown: Unknown,
    pub(super) rules: LoadRules,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            custom_objects: CustomObjects::default(),
            limits: Limits::default(),
            strict: true,
            skip_mismatch: false,
            by_name: false,
            compile: true,
            memory_map: false,
            lambdas: Vec::new(),
            unknown: Unknown::Refuse,
            rules: LoadRules::default(),
        }
    }
}

impl LoadOptions {
    /// Creates the default options: strict, within the default limits, without custom objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets objects that the file may name, in addition to the registered ones.
    pub fn custom_objects(mut self, custom_objects: CustomObjects) -> Self {
        self.custom_objects = custom_objects;
        self
    }

    /// Replaces a Python lambda of the file, whose code is never run, with the function registered under `name`. A
    /// place is `dense/activation` for the argument of a layer, or `compile_config/loss` for a model's loss. If all
    /// lambdas are the same function, `custom_objects` may name it `<lambda>` instead.
    pub fn replace_lambda(mut self, place: impl Into<String>, name: impl Into<String>) -> Self {
        self.lambdas.push((place.into(), name.into()));
        self
    }

    /// Sets what becomes of objects whose classes are not registered; they are refused by default.
    ///
    /// With [`Unknown::Keep`] they are placeholders: the model can be looked at, edited, used up to the first of them,
    /// and saved, with every bit of theirs as it was, but not trained. Models with such layers, and those that are
    /// compiled with an object that is not registered, are not compiled; their compile configuration and the
    /// optimizer's state are kept for the next save. The report lists the placeholders. After a class is registered,
    /// [`LoadOptions::revive`] puts it in its place.
    ///
    /// ```no_run
    /// use keras_serial::prelude::*;
    /// use keras_serial::registry::Unknown;
    /// let model = LoadOptions::new().unknown(Unknown::Keep).load_model("model.keras")?;
    /// println!("{}", model.summary()?); // … kernel_mult ([KernelMult]) …
    /// let error = model.predict(&Tensor::from_slice(&[1.0f32], [1, 1])?).unwrap_err();
    /// println!("{error}"); // … A struct to begin with: …
    /// # Ok::<(), Error>(())
    /// ```
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// Sets the limits for reading the file.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn custom_objects_in_force(&self) -> &CustomObjects {
        &self.custom_objects
    }

    /// Returns true if every weight is loaded under its own name, and nothing of the file is replaced.
    pub(super) fn takes_all(&self) -> bool {
        self.rules.is_empty() && self.lambdas.is_empty()
    }

    pub(super) fn limits_in_force(&self) -> &Limits {
        &self.limits
    }

    /// Sets whether the weights of the model and of the file must match exactly; true by default. If false, those
    /// that fit are loaded, and the report lists the rest.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether weights that are missing or of another shape are skipped, as Keras does with a warning; false by
    /// default. The report lists them.
    pub fn skip_mismatch(mut self, skip_mismatch: bool) -> Self {
        self.skip_mismatch = skip_mismatch;
        self
    }

    /// Sets whether the layers of a legacy file are matched by name instead of by order; false by default.
    pub fn by_name(mut self, by_name: bool) -> Self {
        self.by_name = by_name;
        self
    }

    /// Sets whether a loaded model is compiled as its file says, with the optimizer's state; true by default. If
    /// false, losses, metrics and optimizers need not be known, and what the file holds of them is kept unchanged for
    /// the next save.
    pub fn compile(mut self, compile: bool) -> Self {
        self.compile = compile;
        self
    }

    /// Sets whether the file is memory-mapped instead of read into memory; false by default.
    ///
    /// Weights are then slices of the mapping, where the file has aligned them (files written by this crate do,
    /// Keras's don't): a large model is available at once, and several processes share its memory.
    ///
    /// **Nobody may write to the file while the model, or any weight of it, is alive.** A process that truncates the
    /// file (Keras's own `save` starts by doing so) kills this one with a signal (`SIGBUS`) as soon as a weight is
    /// used, and one that overwrites it changes the loaded weights. Replacing the file by renaming another one over
    /// it, as this crate does, is safe.
    pub fn memory_map(mut self, memory_map: bool) -> Self {
        self.memory_map = memory_map;
        self
    }

    /// Returns how much of a file to load is read on opening.
    pub(super) fn look(&self) -> Look {
        if self.memory_map { Look::Mapped } else { Look::Kept }
    }

    /// Loads no weights into these layers, nor into their sublayers (`objects_to_skip`).
    pub fn objects_to_skip(mut self, layers: impl IntoIterator<Item = LayerRef>) -> Self {
        self.rules.objects.extend(layers);
        self
    }

    /// Loads only weights that match this pattern, or another one given by a further call.
    ///
    /// A pattern is a path, which includes everything below it, or contains `*` for any characters. Paths have several
    /// spellings, and every rule ([`only`](Self::only), [`skip`](Self::skip), [`rename`](Self::rename)) takes each of
    /// them, with or without a slash at the front:
    ///
    /// | spelling | for example |
    /// |---|---|
    /// | the path of the weight, as [`Variable::path`](crate::variable::Variable::path) has it | `dense/kernel` |
    /// | the names of the layers around it and its own | `encoder/dense/kernel`, `encoder` |
    /// | one of these after the name of the model | `model/encoder/dense/kernel` |
    /// | the path in the file, as reports and errors have it | `layers/functional/layers/dense/vars/0` |
    /// | for what only the file has: the names of its objects, where it tells them | `old_head` |
    ///
    /// A rule that matches nothing is an error, with near paths, and a note of the report with
    /// [`strict(false)`](Self::strict). The state of an optimizer is loaded whatever `only` says;
    /// `skip("optimizer")` leaves it out.
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.rules.only.push(pattern.into());
        self
    }

    /// Skips weights that match a pattern, as in [`LoadOptions::only`].
    pub fn skip(mut self, pattern: impl Into<String>) -> Self {
        self.rules.skip.push(pattern.into());
        self
    }

    /// Loads only weights for whose path `filter` returns true: the weight's own path (`dense/kernel`), or the path in
    /// the file for weights that only the file has.
    pub fn filter(mut self, filter: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.rules.filter = Some(Arc::new(filter));
        self
    }

    /// Loads what the file has at (or below) the path `in_file` into what the model has at `in_model`: objects or single
    /// weights, in any spelling that [`LoadOptions::only`] takes.
    pub fn rename(mut self, in_file: impl Into<String>, in_model: impl Into<String>) -> Self {
        self.rules.rename.push((in_file.into(), in_model.into()));
        self
    }
}
