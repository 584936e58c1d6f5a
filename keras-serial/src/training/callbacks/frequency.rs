//! How often a callback acts.

/// How often a callback acts: after each epoch, or every few batches.
///
/// ```
/// use keras_serial::training::callbacks::Frequency;
/// assert_eq!(Frequency::from(100), Frequency::Batches(100));
/// assert_eq!(Frequency::default(), Frequency::Epoch);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Frequency {
    /// After each epoch (Keras's `"epoch"`).
    #[default]
    Epoch,
    /// After this many batches (1 is Keras's `"batch"`).
    Batches(usize),
}

impl From<usize> for Frequency {
    fn from(batches: usize) -> Self {
        Self::Batches(batches)
    }
}

/// Counts batches; callbacks see only the last batch of each call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchCounter {
    since: usize,
    last: Option<usize>,
}

impl BatchCounter {
    /// Returns true if the callback is due after this batch.
    pub fn is_due(&mut self, batch: usize, frequency: Frequency) -> bool {
        let Frequency::Batches(every) = frequency else { return false };
        self.since += match self.last {
            Some(last) if batch > last => batch - last,
            _ => batch + 1,
        };
        self.last = Some(batch);
        let due = self.since >= every;
        if due {
            self.since = 0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_counted_over_epochs() {
        let mut counter = BatchCounter::default();
        let mut due = |batches: &[usize]| -> Vec<bool> {
            batches.iter().map(|batch| counter.is_due(*batch, Frequency::Batches(3))).collect()
        };
        assert_eq!(due(&[0, 1, 2, 3]), [false, false, true, false]);
        // A new epoch, with two batches per call.
        assert_eq!(due(&[1, 3]), [true, false]);
    }
}
