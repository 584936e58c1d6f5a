//! Renders SVG as PNG, with the fonts that stand beside this file.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::error::{Error, ErrorKind, Result};

/// The maximum number of pixels: they take four bytes each, and once more while they are compressed.
const MAX_PIXELS: f64 = 20_000_000.0;
/// The lowest resolution to which a picture is reduced: its text has a height of four pixels.
const LEAST_DPI: u32 = 32;
/// The resolution of SVG, in dots per inch.
const SVG_DPI: f64 = 96.0;

/// Liberation Sans, reduced to Latin, Greek and Cyrillic; the licence is in `font/OFL.txt`.
const FONTS: [&[u8]; 2] = [include_bytes!("font/PlotSans-Regular.ttf"), include_bytes!("font/PlotSans-Bold.ttf")];

/// Returns the picture as PNG, and its resolution: `dpi`, or the highest one in which it does not have too many pixels.
///
/// # Errors
/// [`ErrorKind::Limit`] if it has too many pixels even in a low resolution.
pub(crate) fn render(svg: &str, dpi: u32) -> Result<(Vec<u8>, u32)> {
    let mut options = Options { font_family: "Plot Sans".to_owned(), ..Options::default() };
    let fonts = Arc::make_mut(&mut options.fontdb);
    FONTS.iter().for_each(|font| fonts.load_font_data(font.to_vec()));
    for set in [resvg::usvg::fontdb::Database::set_sans_serif_family, resvg::usvg::fontdb::Database::set_serif_family] {
        set(fonts, "Plot Sans");
    }
    let failed = |error: String| Error::new(ErrorKind::Graph, format!("the picture could not be rendered: {error}"));
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()).with_source(error))?;
    let (width, height) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let size = |dpi: u32| [width, height].map(|side| (side * f64::from(dpi) / SVG_DPI).ceil());
    let is_small = |dpi: &u32| {
        let [width, height] = size(*dpi);
        width * height <= MAX_PIXELS
    };
    if dpi == 0 {
        return Err(Error::new(ErrorKind::Limit, "the picture has no pixels").expected("a `dpi` from 1").received("0"));
    }
    // Sides are rounded up, so that the highest resolution is one less at times.
    let most = ((MAX_PIXELS / (width * height)).sqrt() * SVG_DPI) as u32;
    let fitted = if is_small(&dpi) { Some(dpi) } else { [most, most.saturating_sub(1)].into_iter().find(is_small) };
    let Some(fitted) = fitted.filter(|fitted| *fitted >= LEAST_DPI.min(dpi)) else {
        let [width, height] = size(dpi);
        return Err(Error::new(ErrorKind::Limit, "the picture has too many pixels")
            .expected(format!("at most {MAX_PIXELS:.0}, as in a `dpi` of {most} or less for this picture"))
            .received(format!("{:.0} in a `dpi` of {dpi}", width * height))
            .hint("its text can't be read in a low resolution: take SVG, or draw a part by `layer_range`"));
    };
    let (dpi, [width, height]) = (fitted, size(fitted));
    let scale = f64::from(dpi) / SVG_DPI;
    let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or_else(|| failed("it has no size".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut pixmap.as_mut());
    let png = pixmap.encode_png().map_err(|error| failed(error.to_string()).with_source(error))?;
    Ok((png, dpi))
}
