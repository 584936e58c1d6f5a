use proptest::prelude::*;

use super::*;
use crate::testing::{any_axis, assert_close, everywhere, numbers, reference, scaled, wide};

/// Compares a convolution with sums in double precision.
fn compare(geometry: Geometry, batch: usize, activation: Activation) {
    let image = geometry.image().unwrap();
    let positions = geometry.positions().unwrap();
    let x = numbers(batch * image, 1);
    let depth = geometry.taps().unwrap() * geometry.inputs / geometry.groups;
    let weights = scaled(numbers(depth * geometry.outputs, 2), depth);
    let bias = numbers(geometry.outputs, 3);
    let residual = numbers(batch * positions * geometry.outputs, 4);
    let mut expected = reference::conv(&geometry, &wide(&x), &wide(&weights), batch);
    for (i, y) in expected.iter_mut().enumerate() {
        *y += f64::from(bias[i % geometry.outputs]) + f64::from(residual[i]);
        if activation == Activation::Relu {
            *y = y.max(0.0);
        }
    }
    everywhere(|context| {
        let conv = Conv::new(context.level, geometry, &weights, Some(&bias), activation).unwrap();
        let mut out = vec![f32::NAN; expected.len()];
        conv.run(context, &x, Some(&residual), &mut out).unwrap();
        assert_close(&out, &expected, &format!("{:?} {geometry:?} {batch}", context.level));
    });
}

#[test]
fn pointwise() {
    for (inputs, outputs) in [(1, 1), (3, 31), (31, 32), (32, 33), (33, 3), (24, 144)] {
        for extent in [1, 7, 10] {
            let axis = Axis::valid(extent, 1, 1, 1).unwrap();
            compare(Geometry::two([axis, axis], inputs, outputs, 1), 2, Activation::Relu);
        }
    }
    let axis = Axis::valid(9, 1, 2, 1).unwrap();
    compare(Geometry::two([axis, axis], 16, 40, 1), 2, Activation::Linear);
}

#[test]
fn windows_with_and_without_padding() {
    for (inputs, outputs) in [(1, 1), (3, 16), (31, 33), (32, 32)] {
        for (extent, window, stride, dilation) in
            [(7, 3, 1, 1), (8, 3, 2, 1), (9, 2, 1, 2), (11, 5, 2, 1), (13, 7, 2, 1), (6, 3, 1, 2), (5, 2, 3, 1)]
        {
            let same = Axis::same(extent, window, stride, dilation).unwrap();
            let other = Axis::same(extent + 3, window, stride, dilation).unwrap();
            compare(Geometry::two([same, other], inputs, outputs, 1), 2, Activation::Relu);
            let valid = Axis::valid(extent, window, stride, dilation).unwrap();
            compare(Geometry::two([valid, same], inputs, outputs, 1), 1, Activation::Linear);
            compare(Geometry::two([valid, valid], inputs, outputs, 1), 1, Activation::Linear);
        }
    }
}

#[test]
fn one_axis_and_three() {
    for window in [1, 3, 4] {
        let same = Axis::same(300, window, 1, 1).unwrap();
        compare(Geometry::one(same, 5, 20, 1), 2, Activation::Linear);
        let causal = Axis::padded(50, window, 1, 3, [3 * (window - 1), 0]).unwrap();
        compare(Geometry::one(causal, 128, 20, 1), 1, Activation::Linear);
        let [depth, height, width] = [6, 4, 7].map(|extent| Axis::same(extent, window, 1, 1).unwrap());
        let strided = Axis::same(6, window, 2, 1).unwrap();
        let dilated = Axis::same(9, window, 1, 2).unwrap();
        for axes in [[depth, height, width], [strided, height, width], [dilated, width, height]] {
            compare(Geometry { axes, inputs: 4, outputs: 9, groups: 1 }, 2, Activation::Relu);
        }
        let axes = [6, 5, 7].map(|extent| Axis::valid(extent, window, 1, 1).unwrap());
        compare(Geometry { axes, inputs: 4, outputs: 9, groups: 1 }, 2, Activation::Relu);
    }
}

#[test]
fn groups_of_channels() {
    for (inputs, outputs, groups) in [(4, 4, 2), (6, 9, 3), (64, 80, 2), (8, 8, 8)] {
        let same = Axis::same(6, 3, 1, 1).unwrap();
        compare(Geometry::two([same, same], inputs, outputs, groups), 2, Activation::Linear);
        let point = Axis::valid(6, 1, 1, 1).unwrap();
        compare(Geometry::two([point, point], inputs, outputs, groups), 1, Activation::Relu);
    }
}

#[test]
fn bands_and_wide_channels() {
    // More than one band, a long row that is cut, and channels that are framed with gaps.
    let same = Axis::same(40, 3, 1, 1).unwrap();
    compare(Geometry::two([same, Axis::same(100, 3, 1, 1).unwrap()], 64, 8, 1), 1, Activation::Linear);
    compare(Geometry::one(Axis::same(3000, 3, 1, 1).unwrap(), 64, 8, 1), 1, Activation::Linear);
    let small = Axis::same(5, 3, 1, 1).unwrap();
    compare(Geometry::two([small, small], 128, 40, 1), 1, Activation::Linear);
    compare(Geometry::two([small, small], 256, 150, 1), 1, Activation::Linear);
}

#[test]
fn impossible_convolutions_are_errors() {
    let axis = Axis::valid(4, 3, 1, 1).unwrap();
    let geometry = Geometry::two([axis, axis], 2, 3, 1);
    let new = |geometry, weights: usize, bias: Option<&[f32]>| {
        Conv::new(crate::Level::detect(), geometry, &vec![0.0; weights], bias, Activation::Linear)
    };
    assert!(new(geometry, 53, None).is_err());
    assert!(new(geometry, 54, Some(&[0.0; 2])).is_err());
    assert!(new(Geometry { groups: 0, ..geometry }, 54, None).is_err());
    assert!(new(Geometry { groups: 2, ..geometry }, 27, None).is_err());
    let wild = Axis { output: usize::MAX, ..axis };
    assert!(new(Geometry::two([wild, axis], 2, 3, 1), 54, None).is_err());
    let outside = Axis { output: 3, ..axis };
    let conv = new(Geometry::two([outside, axis], 2, 3, 1), 54, None).unwrap();
    assert!(conv.bytes() > 0);
    let context = Context::default();
    let mut out = vec![0.0; 18];
    conv.run(&context, &[0.0; 32], None, &mut out).unwrap();
    assert!(conv.run(&context, &[0.0; 31], None, &mut out).is_err());
    assert!(conv.run(&context, &[0.0; 32], None, &mut out[1..]).is_err());
    assert!(conv.run(&context, &[0.0; 32], Some(&[0.0; 3]), &mut out).is_err());
    conv.run(&context, &[], None, &mut []).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 64 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_geometry(axes in [any_axis(1..4), any_axis(1..4), any_axis(1..4)], inputs in 1..6usize, outputs in 1..20usize, groups in 1..4usize) {
        let geometry = Geometry { axes, inputs: inputs * groups, outputs: outputs * groups, groups };
        compare(geometry, 1, Activation::Relu);
    }
}
