//! Draws training curves as SVG.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::history_plot::{Axis, Chart, HistoryPlot, Line};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::plot::{FONTS, PlotFormat, escape, text_width};
use crate::files::write_atomically;

/// The size of a chart, and of the margins around its area.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
/// The number of charts side by side.
const IN_A_ROW: usize = 3;
/// The maximum number of points of a curve that is drawn; of more, some are left out.
const MAX_POINTS: usize = 2000;
/// Curves with at most this many points have a dot for each.
const MAX_DOTS: usize = 30;
/// The colours of training and validation, and of everything else: they can be seen on white and on black.
const COLOURS: [&str; 2] = ["#2f7fd6", "#e8710a"];
const GREY: &str = "#6f7b8b";

impl HistoryPlot {
    /// Returns the curves as SVG.
    pub fn to_svg(&self) -> String {
        self.svg(false)
    }

    fn svg(&self, is_opaque: bool) -> String {
        let count = self.charts.len().max(1);
        let (columns, rows) = (count.min(IN_A_ROW), count.div_ceil(IN_A_ROW));
        let (width, height) = (columns as f64 * WIDTH, rows as f64 * HEIGHT);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\" font-size=\"12\">\
             <title>Training curves</title>\n"
        );
        if is_opaque {
            out.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        }
        for (index, chart) in self.charts.iter().enumerate() {
            let (x, y) = ((index % IN_A_ROW) as f64 * WIDTH, (index / IN_A_ROW) as f64 * HEIGHT);
            // Writing to a string does not fail.
            let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
            draw(chart, &mut out);
            out.push_str("</g>\n");
        }
        out.push_str("</svg>\n");
        out
    }

    /// Writes the curves into a file whose ending tells the format: `.svg`, or `.png` with the feature `png`. The file
    /// appears complete or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for other endings; [`ErrorKind::Io`] if the system refuses.
    pub fn save(&self, to_file: impl AsRef<Path>) -> Result<()> {
        let path = to_file.as_ref();
        let bytes = match PlotFormat::of(path)? {
            PlotFormat::Svg => self.to_svg().into_bytes(),
            #[cfg(feature = "png")]
            PlotFormat::Png => crate::files::plot::render_png(&self.svg(true), 200)?.0,
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "the ending does not name a format of training curves",
                )
                .expected("`.svg` or `.png`")
                .at(path.display().to_string()));
            }
        };
        write_atomically(path, |file| Ok(file.write_all(&bytes)?)).at_with(|| path.display().to_string())
    }
}

fn draw(chart: &Chart, out: &mut String) {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let across = Axis::of(points().map(|point| point.0), 5, true);
    let up = Axis::of(points().map(|point| point.1), 4, false);
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let x = |epoch: f64| number(LEFT + across.share(epoch) * (right - LEFT));
    let y = |value: f64| number(bottom - up.share(value) * (bottom - TOP));

    let title = escape(&chart.name);
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"22\" fill=\"{GREY}\" font-size=\"13\" font-weight=\"bold\">{title}</text>"
    );
    for tick in &up.ticks {
        let (at, label) = (y(*tick), up.label(*tick));
        let _ = write!(out, "<path d=\"M{LEFT} {at}H{right}\" stroke=\"{GREY}\" stroke-opacity=\"0.3\"/>");
        let baseline = number(bottom - up.share(*tick) * (bottom - TOP) + 4.0);
        let x = LEFT - 7.0;
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{baseline}\" fill=\"{GREY}\" text-anchor=\"end\">{label}</text>");
    }
    for tick in &across.ticks {
        let (at, label) = (x(*tick), across.label(*tick));
        let (end, baseline) = (bottom + 5.0, bottom + 18.0);
        let _ = write!(out, "<path d=\"M{at} {bottom}V{end}\" stroke=\"{GREY}\"/>");
        let _ =
            writeln!(out, "<text x=\"{at}\" y=\"{baseline}\" fill=\"{GREY}\" text-anchor=\"middle\">{label}</text>");
    }
    let _ = write!(out, "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"{GREY}\"/>");
    let (middle, baseline) = ((LEFT + right) / 2.0, HEIGHT - 9.0);
    let _ = writeln!(out, "<text x=\"{middle}\" y=\"{baseline}\" fill=\"{GREY}\" text-anchor=\"middle\">epoch</text>");
    for (line, colour) in chart.lines.iter().zip(COLOURS) {
        let points = thinned(line);
        let mut path = String::new();
        let mut starts = true;
        for (epoch, value) in &points {
            // A curve has a gap where a value is not finite.
            if value.is_finite() {
                let _ = write!(path, "{}{} {}", if starts { 'M' } else { 'L' }, x(*epoch), y(*value));
            }
            starts = !value.is_finite();
        }
        let _ = write!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
        );
        if points.len() <= MAX_DOTS {
            for (epoch, value) in points.iter().filter(|point| point.1.is_finite()) {
                let _ = write!(out, "<circle cx=\"{}\" cy=\"{}\" r=\"2.5\" fill=\"{colour}\"/>", x(*epoch), y(*value));
            }
        }
        out.push('\n');
    }
    legend(chart, right, out);
}

/// Draws the names of the curves at the right, above the area.
fn legend(chart: &Chart, right: f64, out: &mut String) {
    let mut at = right;
    for (line, colour) in chart.lines.iter().zip(COLOURS).rev() {
        let label = line.label;
        let start = at - text_width(label, 12.0, false);
        let (from, to) = (start - 24.0, start - 6.0);
        let _ = write!(out, "<path d=\"M{} 18H{}\" stroke=\"{colour}\" stroke-width=\"2\"/>", number(from), number(to));
        let _ = writeln!(out, "<text x=\"{}\" y=\"22\" fill=\"{GREY}\">{label}</text>", number(start));
        at = from - 14.0;
    }
}

/// Returns at most [`MAX_POINTS`] points: of those that fall together, the first.
fn thinned(line: &Line) -> Vec<(f64, f64)> {
    let every = line.points.len().div_ceil(MAX_POINTS).max(1);
    let last = line.points.last().filter(|_| !(line.points.len().max(1) - 1).is_multiple_of(every));
    line.points.iter().step_by(every).chain(last).copied().collect()
}

fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::History;

    #[test]
    fn curves_have_axes_a_legend_and_escaped_names() {
        let mut history = History::new();
        history.history.insert("loss".into(), vec![1.0, 0.5, f64::NAN, 0.0]);
        history.history.insert("val_loss".into(), vec![1.0, 0.75]);
        history.history.insert("<script>".into(), (0..10_000).map(f64::from).collect());
        let svg = history.plot().to_svg();
        assert!(svg.contains(">loss</text>") && svg.contains("&lt;script&gt;") && !svg.contains("<script>"));
        assert_eq!(svg.matches(">training</text>").count(), 2);
        assert_eq!(svg.matches(">validation</text>").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 5);
        assert!(!svg.contains("NaN") && svg.len() < 60_000, "{}", svg.len());
    }

    #[test]
    fn files_have_a_known_ending() {
        let home = tempfile::tempdir().unwrap();
        let plot = History::new().plot();
        plot.save(home.path().join("a.svg")).unwrap();
        let error = plot.save(home.path().join("a.html")).unwrap_err();
        assert!(error.to_string().contains("`.svg` or `.png`"), "{error}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
