//! Tensors as text: values as NumPy prints arrays, symbols as Keras prints a `KerasTensor`.

use std::fmt::{self, Write};

use super::number_format::{Numbers, python_quoted};
use super::{DType, Tensor};

/// Tensors with more elements are summarized (NumPy's `threshold`).
const LONGEST: usize = 1000;
/// The elements at each end of a summarized axis (NumPy's `edgeitems`).
const EDGE: usize = 3;
/// The longest line (NumPy's `linewidth`).
const WIDTH: usize = 75;

/// Prints the values as NumPy prints an array: aligned in columns, and summarized if there are more than
/// 1000; a symbol prints its shape and dtype, as a `KerasTensor` does.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, -0.5, 100.0, 0.125], [2, 2])?;
/// assert_eq!(x.to_string(), "[[  1.     -0.5  ]\n [100.      0.125]]");
/// let x = Input::new([32]).name("features").tensor()?;
/// let text = "<KerasTensor shape=(None, 32), dtype=float32, sparse=False, ragged=False, name=features>";
/// assert_eq!(x.to_string(), text);
/// # Ok::<(), keras_serial::Error>(())
/// ```
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match values(self) {
            Some(text) => f.write_str(&text),
            None => fmt::Debug::fmt(self, f),
        }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match values(self) {
            Some(text) => {
                let gap = if text.contains('\n') { "\n" } else { "" };
                write!(f, "<Tensor shape={}, dtype={}, values={gap}{text}>", self.shape(), self.dtype())
            }
            None if self.is_symbolic() => {
                write!(f, "<KerasTensor shape={}, dtype={}, sparse=False, ragged=False", self.shape(), self.dtype())?;
                // Only inputs have a name; Keras counts the other symbols.
                match self.history().filter(|history| history.node.is_input()) {
                    Some(history) => write!(f, ", name={}>", history.node.operation.name()),
                    None => f.write_char('>'),
                }
            }
            None => f.write_str(&self.outline()),
        }
    }
}

impl Tensor {
    /// Returns shape and dtype as text, without the values: for errors.
    pub(crate) fn outline(&self) -> String {
        let sort = match (self.is_symbolic(), self.is_traced()) {
            (true, _) => "KerasTensor",
            (_, true) => "Traced",
            _ => "Tensor",
        };
        format!("<{sort} shape={}, dtype={}>", self.shape(), self.dtype())
    }
}

/// Returns the values as text; `None` for a symbol, or if the engine can't give them.
fn values(x: &Tensor) -> Option<String> {
    let shape = x.shape().known().ok().filter(|_| !x.is_symbolic() && !x.is_traced())?;
    let count = x.shape().num_elements()?;
    if count == 0 {
        return Some("[]".to_owned());
    }
    let layout = Layout { is_summary: count > LONGEST, shape: &shape };
    let words = words(x, &layout.shown(), shape.is_empty())?;
    if shape.is_empty() {
        return words.into_iter().next();
    }
    Some(layout.text(0, " ".len(), WIDTH, &mut words.into_iter()))
}

/// Formats the elements at these positions, all to one width.
fn words(x: &Tensor, shown: &[usize], is_scalar: bool) -> Option<Vec<String>> {
    if x.dtype() == DType::String {
        let text = x.strings().ok()?;
        let word = |at: &usize| text.get(*at).map(|text| if is_scalar { text.clone() } else { python_quoted(text) });
        return shown.iter().map(word).collect();
    }
    let bytes = x.to_bytes().ok()?;
    let size = bytes.dtype.size();
    let elements = shown.iter().map(|at| bytes.data.get(at * size..(at + 1) * size)).collect::<Option<Vec<_>>>()?;
    Numbers::read(x.dtype(), &elements).map(|numbers| numbers.words(is_scalar))
}

/// The arrangement of elements in nested brackets.
struct Layout<'a> {
    shape: &'a [usize],
    is_summary: bool,
}

impl Layout<'_> {
    fn is_cut(&self, extent: usize) -> bool {
        self.is_summary && extent > 2 * EDGE
    }

    /// Returns the positions of the elements that are printed, in order.
    fn shown(&self) -> Vec<usize> {
        let mut shown = vec![0];
        for extent in self.shape {
            let along: Vec<usize> = match self.is_cut(*extent) {
                true => (0..EDGE).chain(extent - EDGE..*extent).collect(),
                false => (0..*extent).collect(),
            };
            shown = shown.iter().flat_map(|start| along.iter().map(move |at| start * extent + at)).collect();
        }
        shown
    }

    /// Prints the axes from this one on; lines after the first are indented, and break at the width.
    fn text(&self, axis: usize, indent: usize, width: usize, words: &mut impl Iterator<Item = String>) -> String {
        let margin = " ".repeat(indent);
        let Some(extent) = self.shape.get(axis) else { return words.next().unwrap_or_default() };
        let (leading, trailing) = if self.is_cut(*extent) { (EDGE, EDGE) } else { (0, *extent) };
        let inner = width.saturating_sub(1);
        let axes_left = self.shape.len() - axis;
        if axes_left > 1 {
            let mut rows: Vec<String> = Vec::new();
            for position in 0..leading + trailing {
                if leading > 0 && position == leading {
                    rows.push("...".to_owned());
                }
                rows.push(self.text(axis + 1, indent + 1, inner, words));
            }
            return format!("[{}]", rows.join(&format!("{}{margin}", "\n".repeat(axes_left - 1))));
        }
        let mut row = Row { done: String::new(), line: margin.clone(), margin: &margin, width: inner };
        for position in 0..leading + trailing {
            if position > 0 {
                row.line.push(' ');
            }
            if leading > 0 && position == leading {
                row.push("...");
                row.line.push(' ');
            }
            row.push(&words.next().unwrap_or_default());
        }
        let text = row.done + &row.line;
        format!("[{}]", text.get(indent..).unwrap_or_default())
    }
}

/// A row of elements, which is broken into lines.
struct Row<'a> {
    done: String,
    line: String,
    margin: &'a str,
    width: usize,
}

impl Row<'_> {
    fn push(&mut self, word: &str) {
        let length = |text: &str| text.chars().count();
        if length(&self.line) + length(word) > self.width && self.line.len() > self.margin.len() {
            self.done.push_str(self.line.trim_end_matches(' '));
            self.done.push('\n');
            self.line = self.margin.to_owned();
        }
        self.line.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_has_shape_dtype_and_values() {
        let x = Tensor::from_slice(&[1i32, 20, 3, 4], [2, 2]).unwrap();
        assert_eq!(format!("{x:?}"), "<Tensor shape=(2, 2), dtype=int32, values=\n[[ 1 20]\n [ 3  4]]>");
        let text = Tensor::from_strings(["a", "it's"], [2]).unwrap();
        assert_eq!(format!("{text:?}"), "<Tensor shape=(2,), dtype=string, values=['a' \"it's\"]>");
        assert_eq!(Tensor::from_vec(Vec::<f32>::new(), [0, 3]).unwrap().to_string(), "[]");
        let symbol = Tensor::symbol([None, Some(2)], DType::Float32);
        assert_eq!(symbol.to_string(), "<KerasTensor shape=(None, 2), dtype=float32, sparse=False, ragged=False>");
    }

    #[test]
    fn large_tensors_are_summarized() {
        let x = Tensor::from_vec((0..2000).collect::<Vec<i64>>(), [2, 1000]).unwrap();
        assert_eq!(x.to_string(), "[[   0    1    2 ...  997  998  999]\n [1000 1001 1002 ... 1997 1998 1999]]");
    }
}
