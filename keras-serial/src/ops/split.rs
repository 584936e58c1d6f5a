//! Splitting of tensors along an axis (`keras.ops.split`, `hsplit`, `vsplit`, `dsplit`).

use super::define::{Call, classes};
use super::shape::{Span, slice_axis};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::tensor::Tensor;

classes! { "keras.src.ops.numpy"
    "Hsplit" = |c| {
        let x = c.x()?;
        let axis = if x.rank() == 1 { 0 } else { 1 };
        split_at(c, &x, axis)
    };
    "Vsplit" = |c| split_at(c, &c.x()?, 0);
    "Dsplit" = |c| split_at(c, &c.x()?, 2);
}

fn split_at(c: &Call<'_>, x: &Tensor, axis: isize) -> Result<Vec<Tensor>> {
    let how = c.config.get("indices_or_sections");
    let how = how.ok_or_else(|| crate::config::field::missing(c.config, "indices_or_sections"))?;
    split_impl(x, how, axis)
}

/// Splits a tensor along an axis: into an integer number of parts, or at the positions of a list.
pub(super) fn split_impl(x: &Tensor, sections_or_ends: &Value, axis: isize) -> Result<Vec<Tensor>> {
    let extent = x.shape().get(axis)?;
    let ends: Vec<usize> = match (sections_or_ends, extent) {
        (Value::List(ends), extent) => {
            let ends = ends.iter().map(usize::from_value).collect::<Result<Vec<_>>>().at("indices_or_sections")?;
            ends.into_iter().chain([extent.unwrap_or(usize::MAX)]).collect()
        }
        (sections, extent) => {
            let sections = usize::from_value(sections).at("indices_or_sections")?;
            let Some(extent) = extent else {
                // The extent of the parts is unknown until the tensor's is known.
                return Ok(vec![Tensor::symbol(x.shape(), x.dtype()); sections]);
            };
            if sections == 0 || !extent.is_multiple_of(sections) {
                return Err(Error::new(ErrorKind::Shape, "the axis can't be split evenly")
                    .expected(format!("a divisor of {extent}"))
                    .received(sections.to_string()));
            }
            (1..=sections).map(|i| i * extent / sections).collect()
        }
    };
    let starts = std::iter::once(0).chain(ends.clone());
    let part = |(start, end): (usize, usize)| match extent {
        Some(_) => slice_axis(x, axis, Span::range(start, end.max(start))),
        None if end == usize::MAX => Ok(Tensor::symbol(x.shape(), x.dtype())),
        None => Ok(Tensor::symbol(x.shape().with(axis, Some(end.saturating_sub(start)))?, x.dtype())),
    };
    starts.zip(ends).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::DType;

    #[test]
    fn parts_of_what_is_not_known() {
        let x = Tensor::symbol([None, Some(6)], DType::Float32);
        let shapes = |how: Value, axis| -> Vec<String> {
            split_impl(&x, &how, axis).unwrap().iter().map(|part| part.shape().to_string()).collect()
        };
        assert_eq!(shapes(Value::Int(2), 0), ["(None, 6)", "(None, 6)"]);
        assert_eq!(shapes(Value::from(vec![1i64, 4]), 1), ["(None, 1)", "(None, 3)", "(None, 2)"]);
        assert!(split_impl(&x, &Value::Int(4), 1).is_err());
    }
}
