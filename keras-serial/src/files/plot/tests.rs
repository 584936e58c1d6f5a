//! The places of boxes, clusters and edges.

use std::path::Path;

use super::form::Form;
use super::graph::Graph;
use super::layout::{Layout, Rect, Texts, place};
use super::{Plot, PlotOptions, RankDir};
use crate::files::{Limits, ModelFile};

fn in_all_directions(check: impl Fn(&Graph, &Layout, &str)) {
    for model in ["sequential", "two_ends", "nested", "shared", "wrappers", "custom"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/plot/{model}.keras"));
        let file = ModelFile::open(path, &Limits::default()).unwrap();
        for rankdir in RankDir::ALL {
            let options = PlotOptions::new().show_shapes(true).show_layer_names(true).rankdir(rankdir);
            let options = options.expand_nested(true);
            let plot = Plot::of_file(&file, &options).unwrap();
            let graph = Graph::build(Form(&plot.config), &plot.facts, &options, 100).unwrap();
            let texts: Vec<Texts> = graph.boxes.iter().map(|layer| Texts::of(&layer.label)).collect();
            let layout = place(&graph, &texts, rankdir).unwrap();
            check(&graph, &layout, &format!("{model} {rankdir:?}"));
        }
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

fn contains(a: &Rect, b: &Rect) -> bool {
    a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width && a.y + a.height >= b.y + b.height
}

#[test]
fn boxes_do_not_overlap_and_clusters_hold_their_own() {
    in_all_directions(|graph, layout, name| {
        for (i, a) in layout.boxes.iter().enumerate() {
            assert!(a.x >= 0.0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height, "{name}");
            assert!(layout.boxes[..i].iter().all(|b| !overlap(a, b)), "{name}");
            for (index, cluster) in layout.clusters.iter().enumerate().skip(1) {
                let cluster = cluster.as_ref().unwrap();
                let mut around = Some(graph.boxes[i].cluster);
                let mut is_inside = false;
                while let Some(own) = around {
                    is_inside |= own == index;
                    around = graph.clusters[own].parent;
                }
                assert_eq!(is_inside, contains(cluster, a), "{name} {}", graph.boxes[i].form.name());
                assert_eq!(is_inside, overlap(cluster, a), "{name} {}", graph.boxes[i].form.name());
            }
        }
    });
}

#[test]
fn edges_go_from_box_to_box_and_through_no_other() {
    in_all_directions(|graph, layout, name| {
        for ((from, to), points) in graph.edges().into_iter().zip(&layout.edges) {
            let touches = |index: usize, (x, y): (f64, f64)| {
                let rect = layout.boxes[index];
                x >= rect.x - 0.1
                    && x <= rect.x + rect.width + 0.1
                    && y >= rect.y - 0.1
                    && y <= rect.y + rect.height + 0.1
            };
            assert!(touches(from, points[0]), "{name} {from} {to} {points:?}");
            assert!(touches(to, *points.last().unwrap()), "{name} {from} {to} {points:?}");
            for pair in points.windows(2) {
                for step in 1..20 {
                    let share = f64::from(step) / 20.0;
                    let at = |a: f64, b: f64| a + (b - a) * share;
                    let (x, y) = (at(pair[0].0, pair[1].0), at(pair[0].1, pair[1].1));
                    let point = Rect { x: x - 0.5, y: y - 0.5, width: 1.0, height: 1.0 };
                    let through = layout.boxes.iter().position(|rect| overlap(&point, rect));
                    assert!(through.is_none_or(|index| index == from || index == to), "{name} {from} {to} {points:?}");
                }
            }
        }
    });
}
