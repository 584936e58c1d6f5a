//! Progress bars on standard error, for what lasts over a second.

use std::io::IsTerminal;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;

/// The time after which a bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears once its work has lasted a second, and vanishes with it. There is none with `--quiet`, or where
/// standard error is no terminal.
pub(super) struct Waiting {
    bar: ProgressBar,
    /// Ends the thread that shows the bar, when it is dropped.
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Starts to wait for work of unknown length.
    pub(super) fn new(what: &'static str, terminal: &Terminal) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::default_spinner());
        Self::start(bar, what, terminal)
    }

    /// Starts to wait for as many rows, if that is known.
    pub(super) fn rows(rows: Option<u64>, what: &'static str, terminal: &Terminal) -> Self {
        let bar = ProgressBar::with_draw_target(rows, ProgressDrawTarget::hidden());
        let template = match rows {
            Some(_) => "{msg} {bar:30} {pos}/{len} rows, {eta} left",
            None => "{msg} {spinner} {pos} rows",
        };
        // The templates are sound; another style would be no reason to stop.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::start(bar, what, terminal)
    }

    fn start(bar: ProgressBar, what: &'static str, terminal: &Terminal) -> Self {
        bar.set_message(what);
        if terminal.is_quiet() || !std::io::stderr().is_terminal() {
            return Self { bar, done: None, thread: None };
        }
        let (done, ended) = mpsc::channel::<()>();
        let shown = bar.clone();
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, done: Some(done), thread: Some(thread) }
    }

    /// Tells that this many more rows are done.
    pub(super) fn advance(&self, rows: u64) {
        self.bar.inc(rows);
    }

    /// Prints something else, with the bar out of the way.
    pub(super) fn pause(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            // The thread can't panic, and if it did, the bar is not worth an error.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
