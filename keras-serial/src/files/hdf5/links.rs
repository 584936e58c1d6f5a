//! Finds the links of a group that the HDF5 library skips: soft and external ones.
//!
//! The library lists the members of a group and omits links that name a path or a file. A weight behind
//! such a link would simply be missing, so group headers are read here again, to count the links and to
//! see their kinds.

use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind, Result};
use crate::files::io::Section;

const LINK_INFO: u16 = 0x02;
const LINK: u16 = 0x06;
const CONTINUATION: u16 = 0x10;
const SYMBOL_TABLE: u16 = 0x11;

/// The size in bytes of the file's addresses and lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) offset: u8,
    pub(super) length: u8,
}

/// What a group's header says about its links.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Links {
    /// The kinds of the links: 0 hard, 1 soft, 64 external.
    pub(super) kinds: Vec<u8>,
    /// The number of links in a separate index, whose kinds are unknown here.
    pub(super) indexed: u64,
    /// Whether the group is an old-style one, whose links are in a symbol table.
    pub(super) symbol_table: bool,
}

/// Reads the links in the header of the group at `address`.
pub(super) fn links(file: &Section, address: u64, widths: Widths) -> Result<Links> {
    read(file, address, widths)?
        .ok_or_else(|| Error::new(ErrorKind::Hdf5, "header of the group is broken or cut short"))
}

/// The number of bytes that are read first of a header or index.
const HEAD: u64 = 64;

fn read(file: &Section, address: u64, widths: Widths) -> Result<Option<Links>> {
    let Some(head) = at(file, address)? else { return Ok(None) };
    let Some((start, length, form)) = first_block(head) else { return Ok(None) };
    let block = address.checked_add(start).map(|start| piece(file, start, length)).transpose()?.flatten();
    match block {
        Some(block) => messages(file, block, form, widths),
        None => Ok(None),
    }
}

/// The layout of a header: whether it is version 2, and whether its messages are numbered.
#[derive(Clone, Copy)]
struct Form {
    second: bool,
    tracked: bool,
}

/// Returns the offset of a header's first block, relative to the header, its length, and the header's
/// layout.
fn first_block(mut head: Bytes) -> Option<(u64, u64, Form)> {
    let whole = head.len();
    let second = head.starts_with(b"OHDR");
    let (length, tracked) = if second {
        take(&mut head, 4)?;
        let version = head.try_get_u8().ok()?;
        let flags = head.try_get_u8().ok()?;
        if version != 2 {
            return None;
        }
        take(&mut head, if flags & 0x20 != 0 { 16 } else { 0 })?;
        take(&mut head, if flags & 0x10 != 0 { 4 } else { 0 })?;
        (uint(&mut head, 1 << (flags & 3))?, flags & 4 != 0)
    } else {
        if head.try_get_u8().ok()? != 1 {
            return None;
        }
        take(&mut head, 7)?;
        let length = head.try_get_u32_le().ok()?;
        take(&mut head, 4)?;
        (u64::from(length), false)
    };
    Some(((whole - head.len()) as u64, length, Form { second, tracked }))
}

/// Reads the links in a header's messages, including those in continuation blocks.
fn messages(file: &Section, block: Bytes, form: Form, widths: Widths) -> Result<Option<Links>> {
    let mut links = Links::default();
    let mut blocks = vec![block];
    // Blocks that refer to each other would never end.
    let mut left = file.len();
    while let Some(mut block) = blocks.pop() {
        let Some(rest) = left.checked_sub(block.len() as u64) else { return Ok(None) };
        left = rest;
        loop {
            let (kind, mut body) = match message(&mut block, form) {
                None => return Ok(None),
                Some(None) => break,
                Some(Some(message)) => message,
            };
            let sound = match kind {
                CONTINUATION => continuation(file, &mut body, form, widths)?.map(|block| blocks.push(block)),
                LINK => link_kind(&mut body).map(|kind| links.kinds.push(kind)),
                LINK_INFO => indexed_links(file, &mut body, widths)?.map(|count| links.indexed = count),
                SYMBOL_TABLE => {
                    links.symbol_table = true;
                    Some(())
                }
                _ => Some(()),
            };
            if sound.is_none() {
                return Ok(None);
            }
        }
    }
    Ok(Some(links))
}

/// Reads a continuation block of a header.
fn continuation(file: &Section, body: &mut Bytes, form: Form, widths: Widths) -> Result<Option<Bytes>> {
    let Some((address, length)) = uint(body, widths.offset).zip(uint(body, widths.length)) else { return Ok(None) };
    let Some(mut block) = piece(file, address, length)? else { return Ok(None) };
    if form.second {
        // Skips the signature at the start and the checksum at the end.
        if take(&mut block, 4).is_none() || block.len() < 4 {
            return Ok(None);
        }
        block.truncate(block.len() - 4);
    }
    Ok(Some(block))
}

/// Returns the next message of a block; `Some(None)` at its end, `None` if it is broken.
fn message(block: &mut Bytes, form: Form) -> Option<Option<(u16, Bytes)>> {
    let head = match (form.second, form.tracked) {
        (false, _) => 8,
        (true, false) => 4,
        (true, true) => 6,
    };
    if block.len() < head {
        return Some(None);
    }
    let kind = if form.second { u16::from(block.try_get_u8().ok()?) } else { block.try_get_u16_le().ok()? };
    let size = block.try_get_u16_le().ok()?;
    take(block, if form.second { head as u64 - 3 } else { 4 })?;
    Some(Some((kind, take(block, u64::from(size))?)))
}

fn link_kind(body: &mut Bytes) -> Option<u8> {
    take(body, 1)?;
    let flags = body.try_get_u8().ok()?;
    if flags & 8 != 0 { body.try_get_u8().ok() } else { Some(0) }
}

/// Returns the number of links in the header of the link name index.
fn indexed_links(file: &Section, body: &mut Bytes, widths: Widths) -> Result<Option<u64>> {
    let Some(index) = link_index(body, widths) else { return Ok(None) };
    let Some(address) = index else { return Ok(Some(0)) };
    let Some(mut head) = at(file, address)?.filter(|head| head.starts_with(b"BTHD")) else { return Ok(None) };
    let count = take(&mut head, 16 + u64::from(widths.offset) + 2).and_then(|_| uint(&mut head, widths.length));
    Ok(count)
}

/// Returns the address of that index; `Some(None)` if there is none, `None` if the message is broken.
fn link_index(body: &mut Bytes, widths: Widths) -> Option<Option<u64>> {
    take(body, 1)?;
    let flags = body.try_get_u8().ok()?;
    take(body, if flags & 1 != 0 { 8 } else { 0 })?;
    let heap = uint(body, widths.offset)?;
    let index = uint(body, widths.offset)?;
    let undefined = |address: u64| address == u64::MAX >> (64 - 8 * u32::from(widths.offset.clamp(1, 8)));
    Some((!undefined(heap) && !undefined(index)).then_some(index))
}

/// Reads the first bytes at an address.
fn at(file: &Section, address: u64) -> Result<Option<Bytes>> {
    let end = address.saturating_add(HEAD).min(file.len());
    file.peek(address..end.max(address))
}

fn piece(file: &Section, address: u64, length: u64) -> Result<Option<Bytes>> {
    match address.checked_add(length) {
        Some(end) => file.peek(address..end),
        None => Ok(None),
    }
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
