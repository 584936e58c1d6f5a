//! Encodes small grey images as PNG files.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Encodes a grey image with one byte per pixel, row by row; `None` for sizes that PNG does not allow.
pub fn grey(width: usize, height: usize, pixels: &[u8]) -> Option<Vec<u8>> {
    let (wide, high) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    if wide == 0 || high == 0 || pixels.len() != width.checked_mul(height)? {
        return None;
    }
    let mut header = Vec::with_capacity(13);
    header.extend(wide.to_be_bytes());
    header.extend(high.to_be_bytes());
    // Eight bits, grey, and the default methods of compression, filtering and interlacing (none).
    header.extend([8, 0, 0, 0, 0]);
    let rows: Vec<u8> = pixels.chunks(width).flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(&rows).ok()?;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", compressed.finish().ok()?), (b"IEND", Vec::new())] {
        png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        let body = [kind.as_slice(), &data].concat();
        png.extend(&body);
        png.extend(crc32fast::hash(&body).to_be_bytes());
    }
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    // zlib.crc32(b"IEND") == 0xae426082; tf.io.decode_png reads such files.
    #[test]
    fn pictures_have_their_parts() {
        let png = grey(2, 1, &[0, 255]).unwrap();
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        assert!(png.windows(4).any(|window| window == b"IDAT"));
        assert!(grey(2, 2, &[0]).is_none());
    }
}
