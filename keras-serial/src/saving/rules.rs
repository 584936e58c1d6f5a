//! Rules for which weights of a file are loaded where: filters, renames, skipped objects.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::layers::LayerRef;

type Filter = dyn Fn(&str) -> bool + Send + Sync;

/// What a load skips or renames.
#[derive(Clone, Default)]
pub(super) struct Rules {
    pub only: Vec<String>,
    pub skip: Vec<String>,
    pub filter: Option<Arc<Filter>>,
    pub rename: Vec<(String, String)>,
    pub objects: Vec<LayerRef>,
}

impl Rules {
    /// Returns true if all weights are loaded under their own names.
    pub fn is_empty(&self) -> bool {
        self.only.is_empty()
            && self.skip.is_empty()
            && self.filter.is_none()
            && self.rename.is_empty()
            && self.objects.is_empty()
    }

    /// Returns true if a weight is to be loaded, by its path in the file or its own path.
    pub fn wants(&self, in_file: &str, own: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|p| matches(p, in_file) || matches(p, own));
        (self.only.is_empty() || any(&self.only))
            && !any(&self.skip)
            && self.filter.as_ref().is_none_or(|filter| filter(own))
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
        self.objects.iter().any(|object| object.with_layers_below().iter().any(|inner| inner.is_same(layer)))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("only", &self.only)
            .field("skip", &self.skip)
            .field("filter", &self.filter.is_some())
            .field("rename", &self.rename)
            .finish_non_exhaustive()
    }
}

/// Returns true if a path matches a pattern, in which `*` stands for any characters. A pattern without
/// `*` matches a path and everything below it.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
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

    #[test]
    fn renames_lead_from_the_model_to_the_file() {
        let rules = Rules { rename: vec![("layers/old".into(), "layers/new".into())], ..Rules::default() };
        assert_eq!(rules.in_file("layers/new/vars/0"), "layers/old/vars/0");
        assert_eq!(rules.in_file("layers/newer/vars/0"), "layers/newer/vars/0");
    }
}
