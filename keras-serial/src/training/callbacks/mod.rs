//! Callbacks: code that runs at certain points of training (`keras.callbacks`).

mod callback;
mod csv_logger;
mod early_stopping;
pub(crate) mod frequency;
mod history;
#[cfg(feature = "plot")]
mod history_chart;
mod history_plot;
mod history_text;
mod lambda_callback;
mod learning_rate_scheduler;
mod list;
pub(crate) mod monitor;
pub(crate) mod output;
mod progbar;
mod progbar_logger;
pub(crate) mod python_format;
mod rates;
mod reduce_lr_on_plateau;
mod swap_ema_weights;
mod tensorboard;
mod terminate_on_nan;
#[cfg(test)]
pub(crate) mod testing;

pub use callback::{Callback, CallbackContext, CallbackParams, Logs};
pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use frequency::Frequency;
pub use history::History;
pub use history_plot::HistoryPlot;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use list::CallbackList;
pub use monitor::MonitorMode;
pub use progbar_logger::ProgbarLogger;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use swap_ema_weights::SwapEMAWeights;
pub use tensorboard::TensorBoard;
pub use terminate_on_nan::TerminateOnNaN;
