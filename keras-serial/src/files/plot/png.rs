//! Renders SVG as PNG, with the fonts that stand beside this file.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::error::{Error, ErrorKind, Result};

/// The maximum number of pixels: they take four bytes each, and once more while they are compressed.
const MAX_PIXELS: f64 = 20_000_000.0;
/// The resolution of SVG, in dots per inch.
const SVG_DPI: f64 = 96.0;

/// Liberation Sans, reduced to Latin, Greek and Cyrillic; the licence is in `font/OFL.txt`.
const FONTS: [&[u8]; 2] = [include_bytes!("font/PlotSans-Regular.ttf"), include_bytes!("font/PlotSans-Bold.ttf")];

/// Returns the picture as PNG.
///
/// # Errors
/// [`ErrorKind::Limit`] if it has too many pixels.
pub(crate) fn render(svg: &str, dpi: u32) -> Result<Vec<u8>> {
    let mut options = Options { font_family: "Plot Sans".to_owned(), ..Options::default() };
    let fonts = Arc::make_mut(&mut options.fontdb);
    FONTS.iter().for_each(|font| fonts.load_font_data(font.to_vec()));
    for set in [resvg::usvg::fontdb::Database::set_sans_serif_family, resvg::usvg::fontdb::Database::set_serif_family] {
        set(fonts, "Plot Sans");
    }
    let failed = |error: String| Error::new(ErrorKind::Graph, format!("the picture could not be rendered: {error}"));
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()).with_source(error))?;
    let (width, height) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let scale = f64::from(dpi) / SVG_DPI;
    let pixels = (width * scale).ceil() * (height * scale).ceil();
    let most = (MAX_PIXELS / (width * height)).sqrt() * SVG_DPI;
    if dpi == 0 || pixels > MAX_PIXELS {
        return Err(Error::new(ErrorKind::Limit, "the picture has too many pixels")
            .expected(format!("at most {MAX_PIXELS:.0}, and so a `dpi` of 1 to {most:.0} for this picture"))
            .received(format!("{pixels:.0} pixels at a `dpi` of {dpi}"))
            .hint("SVG has no such limit"));
    }
    let mut pixmap = Pixmap::new((width * scale).ceil() as u32, (height * scale).ceil() as u32)
        .ok_or_else(|| failed("it has no size".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| failed(error.to_string()).with_source(error))
}
