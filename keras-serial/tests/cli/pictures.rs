//! `plot`: pictures of models, with and without their classes.

use super::{Home, fixtures, run, small, stderr, stdout};

#[test]
fn models_are_drawn_in_every_format() {
    let home = Home::new();
    for (end, start) in [("svg", "<svg"), ("html", "<!DOCTYPE html>"), ("dot", "digraph")] {
        let out = home.at(&format!("model.{end}"));
        run(&["plot", &small(".keras"), "-o", &out, "--show-layer-names", "--show-shapes"], 0).stdout("").stderr("");
        let text = std::fs::read_to_string(&out).unwrap();
        assert!(text.to_lowercase().starts_with(&start.to_lowercase()), "{end}: {}", &text[..80]);
        assert!(text.contains("second") && text.contains("(None, 3)"), "{end}");
    }
    let svg = stdout(&run(&["plot", &small(".h5"), "-o", "-", "--show-layer-names", "--rankdir", "LR"], 0));
    assert!(svg.starts_with("<svg") && svg.contains("first"), "{svg}");
    let dot = stdout(&run(
        &["plot", &small(".keras"), "-o", "-", "--to-format", "dot", "--layer-range", "first", "second"],
        0,
    ));
    assert!(dot.contains("Dense") && !dot.contains("InputLayer"), "{dot}");
    let error = stderr(&run(&["plot", &small(".keras"), "-o", &home.at("model.gif")], 2));
    assert!(error.contains(".svg") && error.contains("model.gif"), "{error}");
    let error = stderr(&run(&["plot", &small(".weights.h5"), "-o", "-"], 2));
    assert!(error.contains("no configuration") && error.contains("small.weights.h5"), "{error}");
    run(&["plot", &small(".keras"), "-o", "-", "--highlight-layers", "first,third"], 2);
}

#[test]
fn unknown_classes_are_drawn() {
    let blocks = fixtures("found/blocks.keras").display().to_string();
    assert!(stdout(&run(&["plot", &blocks, "-o", "-"], 0)).contains("Blocks"));
}

#[cfg(feature = "png")]
#[test]
fn models_are_drawn_as_pixels() {
    let home = Home::new();
    run(&["plot", &small(".keras"), "-o", &home.at("model.png"), "--dpi", "96"], 0);
    assert!(std::fs::read(home.at("model.png")).unwrap().starts_with(b"\x89PNG"));
    // Too many pixels for this resolution.
    let large = fixtures("cases/models/transformer/model.keras").display().to_string();
    let warning = stderr(&run(&["plot", &large, "-o", &home.at("large.png"), "--dpi", "2400"], 0));
    assert!(warning.starts_with("warning: the picture is too large for 2400 dpi: it has "), "{warning}");
    assert!(std::fs::read(home.at("large.png")).unwrap().starts_with(b"\x89PNG"));
}
