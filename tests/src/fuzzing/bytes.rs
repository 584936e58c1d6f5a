//! Mutations of bytes.

use super::Numbers;

/// Makes one to eight changes: bytes, runs of bytes, extreme numbers, cuts, repeats.
pub fn mutate_bytes(numbers: &mut Numbers, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len());
        match numbers.below(12) {
            0 => bytes.truncate(at),
            1 => {
                let end = (at + numbers.below(32)).min(bytes.len());
                bytes[at..end].fill([0, 0xff, 0x7f][numbers.below(3)]);
            }
            2 => {
                let end = (at + numbers.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, part);
            }
            3 if bytes.len() > at + 8 => {
                let value = [u64::MAX, 1 << 63, 1 << 40, 1 << 31, 0][numbers.below(5)];
                let width = [2, 4, 8][numbers.below(3)];
                bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
            }
            4 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            // Characters that structure texts.
            5 if at < bytes.len() => bytes[at] = b"0123456789-[]{}\",:.eEnul\\/"[numbers.below(26)],
            _ if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
            _ => {}
        }
    }
    bytes
}
