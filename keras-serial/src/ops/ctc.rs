//! Connectionist temporal classification (CTC): loss and decoding (`keras.ops.ctc_loss`, `ctc_decode`).

use std::collections::BTreeMap;

use super::arithmetic::multiply;
use super::axes::Axes;
use super::define::{Call, classes};
use super::dtypes::{cast, result_type};
use super::matrices::followed;
use super::reduce::sum_impl;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::tensor::{DType, Tensor};

classes! { "keras.src.ops.nn"
    "CTCLoss" = |c| {
        let (target, output) = (c.tensor(0, "target")?, c.tensor(1, "output")?);
        let (labels, steps) = (c.tensor(2, "target_length")?, c.tensor(3, "output_length")?);
        let dtype = result_type(output.dtype(), DType::Float32);
        let inferred = Tensor::symbol([target.shape().get(0)?], dtype);
        program::infer_or_compute(&[&target, &output, &labels, &steps], inferred, || {
            let output = cast(&output, dtype)?;
            let [batch, time, classes] = extents(&output)?;
            let width = target.shape().dim(1)?;
            let blank = place(c.get("mask_index", 0)?, classes)?;
            let logits = cast(&output.detached()?, DType::Float64)?.to_vec::<f64>()?;
            let target = integers(&target)?;
            let (labels, steps) = (integers(&labels)?, integers(&steps)?);
            let (mut losses, mut gradient) = (Vec::with_capacity(batch), Vec::with_capacity(logits.len()));
            for sample in 0..batch {
                let logits = logits.get(sample * time * classes..(sample + 1) * time * classes).unwrap_or_default();
                let count = |lengths: &[i64], most: usize| (lengths.get(sample).copied().unwrap_or(0).max(0) as usize).min(most);
                let labels: Vec<usize> = target
                    .get(sample * width..(sample + 1) * width).unwrap_or_default().iter()
                    .take(count(&labels, width)).map(|label| (*label).clamp(0, classes as i64 - 1) as usize).collect();
                let (loss, slope) = alignments(logits, classes, &labels, count(&steps, time), blank);
                losses.push(loss);
                gradient.extend(slope);
            }
            let losses = cast(&Tensor::from_vec(losses, [batch])?, dtype)?;
            let gradient = cast(&Tensor::from_vec(gradient, output.shape())?, dtype)?;
            followed(losses, &output, |change| sum_impl(&multiply(change, &gradient)?, &Axes::from([1, 2]), false))
        })
    };
    "CTCDecode" = decode;
}

fn integers(x: &Tensor) -> Result<Vec<i64>> {
    cast(&x.detached()?, DType::Int64)?.to_vec::<i64>()
}

fn extents(x: &Tensor) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(x.shape().known()?).map_err(|_| {
        Error::new(ErrorKind::Shape, "logits need the shape (batch, steps, classes)")
            .received(format!("shape {}", x.shape()))
    })
}

fn place(index: i64, classes: usize) -> Result<usize> {
    let counted = if index < 0 { index + classes as i64 } else { index };
    usize::try_from(counted).ok().filter(|place| *place < classes).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `mask_index`")
            .expected(format!("a class below {classes}"))
            .received(index.to_string())
    })
}

fn log_add(a: f64, b: f64) -> f64 {
    let most = a.max(b);
    if most == f64::NEG_INFINITY { most } else { most + (-(a - b).abs()).exp().ln_1p() }
}

/// Returns the log probabilities of classes (log-softmax).
fn log_softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = most + row.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
    row.iter().map(|x| x - total).collect()
}

/// Returns -log p(labels) and its gradient with respect to the logits, by the forward-backward algorithm over
/// all alignments.
fn alignments(logits: &[f64], classes: usize, labels: &[usize], steps: usize, blank: usize) -> (f64, Vec<f64>) {
    let logs: Vec<Vec<f64>> = logits.chunks(classes.max(1)).take(steps).map(log_softmax).collect();
    // The labels with a blank before, between and after them.
    let states: Vec<usize> = labels.iter().flat_map(|label| [blank, *label]).chain([blank]).collect();
    let state = |s: usize| states.get(s).copied().unwrap_or(blank);
    let count = states.len();
    let emitted =
        |t: usize, s: usize| logs.get(t).and_then(|row| row.get(state(s))).copied().unwrap_or(f64::NEG_INFINITY);
    let may_skip = |s: usize| s >= 2 && state(s) != blank && state(s) != state(s - 2);
    let never = || vec![vec![f64::NEG_INFINITY; count]; steps];
    let at = |table: &[Vec<f64>], t: usize, s: usize| {
        table.get(t).and_then(|row| row.get(s)).copied().unwrap_or(f64::NEG_INFINITY)
    };
    let set = |table: &mut [Vec<f64>], t: usize, s: usize, value: f64| {
        if let Some(slot) = table.get_mut(t).and_then(|row| row.get_mut(s)) {
            *slot = value;
        }
    };
    let (mut before, mut after) = (never(), never());
    for t in 0..steps {
        for s in 0..count {
            let ways = if t == 0 {
                if s < 2 { 0.0 } else { f64::NEG_INFINITY }
            } else {
                let stay = at(&before, t - 1, s);
                let step = if s >= 1 { at(&before, t - 1, s - 1) } else { f64::NEG_INFINITY };
                let skip = if may_skip(s) { at(&before, t - 1, s - 2) } else { f64::NEG_INFINITY };
                log_add(log_add(stay, step), skip)
            };
            set(&mut before, t, s, ways + emitted(t, s));
        }
    }
    for t in (0..steps).rev() {
        for s in 0..count {
            let ways = if t + 1 == steps {
                if s + 2 >= count { 0.0 } else { f64::NEG_INFINITY }
            } else {
                let from = |s: usize| at(&after, t + 1, s) + emitted(t + 1, s);
                let skip = if s + 2 < count && may_skip(s + 2) { from(s + 2) } else { f64::NEG_INFINITY };
                let step = if s + 1 < count { from(s + 1) } else { f64::NEG_INFINITY };
                log_add(log_add(from(s), step), skip)
            };
            set(&mut after, t, s, ways);
        }
    }
    let total = match steps.checked_sub(1) {
        Some(last) => {
            let step = if count >= 2 { at(&before, last, count - 2) } else { f64::NEG_INFINITY };
            log_add(at(&before, last, count - 1), step)
        }
        None if labels.is_empty() => 0.0,
        None => f64::NEG_INFINITY,
    };
    let mut gradient = vec![0.0; logits.len()];
    for ((t, row), log) in gradient.chunks_mut(classes.max(1)).enumerate().zip(&logs) {
        row.iter_mut().zip(log).for_each(|(slope, log)| *slope = log.exp());
        for s in 0..count {
            let share = (at(&before, t, s) + at(&after, t, s) - total).exp();
            if let Some(slope) = row.get_mut(state(s)).filter(|_| share.is_finite()) {
                *slope -= share;
            }
        }
    }
    (-total, gradient)
}

/// Decodes logits to labels, padded with -1, and returns their scores.
fn decode(c: &Call<'_>) -> Result<(Tensor, Tensor)> {
    let (inputs, lengths) = (c.tensor(0, "inputs")?, c.tensor(1, "sequence_lengths")?);
    let dtype = result_type(inputs.dtype(), DType::Float32);
    let beam = match c.get("strategy", "greedy".to_owned())?.as_str() {
        "greedy" => false,
        "beam_search" => true,
        strategy => {
            return Err(Error::new(ErrorKind::InvalidArgument, "Invalid strategy")
                .expected("greedy or beam_search")
                .received(format!("strategy={strategy:?}")));
        }
    };
    let paths = if beam { c.get("top_paths", 1usize)? } else { 1 };
    let (batch, steps) = (inputs.shape().get(0)?, inputs.shape().get(1)?);
    let inferred =
        (Tensor::symbol([Some(paths), batch, steps], DType::Int32), Tensor::symbol([batch, Some(paths)], dtype));
    program::infer_or_compute(&[&inputs, &lengths], inferred, || {
        let [batch, time, classes] = extents(&inputs)?;
        let blank = match c.maybe::<i64>("mask_index")? {
            Some(index) => place(index, classes)?,
            None => classes.saturating_sub(1),
        };
        let logits = cast(&inputs.detached()?, DType::Float64)?.to_vec::<f64>()?;
        let lengths = integers(&lengths)?;
        let mut labels = vec![-1i32; paths * batch * time];
        let mut scores = Vec::with_capacity(batch * paths);
        for sample in 0..batch {
            let rows = logits.get(sample * time * classes..(sample + 1) * time * classes).unwrap_or_default();
            let steps = lengths.get(sample).copied().unwrap_or(0).max(0) as usize;
            let rows: Vec<&[f64]> = rows.chunks(classes.max(1)).take(steps).collect();
            let found = if beam {
                beam_search(&rows, blank, c.get("beam_width", 100)?, paths)
            } else {
                vec![greedy(&rows, blank, c.get("merge_repeated", true)?)]
            };
            for path in 0..paths {
                let (path_labels, score) = found.get(path).cloned().unwrap_or((Vec::new(), f64::NEG_INFINITY));
                scores.push(score);
                let start = (path * batch + sample) * time;
                for (slot, label) in labels.iter_mut().skip(start).take(time).zip(path_labels) {
                    *slot = label as i32;
                }
            }
        }
        Ok((Tensor::from_vec(labels, [paths, batch, time])?, cast(&Tensor::from_vec(scores, [batch, paths])?, dtype)?))
    })
}

/// Returns the best class of each step without blanks, and the negative sum of their logits.
fn greedy(rows: &[&[f64]], blank: usize, merge: bool) -> (Vec<usize>, f64) {
    let (mut labels, mut score, mut last) = (Vec::new(), 0.0, None);
    for row in rows {
        let best = row
            .iter()
            .enumerate()
            .fold((0, f64::NEG_INFINITY), |best, (i, x)| if *x > best.1 { (i, *x) } else { best });
        score -= best.1;
        if best.0 != blank && !(merge && last == Some(best.0)) {
            labels.push(best.0);
        }
        last = Some(best.0);
    }
    (labels, score)
}

/// Returns the most probable labels summed over all their alignments (prefix beam search), with log
/// probabilities.
fn beam_search(rows: &[&[f64]], blank: usize, width: usize, paths: usize) -> Vec<(Vec<usize>, f64)> {
    // For each prefix its log probabilities: ending in a blank, and ending in its last label.
    let mut beams: Vec<(Vec<usize>, [f64; 2])> = vec![(Vec::new(), [0.0, f64::NEG_INFINITY])];
    for row in rows {
        let logs = log_softmax(row);
        let mut next: BTreeMap<Vec<usize>, [f64; 2]> = BTreeMap::new();
        let mut put = |labels: Vec<usize>, end: usize, log: f64| {
            let slot = next.entry(labels).or_insert([f64::NEG_INFINITY; 2]);
            if let Some(old) = slot.get_mut(end) {
                *old = log_add(*old, log);
            }
        };
        for (labels, [in_blank, in_label]) in &beams {
            for (class, log) in logs.iter().enumerate() {
                if class == blank {
                    put(labels.clone(), 0, log_add(*in_blank, *in_label) + log);
                    continue;
                }
                let repeated = labels.last() == Some(&class);
                if repeated {
                    put(labels.clone(), 1, in_label + log);
                }
                let mut longer = labels.clone();
                longer.push(class);
                put(longer, 1, if repeated { *in_blank } else { log_add(*in_blank, *in_label) } + log);
            }
        }
        beams = next.into_iter().collect();
        beams.sort_by(|a, b| log_add(b.1[0], b.1[1]).total_cmp(&log_add(a.1[0], a.1[1])));
        beams.truncate(width.max(1));
    }
    beams.into_iter().take(paths).map(|(labels, [a, b])| (labels, log_add(a, b))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_sum_over_all_alignments() {
        // Two steps, labels [1]: "1-", "-1", "11", each of probability 1/4 with equal logits of two classes.
        let (loss, gradient) = alignments(&[0.0; 4], 2, &[1], 2, 0);
        assert!((loss - -(0.75f64.ln())).abs() < 1e-12);
        assert!((gradient.iter().sum::<f64>()).abs() < 1e-12);
        assert!((gradient[0] - (0.5 - 1.0 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn searches_find_labels() {
        let rows: Vec<&[f64]> = vec![&[0.1, 0.9, 0.2], &[0.1, 0.8, 0.3], &[0.9, 0.1, 0.2], &[0.0, 0.1, 0.7]];
        assert_eq!(greedy(&rows, 0, true).0, [1, 2]);
        let found = beam_search(&rows, 0, 10, 2);
        assert!(found[0].1 >= found[1].1);
    }
}
