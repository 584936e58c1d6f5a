//! Plain text: tables, with columns as wide as their widest cell, and numbers of bytes.

/// The widest column. Longer cells, which a file can have, move the rest of their row, and of no other.
const WIDEST: usize = 120;

/// Formats a table with a head, a line under it, and rows.
pub(crate) fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count().min(WIDEST));
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

/// Formats a number of bytes as Keras does: `1.50 MB`.
pub(crate) fn readable(bytes: f64) -> String {
    let mut size = bytes;
    for unit in ["Byte", "KB", "MB", "GB", "TB"] {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} PB")
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_cells_do_not_widen_the_table() {
        let long = "x".repeat(100_000);
        let text = super::table(&["A", "B"], &[[long.clone(), "1".into()], ["y".into(), "2".into()]]);
        assert!(text.len() < long.len() + 1000 && text.contains(&format!("{long}  1\n")));
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [["dense".to_owned(), "8".to_owned()], ["a".to_owned(), "16".to_owned()]];
        assert_eq!(super::table(&["Layer", "Weights"], &rows), "Layer  Weights\n-----  -------\ndense  8\na      16\n");
    }
}
