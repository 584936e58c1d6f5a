//! Validates structures in Thrift's compact protocol before the Parquet library reads them.
//!
//! When the library skips an unknown field, it loops over a list's declared length even if there are no
//! bytes for its elements: a few bytes would keep it busy for hours.

/// The deepest nesting of structures and lists; Parquet's nest less than ten deep.
const MAX_DEPTH: usize = 32;

/// Returns true if the bytes start with a complete structure, no list of which is longer than its bytes.
pub(super) fn is_sound(mut bytes: &[u8]) -> bool {
    structure(&mut bytes, MAX_DEPTH).is_some()
}

fn structure(rest: &mut &[u8], depth: usize) -> Option<()> {
    loop {
        let header = byte(rest)?;
        if header & 0x0f == 0 {
            return Some(());
        }
        if header >> 4 == 0 {
            // The field's number follows.
            varint(rest)?;
        }
        match header & 0x0f {
            // Booleans are stored in the header.
            1 | 2 => (),
            sort => value(rest, sort, depth)?,
        }
    }
}

fn value(rest: &mut &[u8], sort: u8, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match sort {
        3 => byte(rest).map(drop),
        4..=6 => varint(rest).map(drop),
        7 => skip(rest, 8),
        8 => {
            let length = varint(rest)?;
            skip(rest, length)
        }
        9 | 10 => {
            let header = byte(rest)?;
            let size = if header >> 4 == 15 { varint(rest)? } else { u64::from(header >> 4) };
            if size > rest.len() as u64 {
                return None;
            }
            (0..size).try_for_each(|_| value(rest, header & 0x0f, depth))
        }
        12 => structure(rest, depth),
        // Parquet has no maps there, and no lists of booleans, which readers decode differently.
        _ => None,
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn skip(rest: &mut &[u8], length: u64) -> Option<()> {
    *rest = rest.get(usize::try_from(length).ok()?..)?;
    Some(())
}

/// Reads an unsigned variable-length integer (7 bits per byte).
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let next = byte(rest)?;
        value |= u64::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_walked_to_their_end() {
        // An integer, a string, a list of two integers, a structure with a boolean.
        let sound = [0x15, 0x80, 0x01, 0x18, 2, b'a', b'b', 0x19, 0x25, 1, 2, 0x1c, 0x11, 0, 0];
        assert!(is_sound(&sound));
        for end in 0..sound.len() {
            assert!(!is_sound(&sound[..end]), "{end}");
        }
        // Two billion numbers, booleans, maps, and endless nesting.
        for broken in
            [&[0x19, 0xf7, 0xff, 0xff, 0xff, 0xff, 0x07, 0][..], &[0x19, 0x12, 0, 0], &[0x1b, 0, 0], &[0x1c; 99]]
        {
            assert!(!is_sound(broken), "{broken:?}");
        }
    }
}
