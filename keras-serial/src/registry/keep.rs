//! Keeping of objects whose classes are not registered, where that is asked for.

use std::cell::RefCell;
use std::marker::PhantomData;

use super::{TypedHandle, skeleton_of};
use crate::config::Placeholder;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::object::{Kind, Object, note_deserialized, note_kept, scope_number};

/// What loading does with objects whose classes are not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Unknown {
    /// They are an error, which names all of them.
    #[default]
    Refuse,
    /// They are kept as [`Placeholder`]s, which are saved as they were loaded and never run. Using one is an error.
    ///
    /// So are objects that can't be made without an unknown one inside, classes of Keras that this crate does not
    /// support, and code (`Lambda`), which stays data.
    Keep,
}

thread_local! {
    /// What was kept so far, if unknown objects are kept.
    static KEPT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// A guard: while it lives, objects whose classes are not registered are kept as [`Placeholder`]s when they are
/// deserialized on this thread.
///
/// ```
/// use keras_serial::json::value;
/// use keras_serial::prelude::*;
/// use keras_serial::registry::KeepUnknown;
///
/// let form = value!({
///     "module": "my.layers", "class_name": "KernelMult", "config": { "units": 3 },
///     "registered_name": "Elsewhere>KernelMult",
/// });
/// let layer = {
///     let _keep = KeepUnknown::enter();
///     LayerRef::deserialize(&form, &CustomObjects::new())?
/// };
/// assert_eq!(layer.placeholder().unwrap().registered_name(), "Elsewhere>KernelMult");
/// assert_eq!(layer.serialize()?, form);
/// assert!(layer.apply(&Tensor::from_slice(&[1.0f32], [1, 1])?).is_err());
/// # Ok::<(), Error>(())
/// ```
#[must_use = "unknown objects are refused again when the guard is dropped"]
pub struct KeepUnknown {
    before: Option<Vec<String>>,
    /// Not `Send`: a guard belongs to the thread that entered it.
    _thread: PhantomData<*const ()>,
}

impl KeepUnknown {
    /// Keeps unknown objects until the guard is dropped.
    pub fn enter() -> Self {
        Self { before: KEPT.replace(Some(Vec::new())), _thread: PhantomData }
    }

    /// Returns what was kept, by kind and name: `layer kernel_mult (MyLayers>KernelMult)`.
    pub fn placeholders(self) -> Vec<String> {
        KEPT.with_borrow(Clone::clone).unwrap_or_default()
    }
}

impl Drop for KeepUnknown {
    fn drop(&mut self) {
        KEPT.set(self.before.take());
    }
}

/// Returns true if unknown objects are kept on this thread.
pub(crate) fn keeps_unknown() -> bool {
    KEPT.with_borrow(Option::is_some)
}

/// Returns true if an object that could not be made for this reason is kept.
fn is_kept(error: &Error) -> bool {
    use ErrorKind::{CodeRefused, UnknownObject, Unsupported};
    keeps_unknown() && matches!(error.kind(), UnknownObject | Unsupported | CodeRefused)
}

/// Keeps an object of the kind of `H` that could not be made, if that is asked for.
pub(crate) fn keep<H: TypedHandle>(form: &Value, error: Error) -> Result<H> {
    let kept = if is_kept(&error) { H::keep(placeholder(form, H::KIND, error.clone())) } else { None };
    let kept = kept.ok_or(error)?;
    if let Some(id) = form.get("shared_object_id").and_then(Value::as_i64) {
        note_deserialized(id, &Object::new(kept.clone()));
    }
    Ok(kept)
}

/// Returns what stands for an object without a special kind that could not be made, if that is asked for.
pub(super) fn keep_plain(form: &Value, error: Error) -> Result<Placeholder> {
    if !is_kept(&error) {
        return Err(error);
    }
    Ok(placeholder(form, Kind::Object, error))
}

fn placeholder(form: &Value, kind: Kind, reason: Error) -> Placeholder {
    let mut form = form.clone();
    if let Value::Dict(form) = &mut form {
        // Both belong to what is around the object, and are written anew with it.
        form.shift_remove("inbound_nodes");
        form.shift_remove("shared_object_id");
    }
    note_kept(&mut form);
    let placeholder = Placeholder::new(form, kind, scope_number(), reason, error_of_use);
    KEPT.with_borrow_mut(|kept| kept.iter_mut().for_each(|kept| kept.push(told(&placeholder))));
    placeholder
}

/// Returns the line of a report for a placeholder.
fn told(placeholder: &Placeholder) -> String {
    let (kind, class) = (placeholder.kind(), placeholder.registered_name());
    let config = placeholder.form().get("config");
    let name = placeholder.form().get("name").or_else(|| config?.get("name")).and_then(Value::as_str);
    match name {
        Some(name) => format!("{kind} {name} ({class})"),
        None => format!("{kind} {class}"),
    }
}

/// Returns the error of the use of a placeholder.
fn error_of_use(placeholder: &Placeholder) -> Error {
    let (kind, name) = (placeholder.kind(), placeholder.registered_name());
    let reason = placeholder.reason();
    let error = if reason.kind() == ErrorKind::UnknownObject && reason.path().is_empty() {
        format!("the {kind} `{name}` is a placeholder, because its class is not registered")
    } else {
        format!("the {kind} `{name}` is a placeholder: {}", placeholder.reason_text())
    };
    Error::new(ErrorKind::UnknownObject, error).hint(format!(
        "it was loaded with `Unknown::Keep`; register the class, or give it as `custom_objects`, to use it. A struct to \
         begin with:\n\n{}",
        skeleton_of(placeholder.form(), kind)
    ))
}
