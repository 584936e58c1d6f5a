//! Dropping long chains without recursion.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    /// What is to be dropped after what is being dropped, while something is.
    static DROPPED: RefCell<Option<Vec<Box<dyn Any>>>> = const { RefCell::new(None) };
}

/// Drops a value now, or, where a value given to this function is being dropped, after that one. What holds
/// others of its kind in a chain (calls of a graph, layers in layers) drops them by this: thousands of them
/// would overflow the stack.
pub(crate) fn drop_later<T: 'static>(value: T) {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            let left = DROPPED.try_with(RefCell::take);
            drop(left);
        }
    }
    let mut value = Some(value);
    // While a thread ends the list may be gone.
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
    // Made for the outermost call alone: it ends the list when it is dropped.
    let end = begins.unwrap_or_default().then(|| End);
    drop(value);
    if end.is_some() {
        while let Some(next) = DROPPED.try_with(|dropped| dropped.borrow_mut().as_mut()?.pop()).ok().flatten() {
            drop(next);
        }
    }
}
