//! Small grey pictures as PNG files, uncompressed.

/// A grey picture of a byte a pixel, row by row; none for sizes that PNG has not.
pub fn grey(width: usize, height: usize, pixels: &[u8]) -> Option<Vec<u8>> {
    let (wide, high) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    if wide == 0 || high == 0 || pixels.len() != width.checked_mul(height)? {
        return None;
    }
    let mut header = Vec::with_capacity(13);
    header.extend(wide.to_be_bytes());
    header.extend(high.to_be_bytes());
    // Eight bits, grey, and the only methods of compression, filtering and (no) interlacing.
    header.extend([8, 0, 0, 0, 0]);
    let rows: Vec<u8> = pixels.chunks(width).flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        let body = [kind.as_slice(), &data].concat();
        png.extend(&body);
        png.extend(crc32(&body).to_be_bytes());
    }
    Some(png)
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // zlib.crc32(b"IEND") == 0xae426082; tf.io.decode_png reads such files.
    #[test]
    fn pictures_have_their_parts() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        let png = grey(2, 1, &[0, 255]).unwrap();
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        assert!(png.windows(4).any(|window| window == b"IDAT"));
        assert!(grey(2, 2, &[0]).is_none());
    }
}
