//! Tables in the style of `rich`, with which Keras prints summaries.

/// A table with columns of given widths.
pub(crate) struct Table {
    /// The columns: header, alignment and width.
    columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

struct Column {
    header: &'static str,
    /// The width that Keras asks for, without padding.
    width: usize,
    align: Align,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    Center,
}

impl Table {
    /// Creates the empty table of a summary, and returns its width: `line_length`, or by default the console's width
    /// less 4, but at most 88 (108 with connections).
    pub(crate) fn of_summary(
        connected: bool,
        show_trainable: bool,
        line_length: Option<usize>,
        console_width: usize,
    ) -> (Self, usize) {
        let mut columns = vec![("Layer (type)", Align::Left), ("Output Shape", Align::Left), ("Param #", Align::Right)];
        let (mut default, mut positions) = (88, vec![0.45, 0.80, 1.0]);
        if connected {
            (default, positions) = (108, vec![0.3, 0.56, 0.74, 1.0]);
            columns.push(("Connected to", Align::Left));
        }
        if show_trainable {
            default += 12;
            positions = positions.iter().map(|position| position * 0.90).chain([1.0]).collect();
            columns.push(("Trainable", Align::Center));
        }
        let width = line_length.unwrap_or_else(|| default.min(console_width.saturating_sub(4)));
        let mut used = 0;
        let columns = columns.into_iter().zip(positions).map(|((header, align), position)| {
            let column = Column { header, align, width: ((position * width as f64) as usize).saturating_sub(used) };
            used += column.width;
            column
        });
        (Self { columns: columns.collect(), rows: Vec::new() }, width)
    }

    /// Returns the lines of the table, `width` characters wide and cut off at the console's width.
    pub fn render(&self, width: usize, console: usize) -> Vec<String> {
        let widths = self.widths(width);
        let rule = |left: char, line: char, middle: char, right: char| {
            let parts: Vec<String> = widths.iter().map(|width| std::iter::repeat_n(line, *width).collect()).collect();
            format!("{left}{}{right}", parts.join(&middle.to_string()))
        };
        let mut lines = vec![rule('┏', '━', '┳', '┓')];
        let headers: Vec<String> = self.columns.iter().map(|column| column.header.to_owned()).collect();
        lines.extend(self.row(&headers, &widths, '┃'));
        lines.push(rule('┡', '━', '╇', '┩'));
        for (i, row) in self.rows.iter().enumerate() {
            if i > 0 {
                lines.push(rule('├', '─', '┼', '┤'));
            }
            lines.extend(self.row(row, &widths, '│'));
        }
        lines.push(rule('└', '─', '┴', '┘'));
        lines.into_iter().map(|line| line.chars().take(console).collect()).collect()
    }

    /// Returns column widths with padding; if they exceed the table's width, all are reduced evenly.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut remaining_columns = self.columns.len();
        let asked: usize = self.columns.iter().map(|column| column.width + 2).sum();
        let mut excess = asked.saturating_sub(width.saturating_sub(self.columns.len() + 1));
        let reduce = |column: &Column| {
            let share = round_half_even(excess, remaining_columns).min(column.width + 2);
            excess -= share;
            remaining_columns -= 1;
            column.width + 2 - share
        };
        self.columns.iter().map(reduce).collect()
    }

    fn row(&self, cells: &[String], widths: &[usize], border: char) -> Vec<String> {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), column)| {
                let width = width.saturating_sub(2);
                wrap(cell, width).into_iter().map(|line| align(&line, width, column.align)).collect()
            })
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
        let line = |i: usize| {
            let cells: Vec<String> = wrapped
                .iter()
                .zip(widths)
                .map(|(cell, width)| {
                    let blank = || " ".repeat(width.saturating_sub(2));
                    format!(" {} ", cell.get(i).cloned().unwrap_or_else(blank))
                })
                .collect();
            format!("{border}{}{border}", cells.join(&border.to_string()))
        };
        (0..height).map(line).collect()
    }
}

fn round_half_even(total: usize, parts: usize) -> usize {
    let parts = parts.max(1);
    let (quotient, remainder) = (total / parts, total % parts);
    match (remainder * 2).cmp(&parts) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
    }
}

/// Wraps text to lines of at most `width` characters, between words; a longer word is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used > 0 && width.saturating_sub(used) < length {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        used += word.chars().count();
    }
    lines.iter().map(|line| cut(line.trim_end(), width)).collect()
}

fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn align(line: &str, width: usize, align: Align) -> String {
    let space = width.saturating_sub(line.chars().count());
    let left = match align {
        Align::Left => 0,
        Align::Right => space,
        Align::Center => space / 2,
    };
    format!("{}{line}{}", " ".repeat(left), " ".repeat(space - left))
}

/// Formats a number with commas between thousands.
pub(crate) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a number of bytes as summaries have it: `1.50 KB`.
pub(crate) fn readable(mut bytes: f64) -> String {
    for unit in ["B", "KB", "MB", "GB", "TB"] {
        if bytes < 1024.0 {
            return format!("{bytes:.2} {unit}");
        }
        bytes /= 1024.0;
    }
    format!("{bytes:.2} PB")
}
