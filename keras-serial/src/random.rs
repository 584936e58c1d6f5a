//! Random numbers: seeds that reproduce within this library.

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::config::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::tensor::{DType, Shape, Tensor};

thread_local! {
    static GLOBAL: RefCell<StdRng> = RefCell::new(StdRng::from_os_rng());
}

/// Seeds all random numbers of this thread that have no seed of their own
/// (`keras.utils.set_random_seed`).
pub fn set_random_seed(seed: u64) {
    GLOBAL.set(StdRng::seed_from_u64(seed));
}

/// The `seed` of a configuration: null, an integer, or a `SeedGenerator`'s form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seed(Value);

impl Seed {
    /// The integer, if one was given.
    pub fn number(&self) -> Option<u64> {
        let seed = self.0.as_i64().or_else(|| self.0.get("config")?.get("seed")?.as_i64());
        seed.map(|seed| seed as u64)
    }

    /// Is there none?
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_null()
    }

    /// A generator that starts at the seed, or goes on from the thread's.
    pub(crate) fn generator(&self) -> StdRng {
        match self.number() {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => GLOBAL.with_borrow_mut(StdRng::from_rng),
        }
    }
}

impl Seed {
    /// A seed that is drawn now, as Keras does for layers that write one in any case.
    pub(crate) fn drawn() -> Self {
        GLOBAL.with_borrow_mut(|global| Self(Value::from(global.random_range(1..1_000_000_000i64))))
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(Value::from(seed))
    }
}

impl ConfigField for Seed {
    fn to_value(&self) -> Result<Value> {
        Ok(self.0.clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null | Value::Int(_) => Ok(Self(value.clone())),
            // `RandomInitializer` writes whatever number it was given.
            Value::Float(number) if number.fract() == 0.0 => Ok(Self(value.clone())),
            Value::Dict(form) if form.get("class_name").and_then(Value::as_str) == Some("SeedGenerator") => {
                Ok(Self(value.clone()))
            }
            _ => Err(wrong_type("a seed: null, an integer, or a SeedGenerator", value)),
        }
    }
}

/// The random numbers of one layer: they start at its seed and go on from call to call
/// (`keras.random.SeedGenerator`).
#[derive(Debug, Default)]
pub(crate) struct SeedGenerator(OnceLock<Mutex<StdRng>>);

impl SeedGenerator {
    /// Numbers from `low` up to `high`, all equally likely.
    pub(crate) fn uniform(&self, seed: &Seed, shape: &Shape, low: f64, high: f64, dtype: DType) -> Result<Tensor> {
        self.draw(seed, |rng| uniform(rng, shape, low, high, dtype))
    }

    /// Normally distributed numbers.
    pub(crate) fn normal(&self, seed: &Seed, shape: &Shape, mean: f64, stddev: f64, dtype: DType) -> Result<Tensor> {
        self.draw(seed, |rng| normal(rng, shape, mean, stddev, false, dtype))
    }

    fn draw<T>(&self, seed: &Seed, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        let rng = self.0.get_or_init(|| Mutex::new(seed.generator()));
        draw(&mut rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn fill(shape: &Shape, dtype: DType, mut next: impl FnMut() -> f64) -> Result<Tensor> {
    let shape = shape.known()?;
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| next() as f32).collect();
    cast(&Tensor::from_vec(values, shape)?, dtype)
}

/// Numbers from `low` up to `high`, all equally likely.
pub(crate) fn uniform(rng: &mut StdRng, shape: &Shape, low: f64, high: f64, dtype: DType) -> Result<Tensor> {
    fill(shape, dtype, || low + (high - low) * rng.random::<f64>())
}

/// Normally distributed numbers; beyond two deviations drawn again when `truncated`.
pub(crate) fn normal(
    rng: &mut StdRng,
    shape: &Shape,
    mean: f64,
    stddev: f64,
    truncated: bool,
    dtype: DType,
) -> Result<Tensor> {
    fill(shape, dtype, || {
        loop {
            let z = gauss(rng);
            if !truncated || z.abs() <= 2.0 {
                return mean + stddev * z;
            }
        }
    })
}

/// The random numbers of one layer: they go on from call to call.
#[derive(Debug, Default)]
pub(crate) struct Generator(OnceLock<Mutex<StdRng>>);

impl Generator {
    /// Draws from the generator, which starts at the seed.
    pub fn draw<T>(&self, seed: &Seed, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        let generator = self.0.get_or_init(|| Mutex::new(seed.generator()));
        draw(&mut generator.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One number of Marsaglia's and Tsang's gamma distribution.
pub(crate) fn gamma(rng: &mut StdRng, alpha: f64) -> f64 {
    if alpha < 1.0 {
        let power = (1.0 - rng.random::<f64>()).powf(1.0 / alpha);
        return gamma(rng, alpha + 1.0) * power;
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = gauss(rng);
        let v = (1.0 + c * z).powi(3);
        if v > 0.0 && (1.0 - rng.random::<f64>()).ln() < 0.5 * z * z + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// One number of the beta distribution.
pub(crate) fn beta(rng: &mut StdRng, alpha: f64, beta: f64) -> f64 {
    let (a, b) = (gamma(rng, alpha), gamma(rng, beta));
    // For tiny arguments both may vanish: then all weight lies at one of the ends.
    if a + b > 0.0 { a / (a + b) } else { f64::from(u8::from(rng.random::<bool>())) }
}

/// The integers below `count` in random order.
pub(crate) fn permutation(rng: &mut StdRng, count: usize) -> Vec<i64> {
    let mut keyed: Vec<(u64, i64)> = (0..count as i64).map(|i| (rng.random(), i)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// A standard normal number, by Box's and Muller's method.
fn gauss(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
