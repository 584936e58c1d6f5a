//! Recognizes files by their first bytes, for errors about files that are not what their names say.

use super::section::Section;
use crate::error::{Error, ErrorKind};

/// The number of bytes that are looked at.
const HEAD: u64 = 64;

/// The signs of HDF5 files and of zip archives, empty ones too.
pub(crate) const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// The beginnings of files, what they are, and what to do about them.
const SIGNS: [(&[u8], &str, &str); 13] = [
    (HDF5, "an HDF5 file", "name it `.h5` for a model of the old form, `.weights.h5` for weights"),
    (ZIP[0], "a zip archive", "name it `.keras` if it is a model"),
    (ZIP[1], "an empty zip archive", "save the model again"),
    (b"\x93NUMPY", "an array of NumPy (`.npy`)", "`training::data::ReadArrays` reads it"),
    (b"PAR1", "a Parquet file", "`training::data::ReadArrays` reads it"),
    (b"\x1f\x8b", "packed by gzip", "unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS, and not the file itself", "get the file with `git lfs pull`"),
    (b"{", "a JSON text", "name it `.json` for a configuration, `.weights.json` for the index of weights"),
    (b"<", "a web page or XML", "download the file itself, not the page about it"),
    (b"\x80\x02", "a pickle, which is code and never read", "save the model as `.keras`"),
    (b"\x80\x03", "a pickle, which is code and never read", "save the model as `.keras`"),
    (b"\x80\x04", "a pickle, which is code and never read", "save the model as `.keras`"),
    (b"\x80\x05", "a pickle, which is code and never read", "save the model as `.keras`"),
];

/// Returns true if bytes begin like a pickle, which is code.
pub(crate) fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..])
}

/// Returns true if a file begins like a zip archive.
pub(crate) fn is_zip(file: &Section) -> bool {
    file.head(HEAD).is_ok_and(|head| ZIP.iter().any(|sign| head.starts_with(sign)))
}

/// Returns the error for a file that is not of the expected format (`a zip archive`), with what it is instead.
pub(crate) fn not(expected: &'static str, kind: ErrorKind, file: &Section) -> Error {
    if file.len() == 0 {
        let error = Error::new(kind, "file is empty").expected(expected);
        return error.hint("saving or copying it was broken off: save or copy it again");
    }
    let error = Error::new(kind, format!("file is not {expected}"));
    let head = file.head(HEAD).unwrap_or_default();
    let error = if is_pickle(&head) { Error::new(ErrorKind::CodeRefused, error.message().to_owned()) } else { error };
    let received = |what: &str| format!("{} bytes, which look like {what}", file.len());
    match SIGNS.iter().find(|(sign, ..)| head.starts_with(sign)) {
        Some((_, what, hint)) => error.received(received(what)).hint(*hint),
        None if head.get(8) == Some(&b'{') => {
            error.received(received("a safetensors file")).hint("name it `.safetensors`")
        }
        None if !head.is_empty() && head.iter().all(|byte| *byte == 0) => {
            error.received(received("nothing but zeros")).hint("it was copied or downloaded in part: copy it again")
        }
        None => {
            let is_text =
                std::str::from_utf8(&head).is_ok_and(|text| !text.contains(|c: char| c.is_control() && c != '\n'));
            let received = if is_text { received("a text") } else { format!("{} bytes of another form", file.len()) };
            error.received(received).hint("`Model::save`, and `model.save` of Keras, write files of this form")
        }
    }
}

/// Returns the error for a file that begins as it should and ends too early.
pub(crate) fn cut_short(kind: ErrorKind, file: &Section) -> Error {
    Error::new(kind, "file is cut short, or broken at its end: the directory that ends it is missing")
        .received(format!("{} bytes", file.len()))
        .hint("saving or copying it was broken off: save or copy it again")
}
