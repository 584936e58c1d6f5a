//! Refuses graphs whose layout would take too long, before it begins.
//!
//! The layout works on ranks of boxes and, for each edge, one point on each rank between its ends. The time grows with
//! the number of these and with the square of the widest ranks.

use super::graph::Graph;
use crate::error::{Error, ErrorKind, Result};

/// The maximum number of boxes and clusters.
pub(super) const MAX_BOXES: usize = 2000;
/// The maximum number of boxes and of points of edges, over all ranks.
const MAX_POINTS: usize = 6000;
/// The maximum of the sum, over all ranks, of the square of their number of boxes and points.
const MAX_SQUARES: usize = 800_000;

/// Checks that a graph can be laid out in about a second.
pub(super) fn check(graph: &Graph, edges: &[(usize, usize)]) -> Result<()> {
    let boxes = graph.boxes.len() + graph.clusters.len();
    if boxes > MAX_BOXES {
        return Err(too_large("layers", boxes, MAX_BOXES));
    }
    if edges.len() > MAX_POINTS {
        return Err(too_large("connections", edges.len(), MAX_POINTS));
    }
    let ranks = ranks(graph.boxes.len(), edges);
    let rank = |index: usize| ranks.get(index).copied().unwrap_or_default();
    // Edges are as long as the borders of clusters between two layers allow.
    let scale = 2 * (1 + depth(graph));
    let mut widths = vec![0usize; scale * (1 + ranks.iter().max().copied().unwrap_or_default())];
    let mut points = 0;
    let mut count = |from: usize, to: usize, each: usize| {
        for width in widths.iter_mut().take(to).skip(from) {
            *width += each;
            points += each;
            if points > MAX_POINTS {
                return Err(too_large("long connections", points, MAX_POINTS));
            }
        }
        Ok(())
    };
    for own in &ranks {
        count(own * scale, own * scale + 1, 1)?;
    }
    for (from, to) in edges {
        let (from, to) = (rank(*from).min(rank(*to)), rank(*from).max(rank(*to)));
        count(from * scale + 1, to * scale, 1)?;
    }
    // Each cluster has a border on both sides of its ranks.
    for (first, last) in spans(graph, &ranks).into_iter().skip(1).flatten() {
        count(first * scale, last * scale + 1, 2)?;
    }
    let squares = widths.iter().map(|width| width * width).sum();
    if squares > MAX_SQUARES {
        return Err(too_large("layers and connections side by side", squares, MAX_SQUARES));
    }
    Ok(())
}

fn too_large(what: &str, count: usize, limit: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the model has too many {what} to be laid out"))
        .expected(format!("at most {limit}"))
        .received(count.to_string())
        .hint("`layer_range` draws a part of it, and DOT, which Graphviz lays out, may be larger")
}

/// Returns the number of boxes on the longest path to each, without the edges that close a cycle.
fn ranks(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for (from, to) in edges {
        if let Some(after) = after.get_mut(*from) {
            after.push(*to);
        }
    }
    // Depth first, without recursion; done boxes in the reverse of a topological order.
    let (mut seen, mut is_open, mut done) = (vec![false; boxes], vec![false; boxes], Vec::with_capacity(boxes));
    let mut closing = std::collections::HashSet::new();
    for start in 0..boxes {
        let mut stack = vec![(start, 0)];
        while let Some((own, next)) = stack.pop() {
            let (Some(seen_own), Some(open_own)) = (seen.get_mut(own), is_open.get_mut(own)) else { continue };
            if next == 0 {
                if *seen_own {
                    continue;
                }
                (*seen_own, *open_own) = (true, true);
            }
            match after.get(own).and_then(|after| after.get(next)) {
                Some(to) => {
                    stack.push((own, next + 1));
                    match is_open.get(*to) {
                        Some(true) => _ = closing.insert((own, *to)),
                        _ => stack.push((*to, 0)),
                    }
                }
                None => {
                    *open_own = false;
                    done.push(own);
                }
            }
        }
    }
    let mut ranks = vec![0; boxes];
    for own in done.into_iter().rev() {
        let rank = ranks.get(own).copied().unwrap_or_default() + 1;
        for to in after.get(own).into_iter().flatten().filter(|to| !closing.contains(&(own, **to))) {
            if let Some(other) = ranks.get_mut(*to) {
                *other = rank.max(*other);
            }
        }
    }
    ranks
}

/// Returns how deep clusters are nested below the model itself.
fn depth(graph: &Graph) -> usize {
    let mut depths: Vec<usize> = Vec::with_capacity(graph.clusters.len());
    for cluster in &graph.clusters {
        // Clusters stand behind those around them.
        depths.push(cluster.parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth + 1));
    }
    depths.into_iter().max().unwrap_or_default()
}

/// Returns the first and the last rank of each cluster's boxes.
fn spans(graph: &Graph, ranks: &[usize]) -> Vec<Option<(usize, usize)>> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; graph.clusters.len()];
    for (layer, rank) in graph.boxes.iter().zip(ranks) {
        let mut around = Some(layer.cluster);
        while let Some(index) = around {
            if let Some(span) = spans.get_mut(index) {
                let (first, last) = span.unwrap_or((*rank, *rank));
                *span = Some((first.min(*rank), last.max(*rank)));
            }
            around = graph.clusters.get(index).and_then(|cluster| cluster.parent);
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ranks_are_longest_paths() {
        assert_eq!(ranks(4, &[(0, 1), (1, 2), (0, 2), (2, 3)]), [0, 1, 2, 3]);
        // A cycle: the edge that closes it counts for nothing.
        assert_eq!(ranks(3, &[(0, 1), (1, 2), (2, 1), (1, 1)]), [0, 1, 2]);
    }
}
