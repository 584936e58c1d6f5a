//! Random numbers, with seeds that reproduce within this library.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

use crate::config::{ConfigField, FieldVisitor, PlainField, StateField, StateKind, unmarked, wrong_type};
use crate::error::Result;
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::program;
use crate::tensor::{DType, Shape, Tensor};
use crate::utils::Locked;

thread_local! {
    static GLOBAL: RefCell<ChaCha12Rng> = RefCell::new(ChaCha12Rng::from_os_rng());
}

/// Seeds all random numbers of this thread that have no seed of their own (`keras.utils.set_random_seed`).
pub fn set_random_seed(seed: u64) {
    GLOBAL.set(ChaCha12Rng::seed_from_u64(seed));
}

/// A generator of its own, which stands in for the thread's while a function runs that is called later than it
/// could be: what it draws does not depend on when that is.
pub(crate) struct Fork(ChaCha12Rng);

impl Fork {
    /// Takes a generator from the thread's.
    pub(crate) fn of_thread() -> Self {
        Self(GLOBAL.with_borrow_mut(ChaCha12Rng::from_rng))
    }

    /// Runs a function with the generator in place of the thread's.
    pub(crate) fn run<T>(self, function: impl FnOnce() -> T) -> T {
        struct Restore(Option<ChaCha12Rng>);
        impl Drop for Restore {
            fn drop(&mut self) {
                if let Some(rng) = self.0.take() {
                    GLOBAL.set(rng);
                }
            }
        }
        let _restore = Restore(Some(GLOBAL.replace(self.0)));
        function()
    }
}

/// The `seed` of a configuration: null, an integer, or a serialized `SeedGenerator`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seed(Value);

impl Seed {
    /// Returns the integer, if there is one; the lowest 64 bits of a larger one.
    pub fn number(&self) -> Option<u64> {
        seed_number(&self.0).or_else(|| seed_number(self.0.get("config")?.get("seed")?))
    }

    /// Returns true if there is no seed.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_null()
    }

    /// Returns a random generator that starts at the seed, or one that is seeded by the thread's.
    pub(crate) fn generator(&self) -> ChaCha12Rng {
        match self.number() {
            Some(seed) => ChaCha12Rng::seed_from_u64(seed),
            None => GLOBAL.with_borrow_mut(ChaCha12Rng::from_rng),
        }
    }
}

impl Seed {
    /// Draws a seed, for layers for which Keras always writes one.
    pub(crate) fn drawn() -> Self {
        GLOBAL.with_borrow_mut(|global| Self(Value::from(global.random_range(1..1_000_000_000i64))))
    }
}

/// Returns the lowest 64 bits of an integer.
fn seed_number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(seed) => Some(*seed as u64),
        Value::Float(seed) if seed.fract() == 0.0 => Some(*seed as i128 as u64),
        Value::BigInt(digits) => {
            let (is_negative, digits) = digits.strip_prefix('-').map_or((false, digits.as_str()), |rest| (true, rest));
            let mut low = 0u64;
            for digit in digits.chars() {
                low = low.wrapping_mul(10).wrapping_add(u64::from(digit.to_digit(10)?));
            }
            Some(if is_negative { low.wrapping_neg() } else { low })
        }
        _ => None,
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(Value::from(seed))
    }
}

impl PlainField for Seed {}

impl ConfigField for Seed {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![
            crate::config::FieldType::integer(),
            crate::config::FieldType::Object { kind: crate::config::Kind::Object, by_name: false },
        ])
        .or_null()
    }

    fn to_value(&self) -> Result<Value> {
        Ok(self.0.clone())
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null | Value::Int(_) | Value::BigInt(_) => Ok(Self(value.clone())),
            // `RandomInitializer` writes its number as it was given.
            Value::Float(number) if number.fract() == 0.0 => Ok(Self(value.clone())),
            Value::Dict(form) if form.get("class_name").and_then(Value::as_str) == Some("SeedGenerator") => {
                Ok(Self(value.clone()))
            }
            _ => Err(wrong_type("a seed: null, an integer, or a SeedGenerator", value)),
        }
    }
}

/// The state of a random generator, from which it can continue in another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomState {
    key: [u8; 32],
    position: u128,
}

impl RandomState {
    fn of(rng: &ChaCha12Rng) -> Self {
        Self { key: rng.get_seed(), position: rng.get_word_pos() }
    }

    fn generator(&self) -> ChaCha12Rng {
        let mut rng = ChaCha12Rng::from_seed(self.key);
        rng.set_word_pos(self.position);
        rng
    }

    /// Returns the state of this thread's generator, which serves everything without a seed.
    pub(crate) fn of_thread() -> Self {
        GLOBAL.with_borrow(Self::of)
    }

    /// Sets the state of this thread's generator.
    pub(crate) fn set_thread(&self) {
        GLOBAL.set(self.generator());
    }
}

impl ConfigField for RandomState {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::String
    }

    fn to_value(&self) -> Result<Value> {
        let key: String = self.key.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Value::from(format!("{key}:{}", self.position)))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let parse = |text: &str| {
            let (digits, position) = text.split_once(':')?;
            let mut key = [0; 32];
            let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
            for (at, slot) in key.iter_mut().enumerate() {
                *slot = byte(at)?;
            }
            Some(Self { key, position: position.parse().ok()? }).filter(|_| digits.len() == 64)
        };
        value
            .as_str()
            .and_then(parse)
            .ok_or_else(|| wrong_type("a random state: 64 hexadecimal digits, `:`, a position", value))
    }
}

/// A random generator that starts at a seed and advances with each call (`keras.random.SeedGenerator`).
///
/// A layer has one in a field marked `#[keras(seed_generator)]`, so that a
/// [`TrainingState`](crate::training::TrainingState) saves its state; the [`Seed`] is an entry of the
/// configuration.
///
/// ```
/// use keras_serial::random::{Seed, SeedGenerator};
/// use keras_serial::tensor::DType;
/// let (seed, generator) = (Seed::from(7), SeedGenerator::default());
/// let first = generator.uniform(&seed, &[2].into(), 0.0, 1.0, DType::Float32)?.to_vec::<f32>()?;
/// let next = generator.uniform(&seed, &[2].into(), 0.0, 1.0, DType::Float32)?.to_vec::<f32>()?;
/// assert!(first != next && first.iter().all(|x| (0.0..1.0).contains(x)));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct SeedGenerator(Mutex<Option<ChaCha12Rng>>);

impl Clone for SeedGenerator {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
}

impl SeedGenerator {
    /// Draws uniformly distributed numbers from `low` to `high`.
    ///
    /// # Errors
    /// If an extent is not known, or the dtype is not numeric.
    pub fn uniform(&self, seed: &Seed, shape: &Shape, low: f64, high: f64, dtype: DType) -> Result<Tensor> {
        self.draw(seed, |rng| uniform(rng, shape, low, high, dtype))
    }

    /// Draws normally distributed numbers.
    ///
    /// # Errors
    /// If an extent is not known, or the dtype is not numeric.
    pub fn normal(&self, seed: &Seed, shape: &Shape, mean: f64, stddev: f64, dtype: DType) -> Result<Tensor> {
        self.draw(seed, |rng| normal(rng, shape, mean, stddev, false, dtype))
    }

    /// Draws with the generator, which starts at the seed on first use.
    pub(crate) fn draw<T>(&self, seed: &Seed, draw: impl FnOnce(&mut ChaCha12Rng) -> T) -> T {
        program::spoil("random numbers are drawn");
        draw(self.lock().get_or_insert_with(|| seed.generator()))
    }

    /// Creates a generator that has started at the seed.
    pub(crate) fn started(seed: &Seed) -> Self {
        Self(Mutex::new(Some(seed.generator())))
    }

    /// Returns the state; none before the first draw.
    pub fn state(&self) -> Option<RandomState> {
        self.lock().as_ref().map(RandomState::of)
    }

    /// Sets the state; with none, the generator starts at the seed again.
    pub fn set_state(&self, state: Option<&RandomState>) {
        *self.lock() = state.map(RandomState::generator);
    }

    fn lock(&self) -> MutexGuard<'_, Option<ChaCha12Rng>> {
        self.0.locked()
    }
}

unmarked!(SeedGenerator, MarkedSeedGenerator);

impl StateField for SeedGenerator {
    const KIND: StateKind = StateKind::SeedGenerator;

    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}

fn fill(shape: &Shape, dtype: DType, mut next: impl FnMut() -> f64) -> Result<Tensor> {
    let shape = shape.known()?;
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| next() as f32).collect();
    cast(&Tensor::from_vec(values, shape)?, dtype)
}

/// Draws uniformly distributed numbers from `low` to `high`.
pub(crate) fn uniform(rng: &mut ChaCha12Rng, shape: &Shape, low: f64, high: f64, dtype: DType) -> Result<Tensor> {
    fill(shape, dtype, || low + (high - low) * rng.random::<f64>())
}

/// Draws normally distributed numbers; if `truncated`, redraws those beyond two standard deviations.
pub(crate) fn normal(
    rng: &mut ChaCha12Rng,
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

/// Draws a number of the gamma distribution (Marsaglia and Tsang).
pub(crate) fn gamma(rng: &mut ChaCha12Rng, alpha: f64) -> f64 {
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

/// Draws a number of the beta distribution.
pub(crate) fn beta(rng: &mut ChaCha12Rng, alpha: f64, beta: f64) -> f64 {
    let (a, b) = (gamma(rng, alpha), gamma(rng, beta));
    // For tiny arguments both can be zero; the distribution is then concentrated at its ends.
    if a + b > 0.0 { a / (a + b) } else { f64::from(u8::from(rng.random::<bool>())) }
}

/// Returns the integers below `count` in random order.
pub(crate) fn permutation(rng: &mut ChaCha12Rng, count: usize) -> Vec<i64> {
    let mut keyed: Vec<(u64, i64)> = (0..count as i64).map(|i| (rng.random(), i)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// Draws a standard normal number (Box-Muller).
fn gauss(rng: &mut ChaCha12Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
