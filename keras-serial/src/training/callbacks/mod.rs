//! What is done besides training while it runs (`keras.callbacks`).

mod callback;
mod history;
mod list;

pub use callback::{Callback, CallbackContext, CallbackParams, Logs};
pub use history::History;
pub use list::CallbackList;
