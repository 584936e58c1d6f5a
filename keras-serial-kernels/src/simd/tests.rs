use super::*;

/// Applies a function of vectors to numbers, at every level.
fn check(function: Function, reference: fn(f64) -> f64, numbers: &[f32], relative: f64, absolute: f64) {
    for level in Level::available() {
        let mut values = numbers.to_vec();
        level.run(Map { function, values: &mut values });
        for (x, y) in numbers.iter().zip(&values) {
            let expected = reference(f64::from(*x));
            let same = f64::from(*y) == expected || y.is_nan() && expected.is_nan();
            let error = (f64::from(*y) - expected).abs();
            let close =
                error <= absolute + relative * expected.abs() || (expected as f32).is_infinite() && y.is_infinite();
            assert!(same || close, "{level:?} {function:?}({x}) = {y}, expected {expected}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    Sigmoid,
    Tanh,
    Erf,
    Gelu,
    GeluTanh,
    Silu,
    ExpMinusOne,
    Round,
    Abs,
    Sqrt,
}

struct Map<'a> {
    function: Function,
    values: &'a mut [f32],
}

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for part in self.values.chunks_mut(S::LANES) {
            let x = s.load_slice(part);
            let y = match self.function {
                Function::Exp => math::exp(s, x),
                Function::Sigmoid => math::sigmoid(s, x),
                Function::Tanh => math::tanh(s, x),
                Function::Erf => math::erf(s, x),
                Function::Gelu => math::gelu(s, x),
                Function::GeluTanh => math::gelu_tanh(s, x),
                Function::Silu => math::silu(s, x),
                Function::ExpMinusOne => math::exp_minus_one(s, x),
                Function::Round => s.round(x),
                Function::Abs => s.abs(x),
                Function::Sqrt => s.sqrt(x),
            };
            s.store_slice(part, y);
        }
    }
}

/// Numbers around zero, far ones, and what is not a number.
fn range(limit: f32) -> Vec<f32> {
    let count = if cfg!(miri) { 40 } else { 4000 };
    let spread = (-count..=count).map(|i| i as f32 / count as f32 * limit);
    let small = (-count..=count).map(|i| i as f32 / count as f32 * 1e-2);
    spread.chain(small).chain([-0.0, f32::NAN, 1e-30, -1e-30]).collect()
}

/// The error function in double precision, by its series and by a continued fraction.
fn erf(x: f64) -> f64 {
    let size = x.abs();
    if x.is_nan() {
        return x;
    }
    if size < 2.5 {
        let (mut term, mut sum) = (size, size);
        for n in 1..80 {
            term *= -size * size / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return (2.0 / std::f64::consts::PI.sqrt() * sum).copysign(x);
    }
    let fraction = (1..60).rev().fold(size, |below, k| size + f64::from(k) / 2.0 / below);
    (1.0 - (-size * size).exp() / fraction / std::f64::consts::PI.sqrt()).copysign(x)
}

#[test]
fn exponential() {
    check(Function::Exp, f64::exp, &range(86.0), 3e-7, 0.0);
    check(Function::Exp, f64::exp, &range(120.0), 3e-7, 2e-45);
    check(Function::Exp, f64::exp, &[f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.0], 0.0, 0.0);
    check(Function::ExpMinusOne, f64::exp_m1, &range(1.0), 1e-6, 0.0);
    check(Function::ExpMinusOne, f64::exp_m1, &[-10.0, -50.0, -1000.0, f32::NEG_INFINITY], 1e-6, 0.0);
}

#[test]
fn sigmoid_and_tanh() {
    check(Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), &range(80.0), 5e-7, 0.0);
    check(Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), &[f32::INFINITY, f32::NEG_INFINITY], 1e-7, 2e-38);
    check(Function::Tanh, f64::tanh, &range(15.0), 3e-7, 0.0);
    check(Function::Tanh, f64::tanh, &[f32::INFINITY, f32::NEG_INFINITY, 1e30], 1e-7, 0.0);
    check(Function::Silu, |x| x / (1.0 + (-x).exp()), &range(80.0), 6e-7, 0.0);
}

#[test]
fn error_function_and_gelu() {
    check(Function::Erf, erf, &range(6.0), 2e-7, 2e-7);
    check(Function::Gelu, |x| x * 0.5 * (1.0 + erf(x / 2f64.sqrt())), &range(6.0), 2e-7, 3e-7);
    let gelu_tanh = |x: f64| {
        let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
        0.5 * x * (1.0 + inner.tanh())
    };
    check(Function::GeluTanh, gelu_tanh, &range(5.0), 1e-6, 3e-7);
}

#[test]
fn basic_functions() {
    check(Function::Round, f64::round_ties_even, &range(1000.0), 0.0, 0.0);
    check(Function::Round, f64::round_ties_even, &[0.5, 1.5, 2.5, -0.5, -1.5], 0.0, 0.0);
    check(Function::Abs, f64::abs, &range(10.0), 0.0, 0.0);
    check(Function::Sqrt, f64::sqrt, &[0.0, 1.0, 2.0, 1e30, -1.0], 1e-7, 0.0);
}

/// Arithmetic, selection, and parts of vectors.
struct Basics;

impl Kernel for Basics {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let list: Vec<f32> = (1..=S::LANES).map(|i| i as f32).collect();
        let same = |v: S::V, expected: &dyn Fn(f32) -> f32| {
            let array = s.to_array(v);
            assert!(array.as_ref().iter().zip(&list).all(|(a, x)| a.to_bits() == expected(*x).to_bits()));
        };
        let x = s.load_slice(&list);
        let (two, nan) = (s.splat(2.0), s.splat(f32::NAN));
        same(s.add(x, two), &|x| x + 2.0);
        same(s.sub(x, two), &|x| x - 2.0);
        same(s.mul(x, two), &|x| x * 2.0);
        same(s.div(x, two), &|x| x / 2.0);
        same(s.mul_add(x, two, x), &|x| 3.0 * x);
        same(s.min(x, two), &|x| x.min(2.0));
        same(s.max(x, two), &|x| x.max(2.0));
        same(s.max(nan, x), &|x| x);
        same(s.min(nan, x), &|x| x);
        assert!(s.to_array(s.max(x, nan)).as_ref().iter().all(|x| x.is_nan()));
        assert!(s.to_array(s.min(x, nan)).as_ref().iter().all(|x| x.is_nan()));
        same(s.select_less(x, two, s.zero(), x), &|x| if x < 2.0 { 0.0 } else { x });
        same(s.select_less(nan, two, s.zero(), x), &|x| x);
        same(s.select_nan(x, two, x), &|x| x);
        same(s.select_nan(nan, x, two), &|x| x);
        for nans in [s.max_nan(x, nan), s.max_nan(nan, x), s.min_nan(x, nan), s.min_nan(nan, x)] {
            assert!(s.to_array(nans).as_ref().iter().all(|x| x.is_nan()));
        }
        same(s.copy_sign(x, s.splat(-1.0)), &|x| -x);
        same(s.copy_sign(s.splat(-3.0), x), &|_| 3.0);
        same(s.scale(x, s.splat(-3.0)), &|x| x / 8.0);
        assert!(s.to_array(s.reciprocal(x)).as_ref().iter().zip(&list).all(|(a, x)| (a * x - 1.0).abs() < 3e-7));
        assert_eq!(s.sum(x), list.iter().sum::<f32>());
        assert_eq!(s.largest(x), S::LANES as f32);
        for count in 0..=S::LANES {
            let mut out = vec![9.0; S::LANES + 1];
            s.store_slice(&mut out[..count], s.load_slice(&list[..count]));
            let start = list.iter().take(count).copied();
            assert!(out.iter().copied().eq(start.chain(std::iter::repeat_n(9.0, S::LANES + 1 - count))));
            let part = s.to_array(s.load_slice(&list[..count]));
            assert!(part.as_ref()[count..].iter().all(|x| *x == 0.0));
        }
        s.prefetch(list.as_ptr());
        s.prefetch_far(list.as_ptr());
    }
}

#[test]
fn basics() {
    for level in Level::available() {
        level.run(Basics);
    }
}

#[test]
fn levels() {
    assert!(Level::available().contains(&Level::detect()));
    assert_eq!(Level::default(), Level::detect());
    // A level that the processor lacks runs portable code.
    for level in [Level::Avx2, Level::Avx512, Level::Neon] {
        level.run(Basics);
    }
}
