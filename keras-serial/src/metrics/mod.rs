//! How good predictions are, gathered over batches (`keras.metrics`).
