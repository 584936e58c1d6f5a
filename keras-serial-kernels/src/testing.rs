//! Help for tests: contexts of all levels, numbers, and comparison with references in double precision.

use super::Context;
use super::pool::Pool;
use super::simd::Level;
use super::window::Axis;
use proptest::strategy::Strategy;

/// Runs a test at every level that this processor has, with one thread and with two.
pub(crate) fn everywhere(test: impl Fn(&Context<'_>)) {
    for threads in [1, 2] {
        let pool = Pool::new(threads);
        for level in Level::available() {
            test(&Context { pool: &pool, level });
        }
    }
}

/// Numbers between -1 and 1, from a linear congruential generator.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(count as u64);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Weights scaled so that sums of so many products are about one.
pub(crate) fn scaled(weights: Vec<f32>, depth: usize) -> Vec<f32> {
    let scale = (depth.max(1) as f32).sqrt().recip();
    weights.into_iter().map(|weight| weight * scale).collect()
}

/// The same numbers in double precision.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

/// Compares a result with a reference; sums of many products may differ by more.
#[track_caller]
pub(crate) fn assert_close(result: &[f32], reference: &[f64], what: &str) {
    assert_eq!(result.len(), reference.len(), "{what}");
    for (i, (a, b)) in result.iter().zip(reference).enumerate() {
        let error = (f64::from(*a) - b).abs();
        assert!(error <= 2e-5 + 2e-5 * b.abs(), "{what}: element {i} is {a}, expected {b}");
    }
}

/// Plain loops in double precision.
pub(crate) mod reference {
    use crate::conv::Geometry;

    /// Calls a function with each position of three extents.
    fn each(extents: [usize; 3], mut function: impl FnMut([usize; 3])) {
        for z in 0..extents[0] {
            for y in 0..extents[1] {
                (0..extents[2]).for_each(|x| function([z, y, x]));
            }
        }
    }

    /// Calls a function with each output position and, for it, each window position and the input's place under it.
    pub fn windows(geometry: &Geometry, mut function: impl FnMut(usize, usize, usize)) {
        let axes = &geometry.axes;
        let mut position = 0;
        each(axes.map(|axis| axis.output), |output| {
            let mut tap = 0;
            each(axes.map(|axis| axis.window), |element| {
                let places: Vec<_> = (0..3).filter_map(|i| axes[i].place(output[i], element[i])).collect();
                if let [z, y, x] = places[..] {
                    function(position, tap, (z * axes[1].input + y) * axes[2].input + x);
                }
                tap += 1;
            });
            position += 1;
        });
    }

    /// A convolution of a batch, `x` and `weights` as [`crate::conv::Conv`] takes them.
    pub fn conv(geometry: &Geometry, x: &[f64], weights: &[f64], batch: usize) -> Vec<f64> {
        let Geometry { inputs, outputs, groups, .. } = *geometry;
        let (ins, outs) = (inputs / groups, outputs / groups);
        let image: usize = geometry.axes.iter().map(|axis| axis.input).product();
        let positions: usize = geometry.axes.iter().map(|axis| axis.output).product();
        let mut y = vec![0.0; batch * positions * outputs];
        for n in 0..batch {
            windows(geometry, |position, tap, place| {
                for output in 0..outputs {
                    let group = output / outs;
                    let from = (n * image + place) * inputs + group * ins;
                    let sum: f64 = (0..ins).map(|i| x[from + i] * weights[(tap * ins + i) * outputs + output]).sum();
                    y[(n * positions + position) * outputs + output] += sum;
                }
            });
        }
        y
    }
}

/// Any axis whose window, of one of these sizes, fits the padded input.
pub(crate) fn any_axis(windows: std::ops::Range<usize>) -> impl Strategy<Value = Axis> {
    (1..12usize, windows, 1..4usize, 1..3usize, 0..3usize, 0..3usize).prop_filter_map(
        "a window fits",
        |(input, window, stride, dilation, before, after)| {
            Axis::padded(input, window, stride, dilation, [before, after]).ok()
        },
    )
}
