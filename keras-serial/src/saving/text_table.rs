//! Plain text tables, with columns as wide as their widest cell.

/// Formats a table with a head, a line under it, and rows.
pub(super) fn render<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&head.map(str::to_owned));
    text.push_str(&line(&widths.map(|width| "-".repeat(width))));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [["dense".to_owned(), "8".to_owned()], ["a".to_owned(), "16".to_owned()]];
        assert_eq!(
            super::render(&["Layer", "Weights"], &rows),
            "Layer  Weights\n-----  -------\ndense  8\na      16\n"
        );
    }
}
