//! Recurrent layers (`keras.layers`, RNN): cells, and the layers that run them over sequences.

#[macro_use]
mod macros;
mod bidirectional;
mod cell;
mod conv_lstm1d;
mod conv_lstm2d;
mod conv_lstm3d;
mod conv_lstm_cell;
mod dropout;
mod forget_bias;
mod gru;
mod gru_cell;
mod lstm;
mod lstm_cell;
mod recurrence;
#[expect(clippy::module_inception, reason = "the layer's own name")]
mod rnn;
mod simple_rnn;
mod simple_rnn_cell;
mod stacked_rnn_cells;
mod time_distributed;

pub use bidirectional::{Bidirectional, MergeMode};
pub use cell::{CellRun, RnnCell};
pub use conv_lstm1d::ConvLSTM1D;
pub use conv_lstm2d::ConvLSTM2D;
pub use conv_lstm3d::ConvLSTM3D;
pub use dropout::Rate;
pub use gru::GRU;
pub use gru_cell::GRUCell;
pub use lstm::LSTM;
pub use lstm_cell::LSTMCell;
pub use rnn::{Cell, RNN};
pub use simple_rnn::SimpleRNN;
pub use simple_rnn_cell::SimpleRNNCell;
pub use stacked_rnn_cells::StackedRNNCells;
pub use time_distributed::TimeDistributed;
