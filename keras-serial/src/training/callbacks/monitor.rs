//! The shared part of callbacks that watch a metric (Keras's `MonitorCallback`).

use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Direction;
use crate::models::Model;

/// Whether a metric is better when it is smaller, or larger.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MonitorMode {
    /// Decided by the metric: losses smaller, accuracies larger.
    #[default]
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

impl From<&str> for MonitorMode {
    /// Parses a mode. As in Keras, an unknown mode gives a warning and counts as `auto`.
    fn from(mode: &str) -> Self {
        match mode {
            "auto" => Self::Auto,
            "min" => Self::Min,
            "max" => Self::Max,
            unknown => {
                tracing::warn!("mode '{unknown}' is unknown, fallback to auto mode");
                Self::Auto
            }
        }
    }
}

/// The direction in which a metric improves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monitor {
    pub best: Option<f64>,
    direction: Option<Direction>,
}

impl Monitor {
    /// Decides the direction, once the metrics are known.
    ///
    /// # Errors
    /// When the mode is `auto` and the metric doesn't tell.
    pub fn set_up(&mut self, callback: &str, monitor: &str, mode: MonitorMode, model: &Model) -> Result<()> {
        if self.direction.is_some() {
            return Ok(());
        }
        let direction = match mode {
            MonitorMode::Min => Some(Direction::Down),
            MonitorMode::Max => Some(Direction::Up),
            MonitorMode::Auto => {
                let name = monitor.strip_prefix("val_").unwrap_or(monitor);
                let metrics = model.metrics();
                let known = metrics.iter().rev().filter(|metric| metric.name() == name);
                known.filter_map(|metric| metric.direction()).next().or((name == "loss").then_some(Direction::Down))
            }
        };
        self.direction = Some(direction.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{callback} callback received monitor={monitor}, but it can't be determined automatically whether \
                     that metric should be maximized or minimized"
                ),
            )
            .hint("pass mode 'max' to monitor the highest metric value, or mode 'min' for the lowest")
        })?);
        Ok(())
    }

    /// Returns true if a value is better than `reference` by more than `min_delta`. Keras compares in
    /// single precision.
    pub fn improves(&self, value: f64, reference: Option<f64>, min_delta: f64) -> bool {
        let Some(reference) = reference else { return true };
        match self.direction {
            Some(Direction::Up) => (value - min_delta.abs()) as f32 > reference as f32,
            _ => ((value + min_delta.abs()) as f32) < reference as f32,
        }
    }
}
