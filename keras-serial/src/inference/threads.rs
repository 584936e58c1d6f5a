//! The threads of the process that share the work of predictions.

use std::time::Duration;

use keras_serial_kernels::Pool;

use crate::error::{Error, ErrorKind, Result};

/// Sets how many threads share the work of a prediction, the calling one among them; one for each processor by
/// default. A [`Predictor`](crate::models::Predictor) can have threads of its own.
///
/// # Errors
/// Once a prediction has started the threads.
pub fn set_threads(threads: usize) -> Result<()> {
    Pool::set_global(Pool::new(threads)).map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, "the threads of predictions have started already")
            .hint("set their number before the first prediction, or give a `Predictor` threads of its own")
    })
}

/// Sets how long an idle thread waits for work, busily, before it sleeps; 200 microseconds by default. A longer time
/// makes predictions in quick succession faster, and takes the processor from others.
pub fn set_spin(spin: Duration) {
    Pool::global().set_spin(spin);
}
