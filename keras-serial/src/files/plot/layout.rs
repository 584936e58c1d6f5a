//! Places boxes, clusters and edges of a graph in layers (Sugiyama's method), by the crate dagre.

use dagre::graph::{Graph as DagreGraph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel};

use super::cost;
use super::graph::Graph;
use super::label::Label;
use super::options::RankDir;
use super::text::{shorten, width};
use crate::error::{Error, ErrorKind, Result};

/// The size of the font of headers.
pub(super) const HEADER_FONT: f64 = 13.0;
/// The size of the font of lines.
pub(super) const LINE_FONT: f64 = 12.0;
/// The height of headers.
pub(super) const HEADER: f64 = 26.0;
/// The height of lines.
pub(super) const LINE: f64 = 18.0;
/// The space around texts, and around the picture.
pub(super) const SPACE: f64 = 10.0;
/// The maximum number of characters of a text in a box, beyond which its middle is left out.
const LONGEST: usize = 64;

/// The place of a box or cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    /// Returns where a line to a point beyond this box leaves it: half way from the middle of that side to the point.
    fn side(&self, point: (f64, f64), is_vertical: bool) -> (f64, f64) {
        let along = |start: f64, size: f64, to: f64| {
            let (middle, room) = (start + size / 2.0, (size / 2.0 - SPACE).max(0.0));
            middle + ((to - middle) / 2.0).clamp(-room, room)
        };
        let across = |start: f64, size: f64, to: f64| if to < start + size / 2.0 { start } else { start + size };
        if is_vertical {
            (along(self.x, self.width, point.0), across(self.y, self.height, point.1))
        } else {
            (across(self.x, self.width, point.0), along(self.y, self.height, point.1))
        }
    }
}

/// The places of everything in a picture.
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    pub boxes: Vec<Rect>,
    /// The clusters' places; none for the model itself.
    pub clusters: Vec<Option<Rect>>,
    /// The points that each edge goes through.
    pub edges: Vec<Vec<(f64, f64)>>,
}

/// A box's texts, as short as pictures show them.
pub(super) struct Texts {
    /// The bold part of the header, and the rest.
    pub header: (String, String),
    /// The keys and values of the lines.
    pub lines: Vec<(String, String)>,
    pub trainable: Option<&'static str>,
}

impl Texts {
    pub fn of(label: &Label) -> Self {
        let class = shorten(&label.class, LONGEST);
        let header = match &label.name {
            Some(name) => (shorten(name, LONGEST), format!(" ({class})")),
            None => (class, String::new()),
        };
        let activation = label.activation.as_ref().map(|activation| ("Activation", activation));
        let lines = activation.into_iter().chain(label.lines.iter().map(|(key, value)| (*key, value)));
        let lines = lines.map(|(key, value)| (format!("{key}: "), shorten(value, LONGEST)));
        let trainable = label.trainable.map(|is| if is { "Trainable" } else { "Non-trainable" });
        Self { header, lines: lines.collect(), trainable }
    }

    /// Returns the widths of the header, of each line, and of the last line.
    pub fn widths(&self) -> (f64, Vec<f64>, Option<f64>) {
        let header = width(&self.header.0, HEADER_FONT, true) + width(&self.header.1, HEADER_FONT, false);
        let line = |(key, value): &(String, String)| width(key, LINE_FONT, false) + width(value, LINE_FONT, false);
        let trainable = self.trainable.map(|text| width(text, LINE_FONT, true));
        (header, self.lines.iter().map(line).collect(), trainable)
    }

    fn size(&self) -> (f64, f64) {
        let (header, lines, trainable) = self.widths();
        let widest = lines.into_iter().chain(trainable).fold(header, f64::max);
        let count = self.lines.len() + usize::from(self.trainable.is_some());
        let body = if count > 0 { count as f64 * LINE + 8.0 } else { 0.0 };
        ((widest + 2.0 * SPACE).ceil().max(70.0), HEADER + body)
    }
}

/// Places a graph.
///
/// # Errors
/// [`ErrorKind::Limit`] if it would take too long.
pub(super) fn place(graph: &Graph, texts: &[Texts], rankdir: RankDir) -> Result<Layout> {
    let edges = graph.edges();
    cost::check(graph, &edges)?;
    let mut dagre: DagreGraph<NodeLabel, EdgeLabel> =
        DagreGraph::with_options(GraphOptions { directed: true, multigraph: false, compound: true });
    for (index, texts) in texts.iter().enumerate() {
        let (width, height) = texts.size();
        dagre.set_node(format!("b{index}"), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for index in 1..graph.clusters.len() {
        dagre.set_node(format!("c{index}"), Some(NodeLabel::default()));
    }
    for (index, layer) in graph.boxes.iter().enumerate().filter(|(_, layer)| layer.cluster > 0) {
        dagre.set_parent(&format!("b{index}"), Some(&format!("c{}", layer.cluster)));
    }
    for (index, cluster) in graph.clusters.iter().enumerate() {
        if let Some(parent) = cluster.parent.filter(|parent| *parent > 0) {
            dagre.set_parent(&format!("c{index}"), Some(&format!("c{parent}")));
        }
    }
    for (from, to) in &edges {
        let label = EdgeLabel { labelpos: dagre::layout::types::LabelPos::Center, ..EdgeLabel::default() };
        dagre.set_edge(format!("b{from}"), format!("b{to}"), Some(label), None);
    }
    let direction = match rankdir {
        RankDir::TopToBottom => dagre::RankDir::TB,
        RankDir::BottomToTop => dagre::RankDir::BT,
        RankDir::LeftToRight => dagre::RankDir::LR,
        RankDir::RightToLeft => dagre::RankDir::RL,
    };
    // The name of a cluster has room between its border and its first rank: half of this.
    let ranksep = if graph.clusters.len() > 1 { 50.0 } else { 36.0 };
    let options = LayoutOptions {
        rankdir: direction,
        nodesep: 24.0,
        edgesep: 14.0,
        ranksep,
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut dagre, Some(options));
    placed(graph, &edges, &dagre, rankdir)
        .ok_or_else(|| Error::new(ErrorKind::Graph, "the graph could not be laid out"))
}

fn placed(
    graph: &Graph,
    edges: &[(usize, usize)],
    dagre: &DagreGraph<NodeLabel, EdgeLabel>,
    rankdir: RankDir,
) -> Option<Layout> {
    let rect = |id: String| {
        let node = dagre.node(&id)?;
        let (x, y) = (node.x? - node.width / 2.0, node.y? - node.height / 2.0);
        Some(Rect { x, y, width: node.width, height: node.height })
    };
    let mut layout = Layout {
        width: 0.0,
        height: 0.0,
        boxes: (0..graph.boxes.len()).map(|index| rect(format!("b{index}"))).collect::<Option<_>>()?,
        clusters: (0..graph.clusters.len()).map(|index| rect(format!("c{index}"))).collect(),
        edges: Vec::with_capacity(edges.len()),
    };
    for (from, to) in edges {
        let points = &dagre.edge(&format!("b{from}"), &format!("b{to}"), None)?.points;
        layout.edges.push(points.iter().map(|point| (point.x, point.y)).collect());
    }
    layout.attach(edges, matches!(rankdir, RankDir::TopToBottom | RankDir::BottomToTop));
    layout.move_to_corner();
    Some(layout)
}

impl Layout {
    /// Moves the ends of edges to the sides of their boxes that face the ranks before and after.
    fn attach(&mut self, edges: &[(usize, usize)], is_vertical: bool) {
        for ((from, to), points) in edges.iter().zip(&mut self.edges) {
            let (Some(from_rect), Some(to_rect)) = (self.boxes.get(*from), self.boxes.get(*to)) else { continue };
            let [first, second, .., before, last] = points.as_mut_slice() else {
                if let ([first, middle, last], true) = (points.as_mut_slice(), from != to) {
                    *first = from_rect.side(*middle, is_vertical);
                    *last = to_rect.side(*middle, is_vertical);
                }
                continue;
            };
            if from != to {
                *first = from_rect.side(*second, is_vertical);
                *last = to_rect.side(*before, is_vertical);
            }
        }
    }

    /// Moves everything so that it begins at the picture's corner, and sets the picture's size.
    fn move_to_corner(&mut self) {
        let rects = self.boxes.iter().chain(self.clusters.iter().flatten());
        let corners = rects.flat_map(|rect| [(rect.x, rect.y), (rect.x + rect.width, rect.y + rect.height)]);
        let corners: Vec<(f64, f64)> = corners.chain(self.edges.iter().flatten().copied()).collect();
        let least = corners.iter().fold((f64::MAX, f64::MAX), |(x, y), at| (x.min(at.0), y.min(at.1)));
        let most = corners.iter().fold((f64::MIN, f64::MIN), |(x, y), at| (x.max(at.0), y.max(at.1)));
        if corners.is_empty() {
            (self.width, self.height) = (2.0 * SPACE, 2.0 * SPACE);
            return;
        }
        let (right, down) = (SPACE - least.0, SPACE - least.1);
        for rect in self.boxes.iter_mut().chain(self.clusters.iter_mut().flatten()) {
            (rect.x, rect.y) = (rect.x + right, rect.y + down);
        }
        for point in self.edges.iter_mut().flatten() {
            *point = (point.0 + right, point.1 + down);
        }
        (self.width, self.height) = (most.0 + right + SPACE, most.1 + down + SPACE);
    }
}
