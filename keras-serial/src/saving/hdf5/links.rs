//! The links of a group that the HDF5 library passes over: soft and external ones.
//!
//! The library lists what a group holds and leaves out links that name a path or a file. A weight
//! behind such a link would just be missing, so the headers of groups are read here once more, to
//! count the links and to see what kind they are.

use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind, Result};

const LINK_INFO: u16 = 0x02;
const LINK: u16 = 0x06;
const CONTINUATION: u16 = 0x10;
const SYMBOL_TABLE: u16 = 0x11;

/// Where a file's addresses and lengths end, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) offset: u8,
    pub(super) length: u8,
}

/// What the header of a group says of its links.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Links {
    /// Links by the number of their kind: 0 hard, 1 soft, 64 external.
    pub(super) kinds: Vec<u8>,
    /// Links kept in an index of their own, of kinds not known here.
    pub(super) indexed: u64,
    /// The group is of the first kind, whose links are in a symbol table.
    pub(super) symbol_table: bool,
}

/// Reads the header of the group at `address`.
pub(super) fn links(file: &Bytes, address: u64, widths: Widths) -> Result<Links> {
    read(file, address, widths).ok_or_else(|| Error::new(ErrorKind::Hdf5, "header of the group is broken or cut short"))
}

fn read(file: &Bytes, address: u64, widths: Widths) -> Option<Links> {
    let mut head = at(file, address)?;
    let second = head.starts_with(b"OHDR");
    let (first_block, length, tracked) = if second {
        take(&mut head, 4)?;
        let version = head.try_get_u8().ok()?;
        let flags = head.try_get_u8().ok()?;
        if version != 2 {
            return None;
        }
        take(&mut head, if flags & 0x20 != 0 { 16 } else { 0 })?;
        take(&mut head, if flags & 0x10 != 0 { 4 } else { 0 })?;
        let length = uint(&mut head, 1 << (flags & 3))?;
        (head, length, flags & 4 != 0)
    } else {
        if head.try_get_u8().ok()? != 1 {
            return None;
        }
        take(&mut head, 7)?;
        let length = head.try_get_u32_le().ok()?;
        take(&mut head, 4)?;
        (head, u64::from(length), false)
    };
    let mut links = Links::default();
    let mut blocks = vec![take(&mut first_block.clone(), length)?];
    // Blocks that name each other would go on for ever.
    let mut left = file.len();
    while let Some(mut block) = blocks.pop() {
        left = left.checked_sub(block.len())?;
        while let Some((kind, mut body)) = message(&mut block, second, tracked)? {
            match kind {
                CONTINUATION => {
                    let address = uint(&mut body, widths.offset)?;
                    let length = uint(&mut body, widths.length)?;
                    let mut block = take(&mut at(file, address)?, length)?;
                    if second {
                        // Signature before, checksum after.
                        take(&mut block, 4)?;
                        block.truncate(block.len().checked_sub(4)?);
                    }
                    blocks.push(block);
                }
                LINK => links.kinds.push(link_kind(&mut body)?),
                LINK_INFO => links.indexed = indexed_links(file, &mut body, widths)?,
                SYMBOL_TABLE => links.symbol_table = true,
                _ => {}
            }
        }
    }
    Some(links)
}

/// The next message of a block; `Some(None)` at its end, `None` when it is broken.
fn message(block: &mut Bytes, second: bool, tracked: bool) -> Option<Option<(u16, Bytes)>> {
    let head = match (second, tracked) {
        (false, _) => 8,
        (true, false) => 4,
        (true, true) => 6,
    };
    if block.len() < head {
        return Some(None);
    }
    let kind = if second { u16::from(block.try_get_u8().ok()?) } else { block.try_get_u16_le().ok()? };
    let size = block.try_get_u16_le().ok()?;
    take(block, if second { head as u64 - 3 } else { 4 })?;
    Some(Some((kind, take(block, u64::from(size))?)))
}

fn link_kind(body: &mut Bytes) -> Option<u8> {
    take(body, 1)?;
    let flags = body.try_get_u8().ok()?;
    if flags & 8 != 0 { body.try_get_u8().ok() } else { Some(0) }
}

/// The count that the index of the names of links has in its header.
fn indexed_links(file: &Bytes, body: &mut Bytes, widths: Widths) -> Option<u64> {
    take(body, 1)?;
    let flags = body.try_get_u8().ok()?;
    take(body, if flags & 1 != 0 { 8 } else { 0 })?;
    let heap = uint(body, widths.offset)?;
    let index = uint(body, widths.offset)?;
    let undefined = |address: u64| address == u64::MAX >> (64 - 8 * u32::from(widths.offset.clamp(1, 8)));
    if undefined(heap) || undefined(index) {
        return Some(0);
    }
    let mut head = at(file, index)?;
    if !head.starts_with(b"BTHD") {
        return None;
    }
    take(&mut head, 16 + u64::from(widths.offset) + 2)?;
    uint(&mut head, widths.length)
}

fn at(file: &Bytes, address: u64) -> Option<Bytes> {
    let start = usize::try_from(address).ok()?;
    (start <= file.len()).then(|| file.slice(start..))
}

fn take(bytes: &mut Bytes, length: u64) -> Option<Bytes> {
    let length = usize::try_from(length).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn uint(bytes: &mut Bytes, width: u8) -> Option<u64> {
    match width {
        1 | 2 | 4 | 8 => bytes.try_get_uint_le(usize::from(width)).ok(),
        _ => None,
    }
}
