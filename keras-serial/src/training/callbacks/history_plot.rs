//! Training curves: losses and metrics over the epochs.

use std::fmt;

use super::{History, history_text};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// The curves of a training run: a chart for each loss and metric, with a line each for training and validation.
/// Prints as text for a terminal; with the feature `plot`, it is also written as SVG.
#[derive(Debug, Clone)]
#[must_use = "it prints as text, and `save` writes a picture"]
pub struct HistoryPlot {
    pub(super) charts: Vec<Chart>,
    /// The number of columns of the text.
    pub(super) columns: usize,
}

/// The curves of one loss or metric.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub name: String,
    pub lines: Vec<Line>,
}

/// A curve.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub label: &'static str,
    /// Epochs, counted from 1, and values.
    pub points: Vec<(f64, f64)>,
}

impl History {
    /// Returns the training curves, of which each loss and metric has a chart.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let mut history = History::new();
    /// history.history.insert("loss".into(), vec![0.9, 0.4, 0.2]);
    /// history.history.insert("val_loss".into(), vec![0.8, 0.5, 0.4]);
    /// println!("{}", history.plot());
    /// assert!(history.plot().to_string().contains("* training   o validation"));
    /// ```
    pub fn plot(&self) -> HistoryPlot {
        let names = self.history.keys().filter(|name| !self.is_validation(name));
        let charts = names.map(|name| {
            let validation = format!("val_{name}");
            let lines = [("training", name.as_str()), ("validation", validation.as_str())];
            let lines = lines.into_iter().filter_map(|(label, name)| Some(Line { label, points: self.points(name)? }));
            Chart { name: name.clone(), lines: lines.collect() }
        });
        HistoryPlot { charts: charts.collect(), columns: 72 }
    }

    /// Returns true for a value of validation that belongs to one of training.
    fn is_validation(&self, name: &str) -> bool {
        name.strip_prefix("val_").is_some_and(|name| self.history.contains_key(name))
    }

    fn points(&self, name: &str) -> Option<Vec<(f64, f64)>> {
        let values = self.history.get(name)?;
        let epochs = self.epochs_of.get(name).filter(|epochs| {
            // Values that were added by hand, or by another run, are numbered from 1.
            epochs.len() == values.len() && epochs.is_sorted_by(|a, b| a < b)
        });
        let epoch = |index: usize| epochs.and_then(|epochs| epochs.get(index)).copied().unwrap_or(index) + 1;
        Some(values.iter().enumerate().map(|(index, value)| (epoch(index) as f64, *value)).collect())
    }
}

impl HistoryPlot {
    /// Sets the losses and metrics that have a chart, and their order; all by default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if one is not in the history.
    pub fn metrics<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let chosen = names.into_iter().map(|name| {
            self.charts.iter().find(|chart| chart.name == name).cloned().ok_or_else(|| {
                let known = || self.charts.iter().map(|chart| chart.name.as_str());
                let error = Error::new(ErrorKind::InvalidArgument, "the history has no such loss or metric")
                    .expected(format!("one of {}", known().collect::<Vec<_>>().join(", ")))
                    .received(format!("{name:?}"));
                match did_you_mean(name, known()) {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            })
        });
        self.charts = chosen.collect::<Result<_>>()?;
        Ok(self)
    }

    /// Sets the number of columns of the text; 72 by default, and at least 24.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.clamp(24, 1000);
        self
    }
}

impl fmt::Display for HistoryPlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chart in &self.charts {
            f.write_str(&history_text::draw(chart, self.columns))?;
        }
        Ok(())
    }
}

/// The range of an axis and the numbers on it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub least: f64,
    pub most: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Returns the axis for these values, with about `count` round numbers; whole numbers, if asked for.
    pub fn of(values: impl Iterator<Item = f64> + Clone, count: usize, is_whole: bool) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let least = finite.clone().fold(f64::INFINITY, f64::min);
        let most = finite.fold(f64::NEG_INFINITY, f64::max);
        let (mut least, mut most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        if most - least <= most.abs().max(least.abs()) * 1e-9 {
            let room = if is_whole || least == 0.0 { 1.0 } else { least.abs() * 0.1 };
            (least, most) = if is_whole { (least, least + room) } else { (least - room, most + room) };
        }
        let rough = (most - least) / count as f64;
        let power = 10f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
        let step = if is_whole { (factor * power).max(1.0) } else { factor * power };
        if !is_whole {
            (least, most) = ((least / step).floor() * step, (most / step).ceil() * step);
        }
        let first = (least / step).ceil() as i64;
        // Sums of a step would add up its rounding.
        let ticks = (0..=2 * count as i64 + 2).map(|index| (first + index) as f64 * step);
        Self { least, most, ticks: ticks.take_while(|tick| *tick <= most + step * 1e-6).collect() }
    }

    /// Returns where a value stands on the axis, from 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        (value - self.least) / (self.most - self.least)
    }

    /// Writes a number of the axis, with as many decimals as its step needs.
    pub fn label(&self, tick: f64) -> String {
        let step = self.ticks.windows(2).next().and_then(|pair| Some(pair.get(1)? - pair.first()?)).unwrap_or(1.0);
        let largest = self.least.abs().max(self.most.abs());
        if !(1e-3..1e6).contains(&largest) {
            let digits = (largest.log10().floor() - step.log10().floor()).clamp(0.0, 15.0) as usize;
            return if tick == 0.0 { "0".to_owned() } else { format!("{tick:.digits$e}") };
        }
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{tick:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        let axis = Axis::of([0.13, 0.92].into_iter(), 4, false);
        assert_eq!((axis.least, axis.most), (0.0, 1.0));
        assert_eq!(
            axis.ticks.iter().map(|tick| axis.label(*tick)).collect::<Vec<_>>(),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        let axis = Axis::of((1..=20).map(f64::from), 5, true);
        assert_eq!(axis.ticks, [5.0, 10.0, 15.0, 20.0]);
        let axis = Axis::of([1.0].into_iter(), 5, true);
        assert_eq!((axis.least, axis.most, axis.ticks.len()), (1.0, 2.0, 2));
        // No value is finite, all are equal, or they are very large: there is an axis all the same.
        for values in [vec![f64::NAN], vec![], vec![0.0, 0.0], vec![3.0], vec![-1e300, 1e300], vec![1e-12, 2e-12]] {
            let axis = Axis::of(values.iter().copied(), 4, false);
            assert!(axis.least < axis.most && axis.ticks.len() > 1 && axis.ticks.len() < 12, "{values:?} {axis:?}");
        }
    }

    #[test]
    fn curves_of_validation_are_in_the_chart_of_training() {
        let mut history = History::new();
        for (name, values) in [("accuracy", vec![0.5, 0.7]), ("val_accuracy", vec![0.6]), ("val_only", vec![1.0])] {
            history.history.insert(name.into(), values);
        }
        history.epochs_of.insert("val_accuracy".into(), vec![1]);
        let plot = history.plot();
        assert_eq!(plot.charts.len(), 2);
        assert_eq!(plot.charts.first().unwrap().lines.last().unwrap().points, [(2.0, 0.6)]);
        assert!(plot.clone().metrics(["accurcy"]).unwrap_err().to_string().contains("did you mean `accuracy`"));
        assert_eq!(plot.metrics(["val_only"]).unwrap().charts.len(), 1);
    }
}
