//! Names of objects and paths of weights, as Keras makes them.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// Converts a class name to snake case, `MultiHeadAttention` to `multi_head_attention`
/// (`keras.src.utils.naming.to_snake_case`).
pub fn to_snake_case(name: &str) -> String {
    let name: Vec<char> = name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut out = String::new();
    for (i, character) in name.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| name.get(i));
        let after = name.get(i + 1);
        let boundary = character.is_ascii_uppercase()
            && before.is_some_and(|b| b.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase));
        if boundary {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

/// Puts an article before what begins with a noun or an adjective; a quoted text has none.
pub(crate) fn with_article(text: &str) -> String {
    match text.chars().next() {
        Some('"') => text.to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {text}"),
        _ => format!("a {text}"),
    }
}

/// Joins a path and a name.
#[cfg(any(feature = "engine", feature = "files"))]
pub(crate) fn join(path: &str, name: &str) -> String {
    let separator = if path.is_empty() || name.starts_with('[') { "" } else { "/" };
    format!("{path}{separator}{name}")
}

thread_local! {
    static COUNTS: RefCell<HashMap<String, usize>> = RefCell::new(HashMap::new());
}

thread_local! {
    static REUSED: RefCell<HashMap<String, VecDeque<String>>> = RefCell::new(HashMap::new());
}

/// A guard: while it lives, objects get these names, by the snake case of their class, before new ones.
pub(crate) struct ReusedNames(HashMap<String, VecDeque<String>>);

impl ReusedNames {
    pub(crate) fn enter(names: HashMap<String, VecDeque<String>>) -> Self {
        Self(REUSED.replace(names))
    }
}

impl Drop for ReusedNames {
    fn drop(&mut self) {
        REUSED.set(std::mem::take(&mut self.0));
    }
}

/// Returns the next automatic name of a class on this thread: `dense`, `dense_1`, …
pub fn auto_name(class_name: &str) -> String {
    let prefix = to_snake_case(class_name);
    if let Some(name) = REUSED.with_borrow_mut(|reused| reused.get_mut(&prefix)?.pop_front()) {
        return name;
    }
    COUNTS.with_borrow_mut(|counts| {
        let count = counts.entry(prefix.clone()).or_insert(0);
        let name = if *count == 0 { prefix } else { format!("{prefix}_{count}") };
        *count += 1;
        name
    })
}

/// Resets the automatic names of this thread (`keras.utils.clear_session`).
pub fn clear_session() {
    COUNTS.with_borrow_mut(HashMap::clear);
}

thread_local! {
    static SCOPES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A guard: while it lives, weights are created under this name: `sequential/dense/kernel`.
pub(crate) struct NameScope(());

impl NameScope {
    pub(crate) fn enter(name: &str) -> Self {
        SCOPES.with_borrow_mut(|scopes| scopes.push(name.to_owned()));
        Self(())
    }
}

impl Drop for NameScope {
    fn drop(&mut self) {
        SCOPES.with_borrow_mut(|scopes| {
            scopes.pop();
        });
    }
}

/// Returns the path of a weight of this name in the current scopes.
pub(crate) fn scope_path(name: &str) -> String {
    SCOPES.with_borrow(|scopes| {
        let mut path = scopes.join("/");
        if !path.is_empty() {
            path.push('/');
        }
        path + name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // from keras.src.utils.naming import to_snake_case
    #[test]
    fn names_are_keras_names() {
        for (class, name) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("LSTMCell", "lstm_cell"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("MyDense", "my_dense"),
            ("ReLU", "re_lu"),
        ] {
            assert_eq!(to_snake_case(class), name);
        }
    }
}
