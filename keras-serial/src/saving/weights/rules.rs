//! Rules for which weights of a file are loaded where: filters, renames, skipped objects.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::spellings::Spellings;
use crate::error::{Result, ResultExt};
use crate::layers::LayerRef;
use crate::utils::join;
use crate::variable::Variable;

type Filter = dyn Fn(&str) -> bool + Send + Sync;

/// What a load is asked to skip, or to look up under another name.
#[derive(Clone, Default)]
pub(in crate::saving) struct LoadRules {
    pub only: Vec<String>,
    pub skip: Vec<String>,
    pub filter: Option<Arc<Filter>>,
    /// Paths in the file, and in the model.
    pub rename: Vec<(String, String)>,
    pub objects: Vec<LayerRef>,
}

impl LoadRules {
    /// Returns true if all weights are loaded under their own names.
    pub fn is_empty(&self) -> bool {
        self.are_about_objects() && self.objects.is_empty()
    }

    /// Returns true if no rule names a path.
    fn are_about_objects(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.filter.is_none() && self.rename.is_empty()
    }
}

impl fmt::Debug for LoadRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadRules")
            .field("only", &self.only)
            .field("skip", &self.skip)
            .field("filter", &self.filter.is_some())
            .field("rename", &self.rename)
            .finish_non_exhaustive()
    }
}

/// Returns true if a layer is one of these objects, or inside one.
pub(in crate::saving) fn is_within(objects: &[LayerRef], layer: &LayerRef) -> bool {
    objects.iter().any(|object| object.with_layers_below().iter().any(|inner| inner.is_same(layer)))
}

/// The rules of one load, resolved for its model and file; records which of them have matched.
pub(in crate::saving) struct Rules {
    given: LoadRules,
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
    /// Paths in the file, and in the model as files of this layout have them.
    rename: Vec<(String, String)>,
    /// Renames of which one side is not there, in words.
    unmet: Vec<Unmet>,
    filtered: Cell<bool>,
    spellings: Spellings,
}

/// A pattern, and whether it has matched.
struct Pattern {
    text: String,
    met: Cell<bool>,
}

impl Pattern {
    fn matches<'a>(&self, mut spellings: impl Iterator<Item = &'a str>) -> bool {
        let met = spellings.any(|spelling| matches(&self.text, spelling));
        self.met.set(self.met.get() || met);
        met
    }
}

/// A rule that matches nothing, and a suggestion.
struct Unmet {
    rule: String,
    hint: String,
}

impl Rules {
    /// Resolves rules for a model and a file's weights.
    ///
    /// # Errors
    /// When the path of a rename stands for several objects.
    pub fn new(given: &LoadRules, spellings: impl FnOnce() -> Spellings) -> Result<Self> {
        let spellings = if given.are_about_objects() { Spellings::default() } else { spellings() };
        let patterns = |texts: &[String]| {
            let pattern = |text: &String| Pattern { text: spellings.plain(text), met: Cell::new(false) };
            texts.iter().map(pattern).collect()
        };
        let (mut rename, mut unmet) = (Vec::new(), Vec::new());
        for (from, to) in &given.rename {
            let rule = || format!("rename({from:?}, {to:?})");
            match spellings.of_model(to).at_with(rule)? {
                None => {
                    unmet.push(Unmet { rule: rule(), hint: format!("in the model, {}", spellings.near_in_model(to)) })
                }
                Some(to) => match spellings.of_file(from, &to).at_with(rule)? {
                    None => {
                        unmet.push(Unmet {
                            rule: rule(),
                            hint: format!("in the file, {}", spellings.near_in_file(from)),
                        });
                    }
                    Some(from) => rename.push((from, to)),
                },
            }
        }
        let (only, skip) = (patterns(&given.only), patterns(&given.skip));
        Ok(Self { given: given.clone(), only, skip, rename, unmet, filtered: Cell::new(false), spellings })
    }

    /// Returns true if a weight of the model is to be loaded, which the file has at this path.
    pub fn wants(&self, in_file: &str, weight: &Variable) -> bool {
        let spellings = || self.spellings.of_weight(weight).chain([in_file]);
        self.decide(&spellings, weight.path())
    }

    /// Returns true if a state is to be loaded that a layer keeps by name.
    pub fn wants_state(&self, in_file: &str, layer: &LayerRef, name: &str) -> bool {
        let own: Vec<String> = self.spellings.of_layer(layer).map(|path| join(path, name)).collect();
        let path = own.first().map_or(in_file, String::as_str);
        self.decide(&|| own.iter().map(String::as_str).chain([in_file]), path)
    }

    /// Returns true if a weight that only the file has is not skipped.
    pub fn wants_unknown(&self, in_file: &str) -> bool {
        let own = self.spellings.in_file(in_file);
        self.decide(&|| own.iter().map(String::as_str), in_file)
    }

    /// Returns true if the state of an optimizer is to be loaded. `only` and `filter` choose among the weights of
    /// layers, and not among states.
    pub fn wants_optimizer(&self, in_file: &str) -> bool {
        let own = self.spellings.in_file(in_file);
        let spellings = || own.iter().map(String::as_str);
        let count = |patterns: &[Pattern]| patterns.iter().filter(|pattern| pattern.matches(spellings())).count();
        let (_, skip) = (count(&self.only), count(&self.skip));
        skip == 0
    }

    /// Checks every rule, so that each records whether it matches anything.
    fn decide<'a, I: Iterator<Item = &'a str>>(&self, spellings: &dyn Fn() -> I, path: &str) -> bool {
        let count = |patterns: &[Pattern]| patterns.iter().filter(|pattern| pattern.matches(spellings())).count();
        let (only, skip) = (count(&self.only), count(&self.skip));
        let passes = self.given.filter.as_ref().is_none_or(|filter| filter(path));
        self.filtered.set(self.filtered.get() || passes);
        passes && skip == 0 && (only > 0 || self.only.is_empty())
    }

    /// Returns the path in the file of what the model has at `path`.
    pub fn in_file<'a>(&self, path: &'a str) -> Cow<'a, str> {
        for (from, to) in &self.rename {
            if let Some(rest) = path.strip_prefix(to.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                return Cow::Owned(format!("{from}{rest}"));
            }
        }
        Cow::Borrowed(path)
    }

    /// Returns true if a layer, or one that contains it, is skipped.
    pub fn leaves_out(&self, layer: &LayerRef) -> bool {
        is_within(&self.given.objects, layer)
    }

    /// Returns a line for each rule that has matched nothing, with similar paths.
    pub fn unmet(&self) -> Vec<String> {
        let line = |rule: &str, hint: &str| format!("{rule} matches nothing: {hint}");
        let of = |name: &str, given: &[String], patterns: &[Pattern]| {
            let unmet = given.iter().zip(patterns).filter(|(_, pattern)| !pattern.met.get());
            let line = |(text, pattern): (&String, &Pattern)| {
                line(&format!("{name}({text:?})"), &self.spellings.near(&pattern.text))
            };
            unmet.map(line).collect::<Vec<_>>()
        };
        let mut lines = of("only", &self.given.only, &self.only);
        lines.extend(of("skip", &self.given.skip, &self.skip));
        lines.extend(self.unmet.iter().map(|unmet| line(&unmet.rule, &unmet.hint)));
        if self.given.filter.is_some() && !self.filtered.get() {
            lines.push(line("filter(…)", &format!("it is false for all weights, {}", self.spellings.some_weights())));
        }
        lines
    }
}

/// Returns true if a path matches a pattern, in which `*` stands for any characters. A pattern without
/// `*` matches a path and everything below it.
pub(in crate::saving) fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty() || rest.starts_with('/');
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_paths() {
        assert!(matches("layers/dense", "layers/dense/vars/0"));
        assert!(!matches("layers/dense", "layers/dense_1/vars/0"));
        assert!(matches("*/bias", "model/dense/bias"));
        assert!(matches("layers/dense*", "layers/dense_1/vars/0"));
        assert!(matches("*dense*/1", "layers/dense_1/vars/1"));
        assert!(!matches("*dense*/1", "layers/dense_1/vars/0"));
        assert!(matches("*", "anything"));
    }
}
