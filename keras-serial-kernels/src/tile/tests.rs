use super::*;
use crate::epilogue::Activation;
use crate::pack::Packed;
use crate::testing::{assert_close, everywhere, numbers, wide};

/// A product with everything that a tile can do, against sums in double precision.
fn compare(lines: usize, pixels: usize, segments: &[usize], segment: usize, columns: usize, activation: Activation) {
    let (line_step, pixel_step, start) = (pixels * 5 + 3, 5, 2);
    let depth = segments.len() * segment;
    let reach = segments.iter().max().unwrap_or(&0) + segment;
    let data = numbers(start + lines * line_step + pixels * pixel_step + reach, 1);
    let left = Left { data: &data, start, lines, line_step, pixels, pixel_step, segments, segment };
    let weights = numbers(depth * columns, 2);
    let (bias, residual) = (numbers(columns, 3), numbers(lines * pixels * columns, 4));
    let (x, w) = (wide(&data), wide(&weights));
    let mut reference = Vec::new();
    for line in 0..lines {
        for pixel in 0..pixels {
            for column in 0..columns {
                let place = start + line * line_step + pixel * pixel_step;
                let terms = segments.iter().flat_map(|s| place + s..place + s + segment);
                let sum: f64 = terms.enumerate().map(|(k, at)| x[at] * w[k * columns + column]).sum();
                let sum = sum + f64::from(bias[column]) + f64::from(residual[reference.len()]);
                reference.push(match activation {
                    Activation::Relu => sum.max(0.0),
                    Activation::Silu => sum / (1.0 + (-sum).exp()),
                    _ => sum,
                });
            }
        }
    }
    everywhere(|context| {
        let packed = Packed::new(context.level, &weights, depth, columns).unwrap();
        let mut out = vec![f32::NAN; lines * pixels * columns];
        let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
        multiply(context.level, &left, &packed.right(), &epilogue, Region::whole(&mut out, columns));
        assert_close(
            &out,
            &reference,
            &format!("{:?} {lines} {pixels} {segments:?} {segment} {columns}", context.level),
        );
    });
}

#[test]
fn tiles_of_all_sizes() {
    for pixels in (1..=16).chain([28, 29, 33]) {
        for columns in [1, 7, 8, 16, 17, 31, 32, 33] {
            compare(1, pixels, &[0], 9, columns, Activation::Relu);
        }
    }
}

#[test]
fn lines_and_segments() {
    for (lines, pixels) in [(2, 7), (3, 7), (5, 3), (7, 1), (4, 4), (3, 16)] {
        for segments in [&[0][..], &[0, 4, 11], &[6, 0]] {
            compare(lines, pixels, segments, 3, 40, Activation::Silu);
        }
    }
}

#[test]
fn without_depth_there_is_the_bias() {
    compare(2, 3, &[], 4, 19, Activation::Linear);
    compare(2, 3, &[0], 0, 19, Activation::Linear);
}

#[test]
fn other_rows_and_columns_are_not_touched() {
    everywhere(|context| {
        let panel = context.level.panel();
        let (x, weights) = (numbers(6 * 3, 1), numbers(3 * 3 * panel, 2));
        let packed = Packed::new(context.level, &weights, 3, 3 * panel).unwrap();
        let mut out = vec![9.0; 6 * 3 * panel];
        let left = Left::matrix(&x, 3, 3, 3, 3);
        let mut whole = Region::whole(&mut out, 3 * panel);
        let region = whole.part(1..4, panel..2 * panel - 3);
        multiply(context.level, &left, &packed.right(), &Epilogue::default(), region);
        for (i, y) in out.iter().enumerate() {
            let (row, column) = (i / (3 * panel), i % (3 * panel));
            let inside = (1..4).contains(&row) && (panel..2 * panel - 3).contains(&column);
            assert_eq!(*y != 9.0, inside, "{row} {column}");
        }
    });
}

#[test]
#[should_panic(expected = "assertion failed")]
fn pixels_past_the_end_are_refused() {
    let packed = Packed::new(Level::Portable, &[0.0; 6], 3, 2).unwrap();
    let mut out = [0.0; 4];
    let left = Left::matrix(&[0.0; 5], 0, 2, 3, 3);
    multiply(Level::Portable, &left, &packed.right(), &Epilogue::default(), Region::whole(&mut out, 2));
}
