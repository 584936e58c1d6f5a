//! The hash functions of TensorFlow's `string_to_hash_bucket_fast` and `…_strong`.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::config::{ConfigField, wrong_type};
use crate::error::Result;
use crate::json::Value;

/// The key of a strong hash: two integers, or one that is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([i64; 2]);

impl From<i64> for Salt {
    fn from(both: i64) -> Self {
        Self([both; 2])
    }
}

impl From<[i64; 2]> for Salt {
    fn from(key: [i64; 2]) -> Self {
        Self(key)
    }
}

impl ConfigField for Salt {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![i64::field_type(), <[i64; 2]>::field_type()])
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(both) => Ok(Self::from(*both)),
            Value::List(_) => <[i64; 2]>::from_value(value).map(Self),
            _ => Err(wrong_type("an integer or a list of two", value)),
        }
    }
}

/// Returns the bucket of a string among `buckets`, by FarmHash64, or by SipHash if there is a key.
pub(super) fn bucket(text: &str, buckets: u64, salt: Option<Salt>) -> i64 {
    let hash = match salt {
        None => fingerprint64(text.as_bytes()),
        Some(Salt([a, b])) => {
            let mut hasher = SipHasher24::new_with_keys(a as u64, b as u64);
            hasher.write(text.as_bytes());
            hasher.finish()
        }
    };
    (hash % buckets.max(1)) as i64
}

/// Combines two fingerprints (TensorFlow's `FingerprintCat64`).
pub(super) fn concatenated(a: u64, b: u64) -> u64 {
    const MUL: u64 = 0xc6a4_a793_5bd1_e995;
    let mut result = a ^ MUL;
    result ^= shift_mix(b.wrapping_mul(MUL)).wrapping_mul(MUL);
    result = result.wrapping_mul(MUL);
    result = shift_mix(result).wrapping_mul(MUL);
    shift_mix(result)
}

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// Reads eight bytes at an offset; returns zero beyond the end, which no caller asks for.
fn fetch(s: &[u8], at: usize) -> u64 {
    s.get(at..).and_then(|s| s.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn fetch32(s: &[u8], at: usize) -> u64 {
    s.get(at..).and_then(|s| s.first_chunk()).map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

fn byte(s: &[u8], at: usize) -> u64 {
    s.get(at).copied().map_or(0, u64::from)
}

fn rotate(value: u64, by: u32) -> u64 {
    value.rotate_right(by)
}

fn sum(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(0, u64::wrapping_add)
}

fn mixed(u: u64, v: u64, mul: u64) -> u64 {
    let a = shift_mix((u ^ v).wrapping_mul(mul));
    shift_mix((v ^ a).wrapping_mul(mul)).wrapping_mul(mul)
}

/// Computes FarmHash's `Fingerprint64` (`farmhashna::Hash64`), which is guaranteed not to change.
pub(super) fn fingerprint64(s: &[u8]) -> u64 {
    match s.len() {
        0 => K2,
        1..=3 => {
            let y = byte(s, 0).wrapping_add(byte(s, s.len() / 2) << 8);
            let z = (s.len() as u64).wrapping_add(byte(s, s.len() - 1) << 2);
            shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        len @ 4..=7 => {
            let u = (len as u64).wrapping_add(fetch32(s, 0) << 3);
            mixed(u, fetch32(s, len - 4), multiplier(len))
        }
        len @ 8..=16 => {
            let mul = multiplier(len);
            let a = fetch(s, 0).wrapping_add(K2);
            let b = fetch(s, len - 8);
            let c = rotate(b, 37).wrapping_mul(mul).wrapping_add(a);
            let d = rotate(a, 25).wrapping_add(b).wrapping_mul(mul);
            mixed(c, d, mul)
        }
        len @ 17..=32 => {
            let mul = multiplier(len);
            let a = fetch(s, 0).wrapping_mul(K1);
            let b = fetch(s, 8);
            let c = fetch(s, len - 8).wrapping_mul(mul);
            let d = fetch(s, len - 16).wrapping_mul(K2);
            mixed(
                sum([rotate(a.wrapping_add(b), 43), rotate(c, 30), d]),
                sum([a, rotate(b.wrapping_add(K2), 18), c]),
                mul,
            )
        }
        33..=64 => up_to_64(s),
        _ => longer(s),
    }
}

fn multiplier(len: usize) -> u64 {
    K2.wrapping_add(len as u64 * 2)
}

fn up_to_64(s: &[u8]) -> u64 {
    let len = s.len();
    let mul = multiplier(len);
    let a = fetch(s, 0).wrapping_mul(K2);
    let b = fetch(s, 8);
    let c = fetch(s, len - 8).wrapping_mul(mul);
    let d = fetch(s, len - 16).wrapping_mul(K2);
    let y = sum([rotate(a.wrapping_add(b), 43), rotate(c, 30), d]);
    let z = mixed(y, sum([a, rotate(b.wrapping_add(K2), 18), c]), mul);
    let e = fetch(s, 16).wrapping_mul(mul);
    let f = fetch(s, 24);
    let g = y.wrapping_add(fetch(s, len - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(fetch(s, len - 24)).wrapping_mul(mul);
    mixed(sum([rotate(e.wrapping_add(f), 43), rotate(g, 30), h]), sum([e, rotate(f.wrapping_add(a), 18), g]), mul)
}

/// Computes FarmHash's `WeakHashLen32WithSeeds` of the 32 bytes at an offset.
fn weak(s: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let (w, x, y, z) = (fetch(s, at), fetch(s, at + 8), fetch(s, at + 16), fetch(s, at + 24));
    let a = a.wrapping_add(w);
    let b = rotate(sum([b, a, z]), 21);
    let c = a;
    let a = sum([a, x, y]);
    (a.wrapping_add(z), sum([b, rotate(a, 44), c]))
}

/// The hash state while blocks of 64 bytes are processed.
struct Blocks {
    x: u64,
    y: u64,
    z: u64,
    v: (u64, u64),
    w: (u64, u64),
}

impl Blocks {
    /// Processes one block; for the last one `mul` differs and two terms are multiplied by 9.
    fn mix(&mut self, s: &[u8], at: usize, mul: u64, weight: u64) {
        let first = sum([self.x, self.y, self.v.0, fetch(s, at + 8)]);
        self.x = rotate(first, 37).wrapping_mul(mul) ^ self.w.1.wrapping_mul(weight);
        let second = sum([self.y, self.v.1, fetch(s, at + 48)]);
        self.y = sum([rotate(second, 42).wrapping_mul(mul), self.v.0.wrapping_mul(weight), fetch(s, at + 40)]);
        self.z = rotate(self.z.wrapping_add(self.w.0), 33).wrapping_mul(mul);
        self.v = weak(s, at, self.v.1.wrapping_mul(mul), self.x.wrapping_add(self.w.0));
        self.w = weak(s, at + 32, self.z.wrapping_add(self.w.1), self.y.wrapping_add(fetch(s, at + 16)));
        std::mem::swap(&mut self.z, &mut self.x);
    }
}

fn longer(s: &[u8]) -> u64 {
    const SEED: u64 = 81;
    let y = SEED.wrapping_mul(K1).wrapping_add(113);
    let z = shift_mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let x = SEED.wrapping_mul(K2).wrapping_add(fetch(s, 0));
    let mut state = Blocks { x, y, z, v: (0, 0), w: (0, 0) };
    let rest = (s.len() - 1) % 64;
    let end = s.len() - 1 - rest;
    for at in (0..end).step_by(64) {
        state.mix(s, at, K1, 1);
    }
    let mul = K1.wrapping_add((state.z & 0xff) << 1);
    state.w.0 = state.w.0.wrapping_add(rest as u64);
    state.v.0 = state.v.0.wrapping_add(state.w.0);
    state.w.0 = state.w.0.wrapping_add(state.v.0);
    state.mix(s, s.len() - 64, mul, 9);
    let Blocks { x, y, z, v, w } = state;
    let first = sum([mixed(v.0, w.0, mul), shift_mix(y).wrapping_mul(K0), z]);
    mixed(first, mixed(v.1, w.1, mul).wrapping_add(x), mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_tensorflows() {
        // tf.strings.to_hash_bucket_fast(["x" * n for n in (0, 3, 5, 12, 20, 50, 64, 65, 200)], 2**62)
        let lengths = [0, 3, 5, 12, 20, 50, 64, 65, 200];
        let found = lengths.map(|n| bucket(&"x".repeat(n), 1 << 62, None));
        assert_eq!(
            found,
            [
                1936946117179621455,
                3091163115821544028,
                4353426961065742888,
                2344409068416288835,
                3621402210320469444,
                4607997358663321893,
                2304502108871267256,
                323337772074164025,
                103930210689786815,
            ]
        );
        // tf.strings.to_hash_bucket_strong(["", "keras", "x" * 20], 2**62, key=[3, -1])
        let strong = ["", "keras", &"x".repeat(20)].map(|text| bucket(text, 1 << 62, Some(Salt::from([3, -1]))));
        assert_eq!(strong, [3941333133369811243, 2956782262850722598, 4125732514789733095]);
    }
}
