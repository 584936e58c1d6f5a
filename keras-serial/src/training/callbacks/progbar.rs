//! Keras's progress bar as text.

use super::python_format::{fixed, scientific};
use indexmap::IndexMap;

/// The width of the bar in characters.
const WIDTH: usize = 20;
/// The shortest time between two updates, in seconds.
const INTERVAL: f64 = 0.05;

/// Formats the progress of one epoch (`keras.utils.Progbar`, with all values stateless: shown without
/// averaging).
#[derive(Debug)]
pub struct Progbar {
    target: Option<usize>,
    verbose: u8,
    /// Whether the bar is redrawn in place, with colours.
    dynamic: bool,
    values: IndexMap<String, f64>,
    last_update: Option<f64>,
    time_after_first_step: Option<f64>,
    previous_width: usize,
}

impl Progbar {
    pub fn new(target: Option<usize>, verbose: u8, dynamic: bool) -> Self {
        Self {
            target,
            verbose,
            dynamic,
            values: IndexMap::new(),
            last_update: None,
            time_after_first_step: None,
            previous_width: 0,
        }
    }

    pub fn set_target(&mut self, target: usize) {
        self.target = Some(target);
    }

    /// Returns the text to write after `current` steps, `elapsed` seconds after the start; empty if it
    /// is too soon after the last update.
    pub fn update<'v>(
        &mut self,
        current: usize,
        values: impl IntoIterator<Item = (&'v String, &'v f64)>,
        finalize: bool,
        elapsed: f64,
    ) -> Option<String> {
        for (name, value) in values {
            self.values.insert(name.clone(), *value);
        }
        let per_step = self.step_duration(current, elapsed);
        let target = self.target.filter(|target| *target > 0);
        match (self.verbose, target) {
            (1, target) => {
                if !finalize && self.last_update.is_some_and(|last| elapsed - last < INTERVAL) {
                    return None;
                }
                self.last_update = Some(elapsed);
                Some(self.bar(current, target, finalize, elapsed, per_step))
            }
            (2, Some(target)) if finalize => {
                let mut text = format!("{} - {}s -{}", count(current, target), fixed(elapsed, 0), duration(per_step));
                for (name, value) in &self.values {
                    text += &format!(" - {name}: {}", number(*value, *value));
                }
                Some(text + "\n")
            }
            _ => None,
        }
    }

    fn bar(&mut self, current: usize, target: Option<usize>, finalize: bool, elapsed: f64, per_step: f64) -> String {
        let styled = |style: &str, text: &str| match self.dynamic {
            true => format!("\x1b[{style}m{text}\x1b[0m"),
            false => text.to_owned(),
        };
        let (mut text, mut width) = match target {
            Some(target) => {
                let filled = (WIDTH * current / target).min(WIDTH);
                let mut bar = styled("1", &count(current, target)) + " ";
                if filled > 0 {
                    bar += &styled("32", &"━".repeat(filled));
                }
                bar += &styled("37", &"━".repeat(WIDTH - filled));
                (bar, count(current, target).chars().count() + 1 + WIDTH)
            }
            None => {
                let bar = format!("{current:>7}/Unknown");
                let width = bar.chars().count();
                (bar, width)
            }
        };
        let time = match target {
            Some(target) if !finalize => eta(per_step * (target as f64 - current as f64)),
            _ => fixed(elapsed, 0) + "s",
        };
        let mut rest = duration(per_step);
        for (name, value) in &self.values {
            rest += &format!(" - {name}: {}", number(*value, value.abs()));
        }
        text += &format!(" {}{rest}", styled("1", &time));
        width += 1 + time.chars().count() + rest.chars().count();

        let before = if self.dynamic { "\x08".repeat(self.previous_width) + "\r" } else { "\n".to_owned() };
        // Overwrites the rest of a longer previous text.
        let after = " ".repeat(if self.dynamic { self.previous_width.saturating_sub(width) } else { 0 });
        self.previous_width = width;
        format!("{before}{text}{after}{}", if finalize { "\n" } else { "" })
    }

    /// Returns the duration of a step; the first one doesn't count once there are more.
    fn step_duration(&mut self, current: usize, elapsed: f64) -> f64 {
        let duration = match self.time_after_first_step {
            _ if current == 0 => return 0.0,
            Some(first) if current > 1 => (elapsed - first) / (current - 1) as f64,
            _ => elapsed / current as f64,
        };
        if current == 1 {
            self.time_after_first_step = Some(elapsed);
        }
        duration
    }
}

/// Formats a count: ` 5/10`.
fn count(current: usize, target: usize) -> String {
    format!("{current:>digits$}/{target}", digits = target.to_string().len())
}

/// Formats a value with four digits, small ones with an exponent.
fn number(value: f64, compared: f64) -> String {
    if compared > 1e-3 { fixed(value, 4) } else { scientific(value, 4) }
}

fn duration(seconds: f64) -> String {
    let (amount, unit) = if seconds >= 1.0 || seconds == 0.0 {
        (seconds, "s")
    } else if seconds >= 1e-3 {
        (seconds * 1e3, "ms")
    } else {
        (seconds * 1e6, "us")
    };
    format!(" {}{unit}/step", fixed(amount, 0))
}

fn eta(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    if seconds > 3600.0 {
        format!("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60)
    } else if seconds > 60.0 {
        format!("{}:{:02}", whole / 60, whole % 60)
    } else {
        format!("{whole}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(values: &[(&str, f64)]) -> IndexMap<String, f64> {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    /// Returns the updates of one epoch; the second comes too soon.
    fn updates(target: Option<usize>, verbose: u8, dynamic: bool) -> Vec<String> {
        let mut bar = Progbar::new(target, verbose, dynamic);
        let mut texts = Vec::new();
        texts.extend(bar.update(1, &logs(&[("loss", 0.5)]), false, 0.01));
        texts.extend(bar.update(2, &logs(&[("loss", 0.25)]), false, 0.02));
        texts.extend(bar.update(5, &logs(&[("loss", 0.0001), ("acc", -2.0)]), false, 0.5));
        bar.set_target(10);
        texts.extend(bar.update(10, &logs(&[("loss", 0.125), ("val_loss", -1.0)]), true, 3.2));
        texts
    }

    // p = keras.utils.Progbar(TARGET, verbose=VERBOSE, stateless_metrics=[]), with a clock that is set by hand:
    // p.update(1, [("loss", 0.5)], finalize=False) at 0.01 s, …
    #[test]
    fn a_terminal_sees_what_keras_draws() {
        let texts = updates(Some(10), 1, true);
        let (full, empty) = ("━".repeat(10), "━".repeat(18));
        assert_eq!(
            texts[0],
            format!(
                "\r\x1b[1m 1/10\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m{empty}\x1b[0m \x1b[1m0s\x1b[0m 10ms/step - loss: 0.5000"
            )
        );
        let back = "\x08".repeat(54);
        assert_eq!(
            texts[1],
            format!(
                "{back}\r\x1b[1m 5/10\x1b[0m \x1b[32m{full}\x1b[0m\x1b[37m{full}\x1b[0m \x1b[1m0s\x1b[0m 122ms/step - loss: 1.0000e-04 - acc: -2.0000"
            )
        );
        let back = "\x08".repeat(74);
        assert_eq!(
            texts[2],
            format!(
                "{back}\r\x1b[1m10/10\x1b[0m \x1b[32m{full}{full}\x1b[0m\x1b[37m\x1b[0m \x1b[1m3s\x1b[0m 354ms/step - loss: 0.1250 - acc: -2.0000 - val_loss: -1.0000\n"
            )
        );
        assert_eq!(texts.len(), 3);

        let texts = updates(None, 1, true);
        assert_eq!(texts[0], "\r      1/Unknown \x1b[1m0s\x1b[0m 10ms/step - loss: 0.5000");
        assert!(texts[2].ends_with("\x1b[1m3s\x1b[0m 354ms/step - loss: 0.1250 - acc: -2.0000 - val_loss: -1.0000\n"));
    }

    #[test]
    fn a_log_has_a_line_for_each_update_without_colours() {
        let texts = updates(Some(10), 1, false);
        assert_eq!(texts[0], format!("\n 1/10 {} 0s 10ms/step - loss: 0.5000", "━".repeat(20)));
        assert!(texts[2].starts_with("\n10/10 ━") && texts[2].ends_with(" - val_loss: -1.0000\n"));
    }

    #[test]
    fn a_line_for_each_epoch() {
        let line = "10/10 - 3s - 354ms/step - loss: 0.1250 - acc: -2.0000e+00 - val_loss: -1.0000e+00\n";
        assert_eq!(updates(Some(10), 2, true), [line]);
        assert_eq!(updates(None, 2, false), [line]);
        assert!(updates(Some(10), 0, true).is_empty());
    }

    #[test]
    fn shorter_texts_erase_longer_ones() {
        let mut bar = Progbar::new(Some(100), 1, true);
        let text = bar.update(1, &logs(&[]), false, 100.0).unwrap();
        assert!(text.ends_with("\x1b[1m2:45:00\x1b[0m 100s/step"), "{text:?}");
        let text = bar.update(100, &logs(&[]), true, 101.0).unwrap();
        // "101s" replaces the longer "2:45:00".
        assert!(text.ends_with("\x1b[1m101s\x1b[0m 10ms/step   \n"), "{text:?}");
    }
}
