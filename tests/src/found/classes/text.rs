//! Functions that standardize and split text.

use keras_serial::prelude::*;

/// Converts to lower case, replaces HTML line breaks by spaces, and removes punctuation.
#[register(package = "text")]
pub fn strip_html(x: &Tensor) -> Result<Tensor> {
    let strip = |text: &String| {
        let text = text.to_ascii_lowercase().replace("<br />", " ");
        text.chars().filter(|c| !matches!(c, '!' | ',' | '.' | '?')).collect::<String>()
    };
    Tensor::from_strings(x.strings()?.iter().map(strip), x.shape())
}

/// Splits at dashes, along a new axis; rows are padded with empty strings.
#[register(package = "text")]
pub fn on_dash(x: &Tensor) -> Result<Tensor> {
    let rows: Vec<Vec<&str>> = x.strings()?.iter().map(|text| text.split('-').collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let filled = rows.iter().flat_map(|row| (0..width).map(|i| row.get(i).copied().unwrap_or_default()));
    let mut shape = x.shape().known()?;
    shape.push(width);
    Tensor::from_strings(filled, shape)
}
