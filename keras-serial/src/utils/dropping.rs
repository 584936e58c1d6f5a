//! Dropping long chains without recursion.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    /// The values that wait to be dropped while another one is.
    static DROPPED: RefCell<Option<Vec<Box<dyn Any>>>> = const { RefCell::new(None) };
}

/// Drops a value now, or, if another value is being dropped by this function, after that one. Long chains
/// (calls of a graph, nested layers) are dropped this way, because recursion would overflow the stack.
pub(crate) fn drop_later<T: 'static>(value: T) {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            let left = DROPPED.try_with(RefCell::take);
            drop(left);
        }
    }
    let mut value = Some(value);
    // The list is gone while a thread ends.
    let begins = DROPPED.try_with(|dropped| match &mut *dropped.borrow_mut() {
        Some(list) => {
            list.extend(value.take().map(|value| Box::new(value) as Box<dyn Any>));
            false
        }
        none => {
            *none = Some(Vec::new());
            true
        }
    });
    // Exists only in the outermost call, and clears the list when it is dropped.
    let end = begins.unwrap_or_default().then(|| End);
    drop(value);
    if end.is_some() {
        while let Some(next) = DROPPED.try_with(|dropped| dropped.borrow_mut().as_mut()?.pop()).ok().flatten() {
            drop(next);
        }
    }
}
