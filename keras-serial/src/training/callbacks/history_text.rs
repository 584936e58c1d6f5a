//! Draws training curves as text, with a character for each curve.

use super::history_plot::{Axis, Chart};

/// The number of lines of a chart.
const ROWS: usize = 12;
/// The characters of the curves, and of a place where both are.
const MARKS: [char; 3] = ['*', 'o', '#'];

/// Returns a chart as text.
pub(super) fn draw(chart: &Chart, columns: usize) -> String {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let across = Axis::of(points().map(|point| point.0), 5, true);
    let up = Axis::of(points().map(|point| point.1), 4, false);
    let labels: Vec<String> = up.ticks.iter().map(|tick| up.label(*tick)).collect();
    let margin = labels.iter().map(String::len).max().unwrap_or_default();
    let columns = columns.saturating_sub(margin + 3).max(10);
    let column = |epoch: f64| (across.share(epoch) * (columns - 1) as f64).round() as usize;
    let row = |value: f64| ROWS - 1 - ((up.share(value) * (ROWS - 1) as f64).round() as usize).min(ROWS - 1);

    let mut grid = vec![vec![' '; columns]; ROWS];
    let mut mark = |row: usize, column: usize, line: usize| {
        let Some(cell) = grid.get_mut(row).and_then(|cells| cells.get_mut(column)) else { return };
        let [first, second, both] = MARKS;
        let own = if line == 0 { first } else { second };
        *cell = if *cell == ' ' || *cell == own { own } else { both };
    };
    for (index, line) in chart.lines.iter().enumerate() {
        let mut before: Option<(f64, f64)> = None;
        for (epoch, value) in &line.points {
            if !value.is_finite() {
                before = None;
                continue;
            }
            let (from, to) = (before.map_or(column(*epoch), |before| column(before.0) + 1), column(*epoch));
            for at in from..=to {
                // Between two epochs, the curve is straight.
                let value = match before {
                    Some(before) if to + 1 > from => {
                        let share = (at + 1 - from) as f64 / (to + 1 - from) as f64;
                        before.1 + (value - before.1) * share
                    }
                    _ => *value,
                };
                mark(row(value), at, index);
            }
            before = Some((*epoch, *value));
        }
    }

    let mut out = format!("{}\n", chart.name);
    for (index, cells) in grid.iter().enumerate() {
        let label =
            up.ticks.iter().zip(&labels).find(|(tick, _)| row(**tick) == index).map(|(_, label)| label.as_str());
        let (label, edge) = (label.unwrap_or_default(), if label.is_some() { '┤' } else { '│' });
        let cells: String = cells.iter().collect();
        out.push_str(format!("{label:>margin$} {edge}{cells}").trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{:margin$} └{}\n", "", "─".repeat(columns)));
    let mut below = vec![' '; columns];
    for tick in &across.ticks {
        let label = across.label(*tick);
        let start = column(*tick).min(columns.saturating_sub(label.len()));
        for (cell, character) in below.iter_mut().skip(start).zip(label.chars()) {
            *cell = character;
        }
    }
    let below: String = below.iter().collect();
    out.push_str(format!("{:margin$}  {below}", "").trim_end());
    let legend: Vec<String> =
        chart.lines.iter().zip(MARKS).map(|(line, mark)| format!("{mark} {}", line.label)).collect();
    let both = if chart.lines.len() > 1 { "   # both" } else { "" };
    out.push_str(&format!("\n{:margin$}  epoch   {}{both}\n\n", "", legend.join("   ")));
    out
}

#[cfg(test)]
mod tests {
    use super::super::History;

    #[test]
    fn curves_are_drawn_with_axes_and_a_legend() {
        let mut history = History::new();
        history.history.insert("loss".into(), vec![1.0, 0.5, 0.25, 0.0]);
        history.history.insert("val_loss".into(), vec![1.0, f64::NAN, 0.5, 0.5]);
        let text = history.plot().columns(30).to_string();
        assert_eq!(text, EXPECTED, "\n{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 30 || line.contains("both")));
    }

    const EXPECTED: &str = "\
loss
1.0 ┤#
    │ **
    │   *
    │    **
    │      *
0.5 ┤       **      ooooooooo
    │         **
    │           ***
    │              **
    │                ***
    │                   ***
0.0 ┤                      **
    └────────────────────────
     1       2      3       4
     epoch   * training   o validation   # both

";
}
