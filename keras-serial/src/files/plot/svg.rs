//! Draws a laid out graph as SVG, with text that can be selected and searched.

use std::fmt::Write;

use super::graph::{Graph, LayerBox};
use super::layout::{HEADER, HEADER_FONT, LINE, LINE_FONT, Layout, Rect, SPACE, Texts};
use super::text::{escape, shorten};

/// The fonts in order of preference: all have the metrics of [`width`](super::text::width).
pub(crate) const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', Arimo, 'Plot Sans', sans-serif";

/// Styles of pictures. Boxes have their own background, and what stands outside of them is grey, so that pictures can
/// be read on white and on black.
pub(super) const STYLE: &str = "text{fill:#1f2733;font-size:12px}\
.h{font-size:13px}.b{font-weight:bold}.k{fill:#5b6675}.c{fill:#6f7b8b;font-weight:bold}\
.e{fill:none;stroke:#6f7b8b;stroke-width:1.5}.g{fill:#6f7b8b;fill-opacity:0.08;stroke:#6f7b8b;stroke-dasharray:5 4}\
.f{fill:#ffffff;stroke:#6b7686}.hl .f{stroke:#e8710a;stroke-width:3.5}.t{fill:#18794e}.n{fill:#b4232c}";

/// What a page adds to the boxes of a picture.
pub(super) trait Marks {
    /// Returns attributes for the group of a box, with a space before each.
    fn attributes(&self, layer: &LayerBox) -> String;
}

/// No attributes, for pictures alone.
pub(super) struct NoMarks;

impl Marks for NoMarks {
    fn attributes(&self, _: &LayerBox) -> String {
        String::new()
    }
}

/// The outer element of a picture.
pub(super) struct Frame {
    /// The name of the model.
    pub title: String,
    /// A prefix for identifiers, where several pictures stand in one page.
    pub prefix: String,
    /// Whether the background is white; it is transparent otherwise.
    pub is_opaque: bool,
    /// Whether the styles are part of the picture.
    pub has_style: bool,
    /// Whether texts are fitted to their measured width, whatever font the viewer has.
    pub is_fitted: bool,
}

/// Returns the graph as an SVG element.
pub(super) fn write(graph: &Graph, layout: &Layout, texts: &[Texts], frame: &Frame, marks: &dyn Marks) -> String {
    let (width, height) = (number(layout.width.ceil()), number(layout.height.ceil()));
    let title = escape(&shorten(&frame.title, 256));
    let arrow = format!("{}arrow", frame.prefix);
    // Writing to a string does not fail.
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\"><title>{title}</title>"
    );
    if frame.has_style {
        let _ = write!(out, "<style>{STYLE}</style>");
    }
    let _ = write!(
        out,
        "<defs><marker id=\"{arrow}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto-start-reverse\"><path d=\"M0 0.5 10 5 0 9.5z\" fill=\"#6f7b8b\"/></marker></defs>"
    );
    if frame.is_opaque {
        out.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    }
    out.push('\n');
    for (cluster, rect) in graph.clusters.iter().zip(&layout.clusters).skip(1) {
        if let Some(rect) = rect {
            let _ = write!(out, "<rect class=\"g\" rx=\"8\"{}/>", attributes(rect));
            let (x, y) = (number(rect.x + SPACE), number(rect.y + 16.0));
            // As much of the name as has room.
            let room = ((rect.width - 2.0 * SPACE) / 7.0).max(4.0) as usize;
            let name = escape(&shorten(&cluster.name, room));
            let _ = writeln!(out, "<text class=\"c\" x=\"{x}\" y=\"{y}\">{name}</text>");
        }
    }
    for points in &layout.edges {
        let _ = writeln!(out, "<path class=\"e\" d=\"{}\" marker-end=\"url(#{arrow})\"/>", rounded(points));
    }
    for ((layer, rect), texts) in graph.boxes.iter().zip(&layout.boxes).zip(texts) {
        write_box(layer, rect, texts, (frame, &marks.attributes(layer)), &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn write_box(layer: &LayerBox, rect: &Rect, texts: &Texts, (frame, own): (&Frame, &str), out: &mut String) {
    let fitted = |texts: &[&str], width| if frame.is_fitted { fitted(texts, width) } else { String::new() };
    let class = if layer.is_highlighted { " class=\"hl\"" } else { "" };
    let name = escape(&shorten(layer.form.name(), 256));
    let full_class = escape(&shorten(layer.form.class(), 256));
    let _ = write!(out, "<g{class}{own}><title>{name} ({full_class})</title>");
    let _ = write!(out, "<rect class=\"f\" rx=\"6\"{}/>", attributes(rect));
    let (x, y, width) = (rect.x, rect.y, rect.width);
    let colour = layer.family.colour();
    let path = if texts.lines.is_empty() && texts.trainable.is_none() { header_alone(rect) } else { header(rect) };
    let _ = write!(out, "<path d=\"{path}\" fill=\"{colour}\"/>");
    let (header_width, line_widths, trainable_width) = texts.widths();
    let middle = number(x + width / 2.0);
    let baseline = number(y + HEADER / 2.0 + HEADER_FONT * 0.35);
    let fit = fitted(&[&texts.header.0, &texts.header.1], header_width);
    let (bold, rest) = (escape(&texts.header.0), escape(&texts.header.1));
    let _ = write!(
        out,
        "<text class=\"h\" x=\"{middle}\" y=\"{baseline}\" text-anchor=\"middle\"{fit}>\
         <tspan class=\"b\">{bold}</tspan>{rest}</text>"
    );
    let mut at = y + HEADER + 4.0;
    let left = number(x + SPACE);
    for ((key, value), width) in texts.lines.iter().zip(line_widths) {
        let baseline = number(at + LINE / 2.0 + LINE_FONT * 0.35);
        let fit = fitted(&[key, value], width);
        let (key, value) = (escape(key), escape(value));
        let _ = write!(out, "<text x=\"{left}\" y=\"{baseline}\"{fit}><tspan class=\"k\">{key}</tspan>{value}</text>");
        at += LINE;
    }
    if let (Some(text), Some(width)) = (texts.trainable, trainable_width) {
        let baseline = number(at + LINE / 2.0 + LINE_FONT * 0.35);
        let class = if text == "Trainable" { "t" } else { "n" };
        let fit = fitted(&[text], width);
        let _ = write!(out, "<text class=\"{class} b\" x=\"{left}\" y=\"{baseline}\"{fit}>{text}</text>");
    }
    out.push_str("</g>\n");
}

/// Returns attributes that make a text as wide as it was measured, in whatever font the viewer has. Only ASCII is
/// measured exactly.
fn fitted(texts: &[&str], width: f64) -> String {
    if texts.iter().all(|text| text.is_ascii()) {
        format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", number(width))
    } else {
        String::new()
    }
}

/// Returns the path of a header within the border of its box, with round corners at the top.
fn header(rect: &Rect) -> String {
    let (x, y, width) = (rect.x + 0.5, rect.y + 0.5, rect.width - 1.0);
    let (left, top, right) = (number(x), number(y), number(x + width));
    let bottom = number(y + HEADER);
    format!(
        "M{left} {bottom}V{}Q{left} {top} {} {top}H{}Q{right} {top} {right} {}V{bottom}z",
        number(y + 5.5),
        number(x + 5.5),
        number(x + width - 5.5),
        number(y + 5.5)
    )
}

/// Returns the path of a header that is all of its box.
fn header_alone(rect: &Rect) -> String {
    let start = format!("{} {}", number(rect.x + 0.5), number(rect.y + 6.0));
    let [width, height] = [rect.width - 12.0, rect.height - 12.0].map(number);
    format!(
        "M{start}v{height}q0 5.5 5.5 5.5h{width}q5.5 0 5.5 -5.5v-{height}q0 -5.5 -5.5 -5.5h-{width}q-5.5 0 -5.5 5.5z"
    )
}

fn attributes(rect: &Rect) -> String {
    let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(number);
    format!(" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// Returns a path through points, with round corners that stay within 8 pixels of them.
fn rounded(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    let point = |(x, y): (f64, f64)| format!("{} {}", number(x), number(y));
    for (index, at) in points.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| points.get(index));
        match (before, points.get(index + 1)) {
            (None, _) => _ = write!(out, "M{}", point(*at)),
            (Some(before), Some(after)) => {
                _ = write!(out, "L{}Q{} {}", point(towards(*at, *before)), point(*at), point(towards(*at, *after)));
            }
            (Some(_), None) => _ = write!(out, "L{}", point(*at)),
        }
    }
    out
}

/// Returns the point up to 8 pixels from one point towards another, and at most half way.
fn towards(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y);
    if length == 0.0 {
        return from;
    }
    let share = (8.0 / length).min(0.5);
    (from.0 + x * share, from.1 + y * share)
}

/// Writes a number with at most one decimal.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
